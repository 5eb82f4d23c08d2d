import type { PoolStats } from "../../../db/pool/pool.ts";
import type { Readings } from "../collect/reading.ts";
import type { DatabaseRates } from "../observations/rates.ts";
import { freshValue } from "../collect/reading.ts";

/** The performance of the database in figures; null means unknown, which is not the same as good. */
export interface PerformanceMetrics {
  connections_used: number | null;
  connections_limit: number | null;
  connections_utilization: number | null;
  connections_by_state: Record<string, number> | null;
  transactions_per_second: number | null;
  rollbacks_per_second: number | null;
  rollback_ratio: number | null;
  inserts_per_second: number | null;
  ticks_per_second: number | null;
  cache_hit_ratio: number | null;
  index_hit_ratio: number | null;
  deadlocks_per_minute: number | null;
  temp_files_per_second: number | null;
  temp_bytes_per_second: number | null;
  blocked_sessions: number | null;
  longest_lock_wait_seconds: number | null;
  longest_transaction_seconds: number | null;
  longest_idle_in_transaction_seconds: number | null;
  xid_age: number | null;
  checksum_failures: number | null;
  database_size_bytes: number | null;
  server_version: string | null;
  server_uptime_seconds: number | null;
}

export interface MetricInputs {
  readings: Readings;
  rates: { value: DatabaseRates | undefined; at: number } | undefined;
  ticksPerSecond: number | null;
  now: number;
  /** Age at which a reading of each tier becomes unknown. */
  maxAgeMs: { fast: number; stats: number; slow: number };
}

/** Fewer reads of index blocks since the statistics began say nothing about the cache. */
const indexBlocksMin = 1_000;

const orNull = (value: number | undefined): number | null => value ?? null;

/** Returns the metrics of the readings; null for what is stale or was never read. Pure. */
export function deriveMetrics(
  { readings, rates, ticksPerSecond, now, maxAgeMs }: MetricInputs,
): PerformanceMetrics {
  const activity = freshValue(readings.activity, now, maxAgeMs.fast)?.[0];
  const locks = freshValue(readings.locks, now, maxAgeMs.fast);
  const database = freshValue(readings.database, now, maxAgeMs.fast)?.[0];
  const indexIo = freshValue(readings.index_io, now, maxAgeMs.slow)?.[0];
  const server = freshValue(readings.server, now, maxAgeMs.stats)?.[0];
  const wraparound = freshValue(readings.wraparound, now, maxAgeMs.stats)?.[0];
  const sizes = freshValue(readings.sizes, now, maxAgeMs.slow)?.[0];
  const rate = database && rates && now - rates.at <= maxAgeMs.fast ? rates.value : undefined;
  // A session whose state is hidden may be the longest or a blocked one: then the values are unknown.
  const seesAll = activity !== undefined && activity.hidden === 0;
  const waits = locks?.map((row) => row.waited_seconds ?? 0) ?? [];
  return {
    connections_used: orNull(activity?.used),
    connections_limit: orNull(activity?.limit),
    connections_utilization: activity ? activity.used / activity.limit : null,
    connections_by_state: activity
      ? {
        active: activity.active,
        idle: activity.idle,
        idle_in_transaction: activity.idle_in_transaction,
        idle_in_transaction_aborted: activity.idle_in_transaction_aborted,
        unknown: activity.hidden,
      }
      : null,
    transactions_per_second: orNull(rate?.transactions_per_second),
    rollbacks_per_second: orNull(rate?.rollbacks_per_second),
    rollback_ratio: rate?.rollback_ratio ?? null,
    inserts_per_second: orNull(rate?.inserts_per_second),
    ticks_per_second: ticksPerSecond,
    cache_hit_ratio: rate?.cache_hit_ratio ?? null,
    index_hit_ratio: indexIo && indexIo.blocks_fetched >= indexBlocksMin
      ? indexIo.blocks_hit / indexIo.blocks_fetched
      : null,
    deadlocks_per_minute: orNull(rate?.deadlocks_per_minute),
    temp_files_per_second: orNull(rate?.temp_files_per_second),
    temp_bytes_per_second: orNull(rate?.temp_bytes_per_second),
    blocked_sessions: seesAll ? activity.blocked : null,
    longest_lock_wait_seconds: seesAll && locks ? Math.max(0, ...waits) : null,
    longest_transaction_seconds: seesAll ? activity.longest_transaction_seconds : null,
    longest_idle_in_transaction_seconds: seesAll
      ? activity.longest_idle_in_transaction_seconds
      : null,
    xid_age: orNull(wraparound?.xid_age),
    checksum_failures: database?.checksum_failures ?? null,
    database_size_bytes: orNull(sizes?.database_bytes),
    server_version: server?.version ?? null,
    server_uptime_seconds: orNull(server?.uptime_seconds),
  };
}

/** Returns the pool's figures as metrics for rules and history. Pure. */
export function poolMetrics(pool: PoolStats): Record<string, number> {
  return {
    pool_utilization: pool.utilization,
    pool_active: pool.active,
    pool_waiting: pool.waiting,
    pool_acquire_wait_p95_ms: pool.acquire_wait_ms.p95,
    pool_acquire_wait_p99_ms: pool.acquire_wait_ms.p99,
  };
}
