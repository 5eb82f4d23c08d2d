import type { Sql } from "../connection.ts";
import objects from "./objects.sql" with { type: "text" };

/** A table that holds rows itself; no partitioned table, no member of an extension. */
export interface StoredTable {
  schema: string;
  name: string;
  bytes: number;
  /** All columns, for a comparison. */
  columns: string[];
  /** Those that COPY may write: without the generated ones. */
  writable: string[];
}

/** A sequence and where it stands. */
export interface SequenceState {
  schema: string;
  name: string;
}

export const listTables = (sql: Sql): Promise<StoredTable[]> =>
  sql<StoredTable[]>`
    select
      n.nspname as schema,
      c.relname as name,
      pg_table_size(c.oid)::float8 as bytes,
      coalesce(array_agg(a.attname::text order by a.attnum) filter (where a.attnum > 0), '{}')
        as columns,
      coalesce(
        array_agg(a.attname::text order by a.attnum)
          filter (where a.attnum > 0 and a.attgenerated = ''),
        '{}'
      ) as writable
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    left join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind = 'r'
      and c.relpersistence <> 't'
      and n.nspname !~ '^pg_'
      and n.nspname not in ('information_schema', 'holdfast_upgrade')
      and not exists (
        select from pg_depend as d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
      )
    group by n.nspname, c.relname, c.oid
    order by n.nspname, c.relname`;

export const listSequences = (sql: Sql): Promise<SequenceState[]> =>
  sql<SequenceState[]>`
    select
      n.nspname as schema,
      c.relname as name
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind = 'S'
      and c.relpersistence <> 't'
      and n.nspname !~ '^pg_'
      and n.nspname <> 'information_schema'
      and not exists (
        select from pg_depend as d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
      )
    order by n.nspname, c.relname`;

/** Names what a database holds that this upgrade does not move; empty where it moves everything. */
export async function listObstacles(sql: Sql): Promise<string[]> {
  const rows = await sql<{ what: string }[]>`
    select format('%s large objects', count(*)) as what
    from pg_largeobject_metadata
    having count(*) > 0
    union all
    select format('the extension %s, which keeps settings in tables of its own', extname)
    from pg_extension
    where extconfig is not null
    union all
    select format('the subscription %s', subname)
    from pg_subscription
    where subdbid = (select oid from pg_database where datname = current_database())
    union all
    select format('the prepared transaction %s', gid)
    from pg_prepared_xacts
    where database = current_database()`;
  return rows.map(({ what }) => what);
}

export async function listExtensions(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`select extname as name from pg_extension order by 1`;
  return rows.map(({ name }) => name);
}

export async function listAvailableExtensions(sql: Sql): Promise<Set<string>> {
  const rows = await sql<{ name: string }[]>`select name from pg_available_extensions`;
  return new Set(rows.map(({ name }) => name));
}

/**
 * Lists every object of a database in words that do not depend on oids or on the version: relations with their owners,
 * columns with their types, constraints (Postgres 18 lists NOT NULL among them, so those are left to the columns), indexes
 * with their validity, functions, triggers, policies, types and statistics.
 */
export async function listObjects(sql: Sql): Promise<string[]> {
  const rows = await sql.unsafe<{ object: string }[]>(objects);
  return rows.map(({ object }) => object);
}
