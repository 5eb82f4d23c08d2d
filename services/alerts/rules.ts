import type { AlertOverride, Config } from "../../config.ts";
import { StartError } from "../../errors.ts";
import type { Rule, RuleLevels } from "./rule.ts";

const day = 86_400;
const usual = { keep_firing_seconds: 30, cooldown_seconds: 60, enabled: true };

/** The shipped rules, with production's levels. */
const shipped: readonly Rule[] = [
  {
    ...usual,
    name: "database_down",
    title: "The database cannot be reached",
    metric: "database_down",
    unit: "count",
    direction: "above",
    warning: null,
    critical: 1,
    clear: 0,
    for_seconds: 0,
    keep_firing_seconds: 0,
    cooldown_seconds: 0,
    phrase: "Database unreachable",
    cause: "The server is stopped, restarting, out of connections, or the network to it is cut.",
    cure: [],
  },
  {
    ...usual,
    name: "connection_pool",
    title: "Holdfast's own connection pool is nearly used up",
    metric: "pool_utilization",
    unit: "ratio",
    direction: "above",
    warning: 0.8,
    critical: 0.95,
    clear: 0.7,
    for_seconds: 30,
    phrase: "Connection pool utilization high",
    cause: "More requests at once than HOLDFAST_POOL_SIZE connections, or statements that have become slow.",
    cure: [],
  },
  {
    ...usual,
    name: "pool_wait",
    title: "Requests wait for a connection of the pool",
    metric: "pool_acquire_wait_p95_ms",
    unit: "milliseconds",
    direction: "above",
    warning: 100,
    critical: 1_000,
    clear: 50,
    for_seconds: 30,
    phrase: "Wait for a pool connection high (p95)",
    cause: "The pool is too small for the load, or the database answers slowly.",
    cure: [],
  },
  {
    ...usual,
    name: "connections",
    title: "The server's connections are nearly used up",
    metric: "connections_utilization",
    unit: "ratio",
    direction: "above",
    warning: 0.8,
    critical: 0.9,
    clear: 0.7,
    for_seconds: 60,
    phrase: "Server connections high",
    cause: "Clients that open connections without a pool, or pools that together exceed max_connections.",
    cure: [{
      sql:
        "select usename, application_name, state, count(*) from pg_stat_activity group by 1, 2, 3 order by 4 desc",
      lock: "none",
      risk: "reads only",
    }],
  },
  {
    ...usual,
    name: "long_transaction",
    title: "A transaction has been open for long",
    metric: "longest_transaction_seconds",
    unit: "seconds",
    direction: "above",
    warning: 900,
    critical: 3_600,
    clear: 600,
    for_seconds: 0,
    phrase: "Transaction open for long",
    cause: "An open transaction keeps dead rows from being removed and may hold locks.",
    cure: [{
      sql: "select pid, usename, xact_start, state, query from pg_stat_activity where xact_start < now() - interval '15 minutes' order by xact_start",
      lock: "none",
      risk: "reads only; then pg_terminate_backend(pid) ends one, and rolls its work back",
    }],
  },
  {
    ...usual,
    name: "idle_in_transaction",
    title: "A session idles inside a transaction",
    metric: "longest_idle_in_transaction_seconds",
    unit: "seconds",
    direction: "above",
    warning: 300,
    critical: 900,
    clear: 60,
    for_seconds: 0,
    phrase: "Session idle in transaction",
    cause: "A client began a transaction and forgot it; its locks and its snapshot stay.",
    cure: [{
      sql: "select pid, usename, application_name, state_change, query from pg_stat_activity where state like 'idle in transaction%' order by state_change",
      lock: "none",
      risk: "reads only; then pg_terminate_backend(pid) ends one, and rolls its work back",
    }],
  },
  {
    ...usual,
    name: "lock_wait",
    title: "Sessions wait for a lock",
    metric: "longest_lock_wait_seconds",
    unit: "seconds",
    direction: "above",
    warning: 10,
    critical: 60,
    clear: 1,
    for_seconds: 0,
    phrase: "Waiting for a lock",
    cause: "One session holds what others need; the evidence names the root of the queue.",
    cure: [{
      sql: "select pid, pg_blocking_pids(pid), query from pg_stat_activity where wait_event_type = 'Lock'",
      lock: "none",
      risk: "reads only; then pg_cancel_backend(root) cancels its statement",
    }],
  },
  {
    ...usual,
    name: "cache_hit_ratio",
    title: "Reads miss the buffer cache",
    metric: "cache_hit_ratio",
    unit: "ratio",
    direction: "below",
    warning: 0.9,
    critical: 0.5,
    clear: 0.95,
    for_seconds: 300,
    phrase: "Cache hit ratio low",
    cause: "The working set outgrew shared_buffers, or a large scan is running.",
    cure: [],
  },
  {
    ...usual,
    name: "rollbacks",
    title: "Many transactions are rolled back",
    metric: "rollback_ratio",
    unit: "ratio",
    direction: "above",
    warning: 0.2,
    critical: 0.6,
    clear: 0.1,
    for_seconds: 120,
    phrase: "Rollbacks high",
    cause: "Clients meet errors: the server's log names them.",
    cure: [],
  },
  {
    ...usual,
    name: "deadlocks",
    title: "Deadlocks happen",
    metric: "deadlocks_per_minute",
    unit: "per_minute",
    direction: "above",
    warning: 1,
    critical: 10,
    clear: 0,
    for_seconds: 0,
    phrase: "Deadlocks",
    cause: "Transactions lock the same rows in different orders.",
    cure: [],
  },
  {
    ...usual,
    name: "wraparound",
    title: "Transaction ids run out",
    metric: "xid_age",
    unit: "count",
    direction: "above",
    warning: 1_000_000_000,
    critical: 1_600_000_000,
    clear: 900_000_000,
    for_seconds: 0,
    phrase: "Oldest transaction id is old",
    cause: "Vacuum does not get to freeze old rows: a long transaction, a slot, or autovacuum held back.",
    cure: [{ sql: "vacuum (freeze, verbose)", lock: "SHARE UPDATE EXCLUSIVE", risk: "heavy reads and writes" }],
  },
  {
    ...usual,
    name: "checksum_failures",
    title: "Pages failed their checksum",
    metric: "checksum_failures",
    unit: "count",
    direction: "above",
    warning: null,
    critical: 1,
    clear: 0,
    for_seconds: 0,
    phrase: "Checksum failures",
    cause: "The storage returned other bytes than were written. Restore from a proven backup.",
    cure: [],
  },
  {
    ...usual,
    name: "partition_runway",
    title: "Inserts will soon find no partition",
    metric: "partition_runway_seconds",
    unit: "seconds",
    direction: "below",
    warning: 3 * day,
    critical: day,
    clear: 3 * day + 3_600,
    for_seconds: 0,
    phrase: "Time until inserts fail",
    cause: "Rotation does not make partitions ahead: it fails, or is switched off.",
    cure: [],
  },
  {
    ...usual,
    name: "partition_holes",
    title: "There is a gap between partitions",
    metric: "partition_holes",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    phrase: "Holes between partitions",
    cause: "A partition was dropped or never made; rows of that time have no place.",
    cure: [],
  },
  {
    ...usual,
    name: "default_rows",
    title: "A default partition holds rows",
    metric: "partition_default_rows",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    phrase: "Rows in the default partition",
    cause: "Rows came for which no partition existed; they forbid attaching the right one.",
    cure: [],
  },
];

