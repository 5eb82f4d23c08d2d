import type { Sql } from "../../../db/connection.ts";
import { createMissing, lookUpSymbols, type SymbolEntry } from "../../../db/market/instruments.ts";

/** Entries after which the cache is cleared; a feed has a few thousand symbols. */
const keptMax = 200_000;

export interface SymbolDirectory {
  /** Returns the instruments of these symbols when none of them has to be looked up; undefined otherwise. */
  known(symbols: Iterable<string>): ReadonlyMap<string, SymbolEntry> | undefined;
  /** Returns the instruments of these symbols; with `create`, creates those that never existed. */
  resolve(
    sql: Sql,
    symbols: Iterable<string>,
    create: boolean,
  ): Promise<ReadonlyMap<string, SymbolEntry>>;
  /** Clears the cache after an instrument changed. */
  forget(): void;
}

/**
 * Caches the symbols of instruments that are not deleted. Another process may delete one meanwhile: the writer locks its
 * instruments in the transaction and detects that.
 */
export function createSymbolDirectory(): SymbolDirectory {
  const living = new Map<string, SymbolEntry>();
  return {
    known(symbols) {
      const found = new Map<string, SymbolEntry>();
      for (const symbol of symbols) {
        const entry = living.get(symbol);
        if (!entry) return undefined;
        found.set(symbol, entry);
      }
      return found;
    },
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
