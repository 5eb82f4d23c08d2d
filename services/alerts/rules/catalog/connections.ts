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
    runbook: {
      impact:
        "Holdfast cannot reach Postgres. Uploads are answered 503 and nothing is stored; clients that retry with their `Idempotency-Key` lose nothing. `/api/health` still answers.",
      look: [
        { read: "GET /api/health", shows: "the check `database` has the error of the driver" },
        {
          read: "deno task doctor",
          shows: "tries the connection, and says why it fails and what to do",
        },
      ],
      steps: [
        "Check the server from its own machine: its process, its log, its disk.",
        "If the server runs, check the path to it: name resolution, firewall, pooler, certificate.",
        "If it has no connection left (53300), follow the runbook of `connections`.",
        "Do not restart Holdfast: it reconnects by itself, and alerts that are not stored yet are in its memory.",
      ],
      escalate:
        "at once if the server does not start, or if you cannot say within 15 minutes why it is unreachable. If its data directory is damaged, restore a backup beside it and keep the old directory.",
    },
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
    runbook: {
      impact:
        "Requests to Holdfast soon wait for a connection. Uploads have connections of their own, so ingest is the last to suffer.",
      look: [
        {
          read: "GET /api/health/database",
          shows: "`connection_pool`: how many connections are in use, and how many requests wait",
        },
        {
          read: "GET /api/queries",
          shows: "statements that became slower hold connections longer",
        },
      ],
      steps: [
        "If statements are slow, follow the runbook of the alert that says why (`lock_wait`, `cache_hit_ratio`, `statement_regression`).",
        "If the load is legitimate, raise `HOLDFAST_POOL_SIZE` and restart. The server must have that many connections to spare.",
      ],
      escalate: "if the pool stays exhausted for 15 minutes and no client or statement stands out.",
    },
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
    runbook: {
      impact:
        "Requests wait for a connection before their statement begins. Users see slow answers.",
      look: [
        {
          read: "GET /api/health/database",
          shows: "`connection_pool`: the wait at p95, and the requests that wait",
        },
        {
          read: "GET /api/locks",
          shows: "a session that blocks others also blocks Holdfast's statements",
        },
      ],
      steps: [
        "Find what holds the connections: the slowest statements, then locks.",
        "If the load is legitimate, raise `HOLDFAST_POOL_SIZE` and restart.",
      ],
      escalate: "if p95 stays above the critical level for 15 minutes.",
    },
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
    runbook: {
      impact:
        "At 100 % every new client is refused with 53300, and so is Holdfast when it must reconnect. The last connections are reserved for superusers.",
      look: [
        { read: "GET /api/sessions", shows: "which users and applications hold the connections" },
        {
          read: "GET /api/health/database",
          shows: "`connections_by_state`: many that are `idle` mean pools that are too large",
        },
      ],
      steps: [
        "Find the application with the most connections, and lower its pool or restart it.",
        "End sessions that are idle and belong to nobody: `POST /api/locks/{pid}/terminate`.",
        "For the long term, put a pooler in front. Raising `max_connections` needs a restart of the server and memory for each connection.",
      ],
      escalate: "at 90 % if the owner of the connections does not answer within 10 minutes.",
    },
    proof: onServer("connections nearly used up"),
  },
];
