import { CopyEncoder } from "../../db/copy.ts";
import type { ReservedSql } from "../../db/connection.ts";
import { mergeCandles } from "../../db/market/candles.ts";
import { holdInstruments } from "../../db/market/instruments.ts";
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

export interface WriterOptions {
  directory: SymbolDirectory;
  rotation: Pick<Rotation, "ensureDays">;
  limits: FirewallLimits;
  create: boolean;
}

/** Writes the batches of one upload into one transaction that the caller began and will end. */
export function createWriter(
  sql: ReservedSql,
  { directory, rotation, limits, create }: WriterOptions,
) {
  const encoder = new CopyEncoder();
  const candles = createCandleBuilder();
  const held = new Set<number>();

  /** Ids that may be written; those of instruments deleted under us are not among them. */
  async function hold(ids: Set<number>): Promise<Set<number>> {
    const fresh = [...ids].filter((id) => !held.has(id));
    if (fresh.length > 0) {
      const living = await holdInstruments(sql, fresh);
      for (const id of living) held.add(id);
      if (living.size < fresh.length) directory.forget();
    }
    return held;
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
    const symbols = await directory.resolve(sql, new Set(ticks.map((tick) => tick.symbol)), create);
    return judgeTicks(ticks, symbols, limits);
  }

  return {
    /** Stores one batch; answers how many ticks were stored and what was refused. */
    async write(batch: RowBatch): Promise<{ stored: number; refusals: Refusal[] }> {
      let { stored, refusals } = await judge(batch.ticks);
      const ids = new Set(stored.map((tick) => tick.instrumentId));
      const living = await hold(ids);
      if ([...ids].some((id) => !living.has(id))) ({ stored, refusals } = await judge(batch.ticks));
      refusals = [...batch.refusals, ...refusals];
      if (stored.length > 0) {
        const days = new Set<number>();
        for (const tick of stored) days.add(dayOf(tick.tsUs));
        await rotation.ensureDays(days);
        await copy(stored);
      }
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
