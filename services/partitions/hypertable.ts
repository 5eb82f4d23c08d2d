import type { HypertablePart } from "../../db/timescale/hypertables.ts";

/** Returns why Holdfast does not partition, convert, seal, archive or rewrite a table of TimescaleDB. Pure. */
export function hypertableProblem({ hypertable, is_chunk }: HypertablePart): string {
  const what = is_chunk ? `it is a chunk of the hypertable ${hypertable}` : "it is a hypertable";
  return `${what}: TimescaleDB partitions it, and Holdfast leaves it alone. ` +
    "Use set_chunk_time_interval, add_retention_policy and add_columnstore_policy " +
    "(before TimescaleDB 2.18: add_compression_policy) instead";
}
