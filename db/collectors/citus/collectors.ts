import { collectorOf, type Question } from "../collector.ts";
import nodes from "./nodes.sql" with { type: "text" };
import shards from "./shards.sql" with { type: "text" };

/** Returns the questions of a collector that only Citus understands. */
const onCitus = (sql: string): readonly Question[] => [{
  minVersion: 140_000,
  engine: "citus",
  sql,
}];

/** The nodes of Citus and what is on them. */
export const citusCollectors = [
  collectorOf<{ node: string; active: boolean; takes_shards: boolean; answers: boolean }>()({
    name: "citus_nodes",
    tier: "stats",
    questions: onCitus(nodes),
  }),
  collectorOf<{
    table: string;
    node: string;
    shards: number;
    bytes: number | null;
    rows_estimate: number | null;
  }>()({
    name: "citus_shards",
    tier: "slow",
    grant: "usage on the schemas of distributed tables",
    questions: onCitus(shards),
  }),
];
