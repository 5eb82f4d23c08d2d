import type { Sql } from "../connection.ts";
import type { TableName } from "../partitions/ddl.ts";

/** A chunk of a hypertable over time; microseconds since 1970, `from_us` included. */
export interface Chunk {
  schema: string;
  table: string;
  from_us: number;
  to_us: number;
}

/** Returns the number of columns that a hypertable is partitioned by, and its chunks in order of time. */
export async function listChunks(
  sql: Sql,
  { schema, table }: TableName,
): Promise<{ dimensions: number; chunks: Chunk[] }> {
  const [hypertable] = await sql<{ dimensions: number }[]>`
    select num_dimensions::int4 as dimensions
    from timescaledb_information.hypertables
    where hypertable_schema = ${schema} and hypertable_name = ${table}`;
  const chunks = await sql<Chunk[]>`
    select
      chunk_schema as schema,
      chunk_name as "table",
      (extract(epoch from range_start) * 1e6)::float8 as from_us,
      (extract(epoch from range_end) * 1e6)::float8 as to_us
    from timescaledb_information.chunks
    where hypertable_schema = ${schema}
      and hypertable_name = ${table}
      and range_start is not null
    order by range_start`;
  return { dimensions: hypertable?.dimensions ?? 0, chunks: [...chunks] };
}
