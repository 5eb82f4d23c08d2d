// The six figures of the overview, as data: the metric, its rule, how it reads, and the line below.
import { compact, duration, number, percent } from "../lib/format.js";

const count = (value, word) => (typeof value === "number" ? `${number(value)} ${word}` : null);

/** `read(m, pool)` is the value now, `metric` its history, `rule` the rule whose level is drawn. */
export const FIGURES = [
  {
    label: "Connections",
    metric: "connections_utilization",
    rule: "connections",
    unit: "ratio",
    read: (m) => m.connections_utilization,
    sub: (
      m,
    ) => [
      typeof m.connections_used === "number"
        ? `${number(m.connections_used)} of ${number(m.connections_limit)}`
        : null,
      count(m.connections_by_state?.active, "active"),
    ],
  },
  {
    label: "Longest transaction",
    metric: "longest_transaction_seconds",
    rule: "long_transaction",
    unit: "seconds",
    read: (m) => m.longest_transaction_seconds,
    sub: (m) => [`idle in one ${duration(m.longest_idle_in_transaction_seconds)}`],
  },
  {
    label: "Blocked sessions",
    metric: "blocked_sessions",
    rule: "blocked_sessions",
    unit: "count",
    read: (m) => m.blocked_sessions,
    sub: (m) => [`longest wait ${duration(m.longest_lock_wait_seconds)}`],
  },
  {
    label: "Cache hits",
    metric: "cache_hit_ratio",
    rule: "cache_hit_ratio",
    unit: "ratio",
    read: (m) => m.cache_hit_ratio,
    sub: (m) => [`indexes ${percent(m.index_hit_ratio, 1)}`],
  },
  {
    label: "Transactions",
    metric: "transactions_per_second",
    rule: null,
    unit: "per_second",
    read: (m) => m.transactions_per_second,
    sub: (m) => [`rolled back ${percent(m.rollback_ratio, 1)}`],
  },
  {
    label: "Ticks ingested",
    metric: "ticks_per_second",
    rule: null,
    unit: "per_second",
    read: (m) => m.ticks_per_second,
    sub: (
      m,
    ) => [
      typeof m.inserts_per_second === "number"
        ? `rows inserted ${compact(m.inserts_per_second)}/s`
        : null,
    ],
  },
];
