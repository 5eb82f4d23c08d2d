import type { PerformanceMetrics } from "./derived.ts";
import type { Signal, Unit } from "./signal.ts";

/** Those of the performance metrics that are numbers. */
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
  metric("connections_limit", "count", "activity", "Sessions that ordinary roles may open"),
  metric("connections_utilization", "ratio", "activity", "Sessions over their limit"),
  metric("blocked_sessions", "count", "activity", "Sessions that wait for a lock"),
  metric("longest_lock_wait_seconds", "seconds", "locks", "Longest present wait for a lock"),
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
    "Longest present idling inside a transaction",
  ),
  metric("transactions_per_second", "per_second", "database", "Commits and rollbacks"),
  metric("rollbacks_per_second", "per_second", "database", "Transactions rolled back"),
  metric("rollback_ratio", "ratio", "database", "Rollbacks over all transactions"),
  metric("inserts_per_second", "per_second", "database", "Rows inserted, whole database"),
  metric("cache_hit_ratio", "ratio", "database", "Block reads served from shared buffers"),
  metric("deadlocks_per_minute", "per_minute", "database", "Deadlocks the server broke up"),
  metric(
    "temp_files_per_second",
    "per_second",
    "database",
    "Temporary files finished: sorts and hashes that did not fit in work_mem",
  ),
  metric("temp_bytes_per_second", "bytes_per_second", "database", "Bytes of temporary files"),
  metric(
    "checksum_failures",
    "count",
    "database",
    "Pages of any database whose checksum was wrong; unknown where checksums are off",
  ),
  metric("index_hit_ratio", "ratio", "index_io", "Index blocks served from shared buffers"),
  metric("server_uptime_seconds", "seconds", "server", "Since the server's start"),
  {
    name: "clock_skew_seconds",
    unit: "seconds",
    collector: "server",
    about:
      "How far Holdfast's clock and the server's are apart, less half the time the answer took",
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
    about: "Entries of pg_stat_statements for this database, up to 1,000",
    read: ({ rows, statements }) => rows("statements") ? statements.tracked : null,
  },
  {
    name: "statement_regressions",
    unit: "count",
    collector: "statements",
    about:
      "Statements whose mean time or blocks per call are at least twice what was usual in the last six hours",
    read: ({ rows, statements }) => rows("statements") ? statements.regressed : null,
  },
  {
    name: "pending_restart_settings",
    unit: "count",
    collector: "settings",
    about: "Settings that were changed and wait for a restart",
    read: ({ rows }) => rows("settings")?.filter((row) => row.pending_restart).length,
  },
  {
    name: "monitor_cost_ratio",
    unit: "ratio",
    collector: "activity",
    about: "Holdfast's own cost: time its collectors take, over their cadences, in connections",
    read: ({ ownCost }) => ownCost.ratio,
  },
  {
    name: "collectors_resting",
    unit: "count",
    collector: "activity",
    about: "Collectors left out for a while because they cost too much",
    read: ({ ownCost }) => ownCost.resting,
  },
  {
    name: "collector_failing",
    unit: "flag",
    collector: "activity",
    of: "collector",
    about: "1 when the server refused a collector's last question: what it reads is unknown",
    read: ({ failing }) => failing.map((scope) => ({ scope, value: 1 })),
  },
];