type Changes = Partial<RuleLevels>;

const profiles: Record<Config["HOLDFAST_PROFILE"], Record<string, Changes>> = {
  production: {},
  staging: {
    connection_pool: { for_seconds: 20 },
    long_transaction: { warning: 600, critical: 3_600, clear: 300 },
  },
  development: {
    connection_pool: { for_seconds: 10 },
    pool_wait: { for_seconds: 10 },
    connections: { for_seconds: 10 },
    long_transaction: { warning: 1_800, critical: 7_200, clear: 900 },
  },
};

const levelNames = [
  "warning",
  "critical",
  "clear",
  "for_seconds",
  "keep_firing_seconds",
  "cooldown_seconds",
] as const;

/** Moves `clear` to the good side of the levels when a change would leave it on the bad side. */
export function withChanges(rule: Rule, changes: Changes): Rule {
  const changed = { ...rule, ...changes };
  const first = changed.warning ?? changed.critical;
  if (first === null || changes.clear !== undefined) return changed;
  const wrong = changed.direction === "above" ? changed.clear >= first : changed.clear <= first;
  // Just beyond the level: a hysteresis of nothing rather than an alert that can never end.
  const step = Math.max(Math.abs(first) * 0.01, Number.EPSILON);
  return wrong ? { ...changed, clear: changed.direction === "above" ? first - step : first + step } : changed;
}

function parseOverride({ name, value }: AlertOverride): { rule: string; changes: Changes } {
  const words = name.slice("HOLDFAST_ALERT_".length).toLowerCase();
  for (const rule of shipped) {
    if (words === `${rule.name}_enabled` && /^(0|1|true|false)$/.test(value)) {
      return { rule: rule.name, changes: { enabled: value === "1" || value === "true" } };
    }
    for (const level of levelNames) {
      if (words === `${rule.name}_${level}` && Number.isFinite(Number(value))) {
        return { rule: rule.name, changes: { [level]: Number(value) } };
      }
    }
  }
  throw new StartError(
    `${name} is ${JSON.stringify(value)}; allowed: HOLDFAST_ALERT_<RULE>_<${
      [...levelNames, "enabled"].map((level) => level.toUpperCase()).join("|")
    }> with a number (ENABLED: 0 or 1), for the rules ${shipped.map((rule) => rule.name).join(", ")}`,
  );
}

/** The rules that hold at the start: shipped, then the profile's, then those set from outside. */
export function buildRules(
  profile: Config["HOLDFAST_PROFILE"],
  overrides: readonly AlertOverride[],
): Rule[] {
  const outside = overrides.map(parseOverride);
  return shipped.map((rule) => {
    const changes = outside.filter((one) => one.rule === rule.name).map((one) => one.changes);
    return withChanges(withChanges(rule, profiles[profile][rule.name] ?? {}), Object.assign({}, ...changes));
  });
}
