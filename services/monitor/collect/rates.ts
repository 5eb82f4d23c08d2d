import type { Counters, DatabaseCounters } from "../../../db/collectors/rows.ts";

/**
 * Differences per second of the named counters between two readings. After a reset (a counter fell, or stats_reset
 * moved) there is none until the next reading: a new baseline, never a negative rate.
 */
export function perSecond<T extends Counters, K extends string & keyof T>(
  before: T | undefined,
  after: T | undefined,
  names: readonly K[],
): Record<K, number> | undefined {
  if (!before || !after || before.stats_reset !== after.stats_reset) return undefined;
  const seconds = after.taken_at - before.taken_at;
  const deltas = names.map((name) => [name, Number(after[name]) - Number(before[name])] as const);
  // A comparison with NaN is false: a counter this server does not have is no rate either.
  if (!(seconds > 0) || !deltas.every(([, delta]) => delta >= 0)) return undefined;
  return Object.fromEntries(deltas.map(([name, delta]) => [name, delta / seconds])) as Record<
    K,
    number
  >;
}

/** Per-second rates between two readings of pg_stat_database; ratios are from 0 to 1. */
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

/** Rates from two readings of this database's counters; undefined after a reset. */
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
