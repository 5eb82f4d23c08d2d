import { HoldfastError } from "../../errors.ts";
import { CopyEncoder } from "../../db/copy.ts";
import type { Sql } from "../../db/connection.ts";
import { mergeCandles } from "../../db/market/candles.ts";
import { holdInstruments, type SymbolEntry } from "../../db/market/instruments.ts";
import { addQuarantined } from "../../db/market/quarantine.ts";
import {
  copyTicks,
  encodeTicks,
  maxCopyRows,
  nextSeqBase,
  type StoredTick,
} from "../../db/market/ticks.ts";
import type { Rotation } from "../partitions/rotation.ts";
import { createCandleBuilder } from "./candle_builder.ts";
import { type FirewallLimits, judgeTicks } from "./firewall.ts";
import type { SymbolDirectory } from "./symbols.ts";
import type { ParsedTick, Refusal, RowBatch } from "./tick.ts";
import { dayOf } from "./timestamp.ts";

/** Candles held in memory before they are merged, about 20 MB. */
const candlesMax = 100_000;
/** Looking instruments up again after they changed under an upload. */
const holdAttempts = 5;

export interface WriterOptions {
  directory: SymbolDirectory;
  rotation: Pick<Rotation, "ensureDays">;
  limits: FirewallLimits;
  create: boolean;
  /** Leaves what it refuses to the caller, instead of putting it in the quarantine. */
  keepRefused?: boolean;
}

/** Writes the batches of one upload into one transaction that the caller began and will end. */
export function createWriter(
  sql: Sql,
  { directory, rotation, limits, create, keepRefused = false }: WriterOptions,
) {
  const encoder = new CopyEncoder();
  const candles = createCandleBuilder();
  const held = new Set<number>();

  /** Holds these instruments; false when one changed since it was looked up. */
  async function hold(entries: Iterable<SymbolEntry>): Promise<boolean> {
    const fresh = [...entries].filter(({ id, deleted }) => !deleted && !held.has(id));
    if (fresh.length === 0) return true;
    if (!await holdInstruments(sql, fresh)) return false;
    for (const { id } of fresh) held.add(id);
    return true;
  }

  async function copy(ticks: StoredTick[]): Promise<void> {
    for (let at = 0; at < ticks.length; at += maxCopyRows) {
      const part = ticks.slice(at, at + maxCopyRows);
      const seqBase = await nextSeqBase(sql);
      await copyTicks(sql, encodeTicks(encoder, part, seqBase));
      candles.add(part, seqBase);
    }
    if (candles.count > candlesMax) await mergeCandles(sql, candles.take());
  }

  async function judge(ticks: readonly ParsedTick[]) {
    const wanted = new Set(ticks.map((tick) => tick.symbol));
    for (let attempt = 0; attempt < holdAttempts; attempt++) {
      const symbols = await directory.resolve(sql, wanted, create);
      if (await hold(symbols.values())) return judgeTicks(ticks, symbols, limits);
      directory.forget();
    }
    throw new HoldfastError("conflict", "The instruments keep changing under this upload", {
      retryAfterSeconds: 1,
    });
  }

  return {
    /** Stores one batch; answers how many ticks were stored and what was refused. */
    async write(batch: RowBatch): Promise<{ stored: number; refusals: Refusal[] }> {
      const { stored, refusals: judged } = await judge(batch.ticks);
      const refusals = [...batch.refusals, ...judged].sort((a, b) => a.line - b.line);
      if (stored.length > 0) {
        const days = new Set<number>();
        for (const tick of stored) days.add(dayOf(tick.tsUs));
        await rotation.ensureDays(days);
        await copy(stored);
      }
      if (keepRefused) return { stored: stored.length, refusals };
      await addQuarantined(
        sql,
        refusals.map((refusal) => ({ ...refusal, detail: refusal.message })),
      );
      return { stored: stored.length, refusals };
    },
    /** Merges what candles are left; call before commit. */
    finish: () => mergeCandles(sql, candles.take()),
  };
}
