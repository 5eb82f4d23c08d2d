// The figures an operator looks at first, as data: how to read each from /api/health/database.
import { bytes, compact, duration, milliseconds, number, percent, UNKNOWN } from "./format.js";

const rate = (value) => (typeof value === "number" ? `${compact(value)}/s` : UNKNOWN);
const part = (value, text) => (value === null || value === undefined ? null : text);
const ratio = (a, b) => (typeof a === "number" && b > 0 ? a / b : null);

/** "idle 12 · active 4", busiest first, without the zeros. */
function states(byState) {
  return Object.entries(byState ?? {})
    .filter(([, count]) => count > 0)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 3)
    .map(([state, count]) => `${count} ${state.replace("idle in transaction", "idle in tx")}`)
    .join(" · ");
}

/**
 * Each: `metric` is the name in /api/metrics, `read(m, pool)` the number that is drawn, `show` its
 * words, `of` an optional limit, `share` an optional 0-to-1 bar, `sub(m, pool)` the line below.
 */
export const FIGURES = [
  {
    label: "Connections",
    metric: "connections_used",
    read: (m) => m.connections_used,
    show: number,
    of: (m) => part(m.connections_limit, `of ${number(m.connections_limit)}`),
    share: (m) => m.connections_utilization ?? ratio(m.connections_used, m.connections_limit),
    sub: (m) => states(m.connections_by_state),
  },
  {
    label: "Pool in use",
    metric: "pool_utilization",
    read: (_m, pool) => pool.utilization,
    show: (value) => percent(value, 0),
    of: (_m, pool) => part(pool.size, `of ${number(pool.size)}`),
    share: (_m, pool) => pool.utilization,
    sub: (_m, pool) => {
      const wait = pool.acquire_wait_ms ?? {};
      const known = ["p50", "p95", "p99"].filter((name) => typeof wait[name] === "number");
      const use = ["active", "idle", "waiting"].filter((name) => typeof pool[name] === "number")
        .map((name) => `${number(pool[name])} ${name}`);
      const waits = known.map((name) => `${name} ${milliseconds(wait[name])}`);
      return `${use.join(" · ") || "use unknown"}\nacquire wait ${waits.join(" · ") || "unknown"}`;
    },
  },
  {
    label: "Transactions",
    metric: "transactions_per_second",
    read: (m) => m.transactions_per_second,
    show: rate,
    sub: (m) => `rollbacks ${rate(m.rollbacks_per_second)}`,
  },
  {
    label: "Rows inserted",
    metric: "inserts_per_second",
    read: (m) => m.inserts_per_second,
    show: rate,
    sub: () => "all tables",
  },
  {
    label: "Ticks ingested",
    metric: "ticks_per_second",
    read: (m) => m.ticks_per_second,
    show: rate,
    sub: () => "through Holdfast",
  },
  {
    label: "Cache hits",
    metric: "cache_hit_ratio",
    read: (m) => m.cache_hit_ratio,
    show: (value) => percent(value, 2),
    sub: (m) => `indexes ${percent(m.index_hit_ratio, 2)}`,
  },
  {
    label: "Database size",
    metric: "database_size_bytes",
    read: (m) => m.database_size_bytes,
    show: bytes,
    sub: (m) =>
      part(m.temp_bytes_per_second, `temp files ${bytes(m.temp_bytes_per_second)}/s`) ??
        "temp files unknown",
  },
  {
    label: "Longest transaction",
    metric: "longest_transaction_seconds",
    read: (m) => m.longest_transaction_seconds,
    show: duration,
    sub: (m) => `idle in transaction ${duration(m.longest_idle_in_transaction_seconds)}`,
  },
  {
    label: "Blocked sessions",
    metric: "blocked_sessions",
    read: (m) => m.blocked_sessions,
    show: number,
    sub: (m) =>
      part(m.deadlocks_per_minute, `deadlocks ${number(m.deadlocks_per_minute)}/min`) ??
        "deadlocks unknown",
  },
];
