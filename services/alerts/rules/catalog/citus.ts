import { defaults, type RuleDefinition } from "../definition.ts";
import { byReading } from "../proof.ts";

const why = "a test would need a cluster of Citus";

/** Rules about the nodes of Citus. */
export const citusRules: readonly RuleDefinition[] = [
  {
    ...defaults,
    name: "citus_node_down",
    title: "A node of Citus is away",
    metric: "citus_node_down",
    unit: "flag",
    direction: "above",
    warning: null,
    critical: 1,
    clear: 0,
    for_seconds: 60,
    phrase: "Citus node away",
    cause:
      "The server of the node is stopped or cannot be reached from the coordinator, or the node was disabled.",
    cure: [{
      sql: "select name, setting from pg_settings where name like 'citus.node%'",
      lock: "none",
      risk: "reads only; how long the coordinator waits for a node",
    }],
    runbook: {
      impact:
        "Uploads and reads that need its shards answer 503. What needs only other nodes still works.",
      look: [{ read: "GET /api/alerts", shows: "the host and port of the node" }],
      steps: [
        "Start the server of the node, or repair the network between it and the coordinator.",
        "If the node was disabled, enable it again with `citus_activate_node`.",
        "If the node is lost, promote its standby and name it with `citus_update_node`.",
      ],
      escalate: "to whoever runs the node's machine, at once.",
    },
    proof: byReading("a node of Citus that is away, and one that answers", why),
  },
  {
    ...defaults,
    name: "citus_shard_skew",
    title: "A distributed table is uneven",
    metric: "citus_shard_skew",
    unit: "ratio",
    direction: "above",
    warning: 2,
    critical: null,
    clear: 1.5,
    for_seconds: 600,
    phrase: "Uneven shards",
    cause:
      "A node has many more rows of the table than others: it has more shards, a few instruments have most ticks, or a new node has no shards yet.",
    cure: [{
      sql: "select name, setting from pg_settings where name like 'citus.shard%'",
      lock: "none",
      risk: "reads only; how many shards a new table gets",
    }],
    runbook: {
      impact: "The fullest node limits the speed and the space of the whole cluster.",
      look: [{ read: "GET /api/alerts", shows: "the table and how uneven it is" }],
      steps: [
        "Compare the shards of the nodes in `citus_shards`.",
        "If a node has fewer shards, plan a rebalance with `get_rebalance_table_shards_plan`, and start it with `citus_rebalance_start` while few uploads run.",
        "If single shards are large, a few instruments have most ticks: move them with `citus_move_shard_placement`.",
      ],
      escalate: "to the owner of the cluster, if a node runs out of space.",
    },
    proof: byReading("a distributed table that is uneven, and one that is even", why),
  },
];
