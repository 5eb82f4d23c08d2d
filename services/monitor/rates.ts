import type { DatabaseCounters } from "../../db/collectors/list.ts";

/** Per-second rates between two readings of pg_stat_database; ratios are from 0 to 1. */
export interface DatabaseRates {
  transactions_per_second: number;
  rollbacks_per_second: number;
  rollback_ratio: number | null;
  inserts_per_second: number;
  deadlocks_per_minute: number;
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
  "temp_bytes",
] as const;

/**
 * Rates from two readings of counters. After a reset (a counter fell, or stats_reset moved) there is no rate
 * until the next reading: a new baseline, never a negative rate.
 */
export function ratesBetween(
  before: DatabaseCounters | undefined,
  after: DatabaseCounters,
): DatabaseRates | undefined {
  if (!before || before.stats_reset !== after.stats_reset) return undefined;
  const seconds = after.taken_at - before.taken_at;
  if (!(seconds > 0) || counters.some((name) => after[name] < before[name])) return undefined;
  const delta = (name: (typeof counters)[number]) => after[name] - before[name];
  const transactions = delta("commits") + delta("rollbacks");
  const blocks = delta("blocks_hit") + delta("blocks_read");
  return {
    transactions_per_second: transactions / seconds,
    rollbacks_per_second: delta("rollbacks") / seconds,
    rollback_ratio: transactions > 0 ? delta("rollbacks") / transactions : null,
    inserts_per_second: delta("rows_inserted") / seconds,
    deadlocks_per_minute: delta("deadlocks") / seconds * 60,
    temp_bytes_per_second: delta("temp_bytes") / seconds,
    blocks_read_per_second: delta("blocks_read") / seconds,
    // Too few blocks say nothing about the cache.
    cache_hit_ratio: blocks >= 100 ? delta("blocks_hit") / blocks : null,
  };
}
