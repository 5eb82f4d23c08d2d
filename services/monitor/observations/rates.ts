import type { Counters, Tier } from "../../../db/collectors/collector.ts";
import { type CollectorName, tierOf } from "../../../db/collectors/list.ts";
import type { DatabaseCounters } from "../../../db/collectors/server/collectors.ts";
import type { Readings } from "../collect/reading.ts";

/**
 * Returns the differences per second of the named counters between two readings. After a reset (a counter fell, or
 * stats_reset changed) there is none until the next reading. Pure.
 */
export function perSecond<T extends Counters, K extends string & keyof T>(
  before: T | undefined,
  after: T | undefined,
  names: readonly K[],
): Record<K, number> | undefined {
  if (!before || !after || before.stats_reset !== after.stats_reset) return undefined;
  const seconds = after.taken_at - before.taken_at;
  const deltas = names.map((name) => [name, Number(after[name]) - Number(before[name])] as const);
  // A counter that this server does not have gives NaN, and a comparison with NaN is false.
  if (!(seconds > 0) || !deltas.every(([, delta]) => delta >= 0)) return undefined;
  return Object.fromEntries(deltas.map(([name, delta]) => [name, delta / seconds])) as Record<
    K,
    number
  >;
}

/** Counters of a collector of one row whose rates signals read with `view.rate`. */
export interface RateSource {
  collector: CollectorName;
  columns: readonly string[];
}

/** Keeps the rates of each source between its last two readings. */
export function createCounterRates(sources: readonly RateSource[]) {
  const found = new Map<string, Record<string, number> | undefined>();
  return {
    /** Works out the rates of the sources that `tier` reads. */
    note(tier: Tier, before: Readings, after: Readings): void {
      for (const { collector, columns } of sources) {
        if (tierOf(collector) !== tier) continue;
        const counters = (of: Readings) =>
          of[collector].value?.[0] as Counters & Record<string, number> | undefined;
        found.set(collector, perSecond(counters(before), counters(after), columns));
      }
    },
    /** Returns the rate of a counter per second; undefined before two readings and after a reset. */
    perSecond: (collector: string, column: string): number | undefined =>
      found.get(collector)?.[column],
  };
}

/** Rates per second between two readings of pg_stat_database; ratios are from 0 to 1. */
export interface DatabaseRates {
  transactions_per_second: number;
  rollbacks_per_second: number;
  rollback_ratio: number | null;
  inserts_per_second: number;
  deadlocks_per_minute: number;
  temp_files_per_second: number;
  temp_bytes_per_second: number;
  blocks_read_per_second: number;
  cache_hit_ratio: number | null;
}

const counters = [
  "commits",
  "rollbacks",
  "blocks_hit",
  "blocks_read",
  "rows_inserted",
  "deadlocks",
  "temp_files",
  "temp_bytes",
] as const;

/** Returns the rates between two readings of this database's counters; undefined after a reset. Pure. */
export function ratesBetween(
  before: DatabaseCounters | undefined,
  after: DatabaseCounters,
): DatabaseRates | undefined {
  const rate = perSecond(before, after, counters);
  if (!before || !rate) return undefined;
  const transactions = rate.commits + rate.rollbacks;
  const blocks = rate.blocks_hit + rate.blocks_read;
  const seconds = after.taken_at - before.taken_at;
  return {
    transactions_per_second: transactions,
    rollbacks_per_second: rate.rollbacks,
    rollback_ratio: transactions > 0 ? rate.rollbacks / transactions : null,
    inserts_per_second: rate.rows_inserted,
    deadlocks_per_minute: rate.deadlocks * 60,
    temp_files_per_second: rate.temp_files,
    temp_bytes_per_second: rate.temp_bytes,
    blocks_read_per_second: rate.blocks_read,
    // Too few blocks say nothing about the cache.
    cache_hit_ratio: blocks * seconds >= 100 ? rate.blocks_hit / blocks : null,
  };
}
