import type { Sql } from "../connection.ts";
import { quoteIdent, quoteTable } from "../sql.ts";

/** Application name of the sessions that make the change. */
export const changeApplication = "holdfast-rehearsal-change";

/** A table that a change may touch. */
export interface TouchedTable {
  /** Quoted. */
  name: string;
  /** Unquoted, schema.name. */
  label: string;
  oid: number;
}

/** Finds the tables that some names refer to, directly or by an index. Returns at most four. */
export async function findTouched(
  sql: Sql,
  names: readonly { schema: string | null; name: string }[],
): Promise<TouchedTable[]> {
  const rows = await sql<{ schema: string; name: string; oid: number }[]>`
    with named as (
      select distinct to_regclass(
        case when w.schema is null then quote_ident(w.name)
          else quote_ident(w.schema) || '.' || quote_ident(w.name) end
      ) as oid
      from unnest(
        ${names.map(({ schema }) => schema)}::text[],
        ${names.map(({ name }) => name)}::text[]
      ) as w (schema, name)
    )
    select distinct
      n.nspname as schema,
      t.relname as name,
      t.oid::int8::float8 as oid
    from named as d
    join pg_class as c on c.oid = d.oid
    left join pg_index as i on i.indexrelid = c.oid
    join pg_class as t on t.oid = coalesce(i.indrelid, c.oid) and t.relkind in ('r', 'p')
    join pg_namespace as n on n.oid = t.relnamespace
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    order by 3
    limit 4`;
  return rows.map(({ schema, name, oid }) => ({
    name: quoteTable(schema, name),
    label: `${schema}.${name}`,
    oid,
  }));
}

