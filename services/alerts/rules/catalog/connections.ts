import { defaults, type RuleDefinition } from "../definition.ts";
import { onServer } from "../proof.ts";

const poolProof = onServer(
  "an exhausted pool, and the wait for a connection, fire at their shipped levels",
  { file: "alerts/alerts_test.ts" },
);

/** Rules about reaching the server, and about connections to it. */
export const connectionRules: readonly RuleDefinition[] = [
  {
    ...defaults,
    name: "database_down",
    local: true,
    title: "The database is unreachable",
    metric: "database_down",
    unit: "flag",
    direction: "above",
    warning: null,
    critical: 1,
    clear: 0,
    for_seconds: 0,
    keep_firing_seconds: 0,
    cooldown_seconds: 0,
    phrase: "Database unreachable",
    cause:
      "Possible causes: the server is stopped or restarting, it has no connection left, or the network to it is interrupted.",
    evidence: ({ unreachable }) => [{ name: "error", value: unreachable?.error ?? null }],
    inhibitsAll: true,
    proof: onServer(
      "during an outage alerts come from memory, the log has one line, and they are stored afterwards",
      {
        file: "alerts/delivery_test.ts",
      },
    ),
  },
  {
    ...defaults,
    name: "connection_pool",
    local: true,
    title: "Holdfast's own connection pool is nearly exhausted",
    metric: "pool_utilization",
    unit: "ratio",
    direction: "above",
    warning: 0.8,
    critical: 0.95,
    clear: 0.7,
    for_seconds: 30,
    phrase: "Connection pool utilization high",
    cause:
      "Possible causes: more concurrent requests than HOLDFAST_POOL_SIZE connections, or statements that became slow.",
    evidence: ({ pool }) => [{ name: "connection_pool", value: pool }],
    profiles: { staging: { for_seconds: 20 }, development: { for_seconds: 10 } },
    proof: poolProof,
  },
  {
    ...defaults,
    name: "pool_wait",
    local: true,
    title: "Requests wait for a connection of the pool",
    metric: "pool_acquire_wait_p95_ms",
    unit: "milliseconds",
    direction: "above",
    warning: 100,
    critical: 1_000,
    clear: 50,
    for_seconds: 30,
    phrase: "Wait for a pool connection high (p95)",
    cause: "Possible causes: the pool is too small for the load, or the database answers slowly.",
    evidence: ({ pool }) => [{ name: "connection_pool", value: pool }],
    profiles: { development: { for_seconds: 10 } },
    inhibitedBy: { rule: "connection_pool", sameScope: false },
    proof: poolProof,
  },
  {
    ...defaults,
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
    cause:
      "Possible causes: clients open connections without a pool, or the pools of all clients together exceed max_connections.",
    cure: [{
      sql:
        "select usename, application_name, state, count(*) from pg_stat_activity group by 1, 2, 3 order by 4 desc",
      lock: "none",
      risk: "reads only",
    }],
    evidence: ({ metrics }) => [{
      name: "connections_by_state",
      value: metrics.connections_by_state,
    }],
    profiles: { development: { for_seconds: 10 } },
    proof: onServer("connections nearly used up"),
  },
];
