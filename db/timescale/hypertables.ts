import { askVersions } from "../collectors/ask.ts";
import type { Sql } from "../connection.ts";

/** A table that TimescaleDB keeps: a hypertable or one of its chunks. */
export interface HypertablePart {
  oid: number;
  /** The hypertable, `schema.table`. */
  hypertable: string;
  is_chunk: boolean;
}

async function hasTimescale(sql: Sql): Promise<boolean> {
  return ((await askVersions(sql))?.timescale_version ?? null) !== null;
}

/** Returns which of these tables are hypertables or chunks; none without TimescaleDB. Waits for no lock on them. */
export async function findHypertables(
  sql: Sql,
  oids: readonly number[],
): Promise<Map<number, HypertablePart>> {
  if (oids.length === 0 || !await hasTimescale(sql)) return new Map();
  const rows = await sql<HypertablePart[]>`
    select
      w.oid::int8::float8 as oid,
      h.schema_name || '.' || h.table_name as hypertable,
      c.oid <> w.oid as is_chunk
    from unnest(${oids as number[]}::int8[]::oid[]) as w (oid)
    left join pg_inherits as i on i.inhrelid = w.oid
    join pg_class as c on c.oid in (w.oid, i.inhparent)
    join pg_namespace as n on n.oid = c.relnamespace
    join _timescaledb_catalog.hypertable as h on h.schema_name = n.nspname and h.table_name = c.relname`;
  return new Map(rows.map((row) => [row.oid, row]));
}