/** Lists the names of all user relations, schema.name. */
export async function listRelations(sql: Sql): Promise<Set<string>> {
  const rows = await sql<{ name: string }[]>`
    select n.nspname || '.' || c.relname as name
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;
  return new Set(rows.map(({ name }) => name));
}

/** A lock on a relation, as pg_locks shows it. */
export interface SeenLock {
  application: string;
  mode: string;
  granted: boolean;
  relation: string;
}

/** Lists the locks on user relations that the sessions of a rehearsal hold or wait for. */
export async function sampleLocks(sql: Sql): Promise<SeenLock[]> {
  return await sql<SeenLock[]>`
    select
      a.application_name as application,
      l.mode,
      l.granted,
      n.nspname || '.' || c.relname as relation
    from pg_locks as l
    join pg_stat_activity as a on a.pid = l.pid
    join pg_class as c on c.oid = l.relation
    join pg_namespace as n on n.oid = c.relnamespace
    where l.locktype = 'relation'
      and l.database = (select oid from pg_database where datname = current_database())
      and a.application_name like 'holdfast-rehearsal-%'
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and (l.mode <> 'AccessShareLock' or not l.granted)`;
}

/** Lists the locks of this session; called just before its transaction ends, so that it misses none. */
export async function ownLocks(sql: Sql): Promise<Pick<SeenLock, "mode" | "relation">[]> {
  return await sql<SeenLock[]>`
    select
      l.mode,
      n.nspname || '.' || c.relname as relation
    from pg_locks as l
    join pg_class as c on c.oid = l.relation
    join pg_namespace as n on n.oid = c.relnamespace
    where l.pid = pg_backend_pid() and l.locktype = 'relation' and l.granted
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and l.mode <> 'AccessShareLock'`;
}

/** Reads one row of a table, under the lock that queries take. */
export const readOnce = (sql: Sql, table: TouchedTable) =>
  sql.unsafe(`select 1 from ${table.name} limit 1`);

/** Inserts no row into a table, under the lock that writers take. */
export const writeNothing = (sql: Sql, table: TouchedTable) =>
  sql.unsafe(`insert into ${table.name} select * from ${table.name} where false`);

/**
 * Returns a digest of all that decides what an insert into a table does: the files, indexes, columns, constraints and
 * triggers of the table, its partitions, and the tables that it refers to.
 */
export async function readWriteShape(sql: Sql, table: TouchedTable): Promise<string> {
  const [row] = await sql<{ shape: string | null }[]>`
    with tree as (
      select to_regclass(${table.name})::oid as oid
      union
      select relid::oid from pg_partition_tree(to_regclass(${table.name}))
    ),
    tables as (
      select oid from tree
      union
      select confrelid from pg_constraint
      where conrelid in (select oid from tree) and confrelid <> 0
    ),
    indexes as (
      select i.* from pg_index as i where i.indrelid in (select oid from tables)
    ),
    parts as (
      select jsonb_build_array(
        c.oid, c.relfilenode, c.relam, c.reltablespace, c.relpersistence, c.reloptions, c.relhasrules
      ) as part
      from pg_class as c
      where c.oid in (select oid from tables union select indexrelid from indexes)
      union all
      select to_jsonb(i) from indexes as i
      union all
      select jsonb_build_array(
        a.attrelid, a.attnum, a.atttypid, a.atttypmod, a.attnotnull, a.attstorage, a.attcompression,
        a.attgenerated, a.attidentity, a.attisdropped, d.adbin::text
      )
      from pg_attribute as a
      left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid in (select oid from tables) and a.attnum > 0
      union all
      select to_jsonb(k) from pg_constraint as k where k.conrelid in (select oid from tables)
      union all
      select to_jsonb(t) from pg_trigger as t where t.tgrelid in (select oid from tables)
    )
    select md5(string_agg(part::text, ' ' order by part::text)) as shape from parts`;
  return row?.shape ?? "";
}

/** Statements that write rows of a leaf again. */
export interface WriteSample {
  /** Deletes the sample's rows from the leaf, in a transaction that is rolled back. */
  take: string;
  /** Inserts them again; this statement is timed. */
  write: string;
  rows: number;
}

const holder = "pg_temp.holdfast_rehearsal_rows";

/**
 * Creates a temporary table for rows of `table`, and returns the statements that delete up to `rowsMax` rows of its newest
 * leaf that has so many, and insert them again. Undefined when it has no rows.
 */
export async function prepareWriteSample(
  sql: Sql,
  table: TouchedTable,
  rowsMax: number,
): Promise<WriteSample | undefined> {
  const leaves = await sql<{ schema: string; name: string }[]>`
    select
      n.nspname as schema,
      c.relname as name
    from pg_class as root
    left join lateral pg_partition_tree(root.oid) as tree on tree.isleaf
    join pg_class as c on c.oid = coalesce(tree.relid, root.oid) and c.relkind = 'r'
    join pg_namespace as n on n.oid = c.relnamespace
    where root.oid = to_regclass(${table.name}) and pg_relation_size(c.oid) > 0
    order by c.reltuples >= ${rowsMax} desc, c.oid desc
    limit 1`;
  const leaf = leaves[0];
  if (!leaf) return undefined;
  const from = quoteTable(leaf.schema, leaf.name);
  const [found] = await sql.unsafe<{ rows: number }[]>(
    `select count(*)::int4 as rows from (select from ${from} limit ${rowsMax}) as sampled`,
  );
  const rows = found?.rows ?? 0;
  if (rows === 0) return undefined;
  const columns = await sql<{ name: string }[]>`
    select attname as name
    from pg_attribute
    where attrelid = to_regclass(${table.name}) and attnum > 0
      and not attisdropped and attgenerated = ''
    order by attnum`;
  const list = columns.map(({ name }) => quoteIdent(name)).join(", ");
  await sql.unsafe(
    `drop table if exists ${holder};
    create temp table holdfast_rehearsal_rows as select ${list} from ${from} where false`,
  );
  return {
    take: `with taken as (
        delete from ${from}
        where ctid = any (array(select ctid from ${from} limit ${rows}))
        returning ${list}
      )
      insert into ${holder} select ${list} from taken`,
    write: `insert into ${table.name} (${list}) overriding system value
      select ${list} from ${holder}`,
    rows,
  };
}
