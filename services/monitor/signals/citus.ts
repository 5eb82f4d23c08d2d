import type { CollectorRows } from "../../../db/collectors/list.ts";
import type { Scoped, Signal, View } from "./signal.ts";

type ShardRow = CollectorRows["citus_shards"];

/** A table whose fullest node has less is not judged for its skew. */
const skewFromBytes = 100 * 1024 ** 2;

/** Returns the rows of each distributed table. */
function byTable(rows: readonly ShardRow[]): Map<string, ShardRow[]> {
  return Map.groupBy(rows, ({ table }) => table);
}

/** Returns a sum; null if a part of it is unknown. */
function sumOf(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>(
    (sum, value) => sum === null || value === null ? null : sum + value,
    0,
  );
}

function totals(
  { rows }: View,
  value: (row: ShardRow) => number | null,
): Scoped[] | undefined {
  const found = rows("citus_shards");
  return found && [...byTable(found)].map(([scope, parts]) => ({
    scope,
    value: sumOf(parts.map(value)),
  }));
}

/** Returns the size on the fullest node by the mean of the nodes that take shards; null where a size is unknown. */
function skewOf(parts: readonly ShardRow[], nodes: number): number | null {
  const total = sumOf(parts.map(({ bytes }) => bytes));
  if (total === null) return null;
  const most = Math.max(...parts.map(({ bytes }) => bytes ?? 0));
  return most < skewFromBytes ? 1 : most / (total / Math.max(nodes, parts.length));
}

/** Values of a cluster of Citus; elsewhere there are none. */
export const citusSignals: readonly Signal[] = [
  {
    name: "citus_node_down",
    unit: "flag",
    collector: "citus_nodes",
    about: "1 where a node of Citus is disabled or does not answer the coordinator",
    of: "node",
    read: ({ rows }) =>
      rows("citus_nodes")?.map(({ node, active, answers }) => ({
        scope: node,
        value: Number(!active || !answers),
      })),
  },
  {
    name: "citus_shard_skew",
    unit: "ratio",
    collector: "citus_shards",
    about:
      "Size of a distributed table on its fullest node, by the mean of the nodes that take shards; 1 below 100 MiB",
    of: "table",
    read: ({ rows }) => {
      const [found, nodes] = [rows("citus_shards"), rows("citus_nodes")];
      if (!found || !nodes) return undefined;
      const takers = nodes.filter(({ takes_shards }) => takes_shards).length;
      return [...byTable(found)].map(([scope, parts]) => ({ scope, value: skewOf(parts, takers) }));
    },
  },
  {
    name: "citus_table_bytes",
    unit: "bytes",
    collector: "citus_shards",
    about: "Size of all shards of a distributed table",
    of: "table",
    read: (view) => totals(view, ({ bytes }) => bytes),
  },
  {
    name: "citus_table_rows",
    unit: "count",
    collector: "citus_shards",
    about: "Rows of a distributed table by the estimates of its shards",
    of: "table",
    read: (view) => totals(view, ({ rows_estimate }) => rows_estimate),
  },
];
