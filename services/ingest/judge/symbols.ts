import type { Sql } from "../../../db/connection.ts";
import { createMissing, lookUpSymbols, type SymbolEntry } from "../../../db/market/instruments.ts";

/** A page of feed holds a few thousand symbols; beyond this the cache starts anew. */
const keptMax = 200_000;

export interface SymbolDirectory {
  /** What is known of these symbols; with `create`, those never seen before become instruments. */
  resolve(
    sql: Sql,
    symbols: Iterable<string>,
    create: boolean,
  ): Promise<ReadonlyMap<string, SymbolEntry>>;
  /** Forgets everything, after an instrument changed. */
  forget(): void;
}

/**
 * Remembers living symbols. A remembered one may have been deleted meanwhile elsewhere: the write holds its
 * instruments inside the transaction and notices.
 */
export function createSymbolDirectory(): SymbolDirectory {
  const living = new Map<string, SymbolEntry>();
  return {
    async resolve(sql, symbols, create) {
      const found = new Map<string, SymbolEntry>();
      const unknown: string[] = [];
      for (const symbol of symbols) {
        const entry = living.get(symbol);
        if (entry) found.set(symbol, entry);
        else unknown.push(symbol);
      }
      if (unknown.length === 0) return found;
      let entries = await lookUpSymbols(sql, unknown);
      if (create && entries.length < unknown.length) {
        const seen = new Set(entries.map(({ symbol }) => symbol));
        await createMissing(sql, unknown.filter((symbol) => !seen.has(symbol)));
        entries = await lookUpSymbols(sql, unknown);
      }
      if (living.size + entries.length > keptMax) living.clear();
      for (const entry of entries) {
        found.set(entry.symbol, entry);
        if (!entry.deleted) living.set(entry.symbol, entry);
      }
      return found;
    },
    forget: () => living.clear(),
  };
}
