import type { PerformanceMetrics } from "./derived.ts";
import type { Signal, Unit } from "./signal.ts";

/** Returns a signal that reads one of the performance metrics. */
function metric(
  name: keyof PerformanceMetrics,
  unit: Unit,
  collector: Signal["collector"],
  about: string,
): Signal {
  return {
    name,
    unit,
    collector,
    about,
    read: ({ metrics }) => {
      const value = metrics[name];
      return typeof value === "number" ? value : null;
    },
  };
}

export const activitySignals: readonly Signal[] = [
  metric("connections_used", "count", "activity", "Client sessions on the server"),
  metric(
    "connections_limit",
    "count",
    "activity",
    "Sessions that roles without superuser rights may open",
  ),
  metric(
    "connections_utilization",
    "ratio",
    "activity",
    "Client sessions as a share of their limit",
  ),
  metric("blocked_sessions", "count", "activity", "Sessions that wait for a lock"),
  metric("longest_lock_wait_seconds", "seconds", "locks", "Longest wait for a lock at present"),
  metric(
    "longest_transaction_seconds",
    "seconds",
    "activity",
    "Age of the oldest open transaction of a client",
  ),
  metric(
    "longest_idle_in_transaction_seconds",
    "seconds",
    "activity",
    "Longest time that an open transaction has been idle",
  ),
  metric(
    "transactions_per_second",
    "per_second",
    "database",
    "Transactions committed or rolled back",
  ),
  metric("rollbacks_per_second", "per_second", "database", "Transactions rolled back"),
  metric("rollback_ratio", "ratio", "database", "Share of transactions that were rolled back"),
  metric("inserts_per_second", "per_second", "database", "Rows inserted in this database"),
  metric("cache_hit_ratio", "ratio", "database", "Share of block reads served from shared buffers"),
  metric("deadlocks_per_minute", "per_minute", "database", "Deadlocks detected"),
  metric(
    "temp_files_per_second",
    "per_second",
    "database",
    "Temporary files written by sorts and hashes that did not fit in work_mem",
  ),
  metric(
    "temp_bytes_per_second",
    "bytes_per_second",
    "database",
    "Bytes written to temporary files",
  ),
  metric(
    "checksum_failures",
    "count",
    "database",
    "Checksum failures in all databases; unknown where checksums are off",
  ),
  metric(
    "index_hit_ratio",
    "ratio",
    "index_io",
    "Share of index block reads served from shared buffers",
  ),
  metric("server_uptime_seconds", "seconds", "server", "Time since the start of the server"),
  {
    name: "clock_skew_seconds",
    unit: "seconds",
    collector: "server",
    about: "Difference between the clocks of Holdfast and the server, less half the round trip",
    read: ({ clockSkewMs }) => clockSkewMs === undefined ? null : Math.abs(clockSkewMs) / 1000,
  },
  metric("database_size_bytes", "bytes", "sizes", "Size on disk of this database"),
  {
    name: "statement_load",
    unit: "ratio",
    collector: "statements",
    about: "Time spent in statements per second: the mean number of statements running at once",
    read: ({ rows, statements }) =>
      rows("statements") && statements.load !== undefined ? statements.load / 1000 : null,
  },
  {
    name: "statements_tracked",
    unit: "count",
    collector: "statements",
    about: "Entries of pg_stat_statements for this database, at most 1,000",
    read: ({ rows, statements }) => rows("statements") ? statements.tracked : null,
  },
  {
    name: "statement_regressions",
    unit: "count",
    collector: "statements",
    about:
      "Statements whose mean time or blocks per call are at least twice the median of the last six hours",
    read: ({ rows, statements }) => rows("statements") ? statements.regressed : null,
  },
  {
    name: "pending_restart_settings",
    unit: "count",
    collector: "settings",
    about: "Changed settings that take effect only after a restart",
    read: ({ rows }) => rows("settings")?.filter((row) => row.pending_restart).length,
  },
  {
    name: "monitor_cost_ratio",
    unit: "ratio",
    collector: "activity",
    about: "Cost of the monitoring: the mean number of connections that its collectors keep busy",
    read: ({ ownCost }) => ownCost.ratio,
  },
  {
    name: "collectors_resting",
    unit: "count",
    collector: "activity",
    about: "Collectors that are paused because they took too long",
    read: ({ ownCost }) => ownCost.resting,
  },
  {
    name: "collector_failing",
    unit: "flag",
    collector: "activity",
    of: "collector",
    about: "1 when the last query of a collector failed: its values are unknown",
    read: ({ failing }) => failing.map((scope) => ({ scope, value: 1 })),
  },
];
