import type { Sql } from "../connection.ts";

/** One leaf as the catalogue has it; counts are the planner's estimates, sizes those of the table by relpages. */
export interface LeafRow {
  parent: number;
  oid: number;
  /** The row version of the leaf in pg_class: its bound is the same as long as this is. */
  version: string;
  schema: string;
  name: string;
  pending: boolean;
  partitioned: boolean;
  /** Tables below it that hold rows, where it is partitioned itself. */
  subs: number;
  unlogged: boolean;
  options: string[];
  rows_estimate: number | null;
  bytes: number;
  /** Moves when rows were written: a size read under the same mark still holds. */
  writes: number;
}

/**
 * Lists the direct partitions of tables from pg_inherits and pg_class alone: nothing here waits for a lock
 * on a leaf, as the size functions and pg_partition_tree would. A leaf that is partitioned itself counts for all below.
 */
export async function listLeaves(sql: Sql, parents: readonly number[]): Promise<LeafRow[]> {
  return await sql<LeafRow[]>`
    with recursive leaves as (
      select
        i.inhparent,
        i.inhdetachpending,
        c.oid,
        c.xmin,
        n.nspname,
        c.relname,
        c.relkind,
        c.relpersistence,
        c.reloptions,
        c.reltuples,
        c.relpages
      from pg_inherits as i
      join pg_class as c on c.oid = i.inhrelid
      join pg_namespace as n on n.oid = c.relnamespace
      where i.inhparent = any(${parents as number[]}::int8[]::oid[])
    ),
    family as (
      select l.oid as leaf, i.inhrelid as oid
      from leaves as l
      join pg_inherits as i on i.inhparent = l.oid
      where l.relkind = 'p'
      union all
      select f.leaf, i.inhrelid
      from family as f
      join pg_inherits as i on i.inhparent = f.oid
    ),
    below as (
      select
        f.leaf,
        count(*) as tables,
        sum(greatest(c.reltuples, pg_stat_get_live_tuples(c.oid), 0)) as tuples,
        sum(greatest(c.relpages, 0)) as pages,
        sum(pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid)
          + pg_stat_get_tuples_deleted(c.oid)) as writes
      from family as f
      join pg_class as c on c.oid = f.oid
      where c.relkind <> 'p'
      group by f.leaf
    )
    select
      l.inhparent::int8::float8 as parent,
      l.oid::int8::float8 as oid,
      l.xmin::text as version,
      l.nspname as schema,
      l.relname as name,
      l.inhdetachpending as pending,
      l.relkind = 'p' as partitioned,
      coalesce(b.tables, 0)::float8 as subs,
      l.relpersistence = 'u' as unlogged,
      coalesce(l.reloptions, '{}') as options,
      case when l.relkind = 'p' then coalesce(b.tuples, 0)::float8
        when l.reltuples < 0 then s.n_live_tup::float8
        else greatest(l.reltuples, s.n_live_tup)::float8 end as rows_estimate,
      coalesce(b.pages, greatest(l.relpages, 0))::float8 * current_setting('block_size')::float8 as bytes,
      coalesce(b.writes + b.pages, s.writes + l.relpages)::float8 as writes
    from leaves as l
    left join below as b on b.leaf = l.oid
    cross join lateral (
      select
        pg_stat_get_live_tuples(l.oid) as n_live_tup,
        pg_stat_get_tuples_inserted(l.oid) + pg_stat_get_tuples_updated(l.oid)
          + pg_stat_get_tuples_deleted(l.oid) as writes
    ) as s
    order by l.inhparent, l.relname`;
}

/** What the indexes of these leaves take by relpages, in bytes; leaves without an index are left out. */
export async function readIndexBytes(
  sql: Sql,
  oids: readonly number[],
): Promise<{ oid: number; bytes: number }[]> {
  return await sql<{ oid: number; bytes: number }[]>`
    with recursive family as (
      select leaf, leaf as oid
      from unnest(${oids as number[]}::int8[]::oid[]) as leaf
      union all
      select f.leaf, i.inhrelid
      from family as f
      join pg_inherits as i on i.inhparent = f.oid
    )
    select
      f.leaf::int8::float8 as oid,
      sum(c.relpages)::float8 * current_setting('block_size')::float8 as bytes
    from family as f
    join pg_index as x on x.indrelid = f.oid
    join pg_class as c on c.oid = x.indexrelid
    group by f.leaf`;
}

/** Relations that somebody holds exclusively: whoever asks for their bound or size would wait. */
const lockedRelations = (sql: Sql) =>
  sql`select relation from pg_locks where mode = 'AccessExclusiveLock' and relation is not null`;

/**
 * The bounds of the given leaves as Postgres writes them. Reading one waits for its lock, so ask once per version of
 * a leaf; those held exclusively are left out. Dates come in ISO style whatever the role's own settings are.
 */
export async function readBounds(
  sql: Sql,
  oids: readonly number[],
): Promise<{ oid: number; bound: string | null }[]> {
  return await sql<{ oid: number; bound: string | null }[]>`
    with style as materialized (
      select set_config('datestyle', 'ISO, YMD', true) as dates, set_config('timezone', 'UTC', true) as zone
    )
    select c.oid::int8::float8 as oid, pg_get_expr(c.relpartbound, c.oid) as bound
    from style
    cross join pg_class as c
    where style.dates is not null and style.zone is not null
      and c.oid = any(${oids as number[]}::int8[]::oid[])
      and c.oid not in (${lockedRelations(sql)})`;
}

/** Exact on-disk sizes (table, indexes, TOAST) of the given leaves, those locked exclusively left out. */
export async function readSizes(
  sql: Sql,
  oids: readonly number[],
): Promise<{ oid: number; bytes: number }[]> {
  return await sql<{ oid: number; bytes: number }[]>`
    select oid::int8::float8 as oid, pg_total_relation_size(oid)::float8 as bytes
    from pg_class
    where oid = any(${oids as number[]}::int8[]::oid[])
      and oid not in (${lockedRelations(sql)})`;
}

/** Says whether somebody holds a relation exclusively just now. */
export async function isLocked(sql: Sql, oid: number): Promise<boolean> {
  const rows = await sql`
    select 1 from pg_locks where relation = ${oid}::int8::oid and mode = 'AccessExclusiveLock'`;
  return rows.length > 0;
}

/** The names of a table's leaves in its own schema. */
export async function attachedNames(
  sql: Sql,
  { schema, table }: { schema: string; table: string },
): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select c.relname as name
    from pg_class as p
    join pg_namespace as n on n.oid = p.relnamespace
    join pg_inherits as i on i.inhparent = p.oid
    join pg_class as c on c.oid = i.inhrelid and c.relnamespace = p.relnamespace
    where n.nspname = ${schema} and p.relname = ${table}`;
  return rows.map(({ name }) => name);
}

/** Whether a detach of this leaf was begun and not finished. */
export async function isPending(sql: Sql, oid: number): Promise<boolean> {
  const rows = await sql`
    select 1 from pg_inherits where inhrelid = ${oid}::int8::oid and inhdetachpending`;
  return rows.length > 0;
}

/** What stands under a name, and whether it is a leaf of something. */
export async function presentTable(
  sql: Sql,
  { schema, table }: { schema: string; table: string },
): Promise<{ oid: number; attached: boolean } | undefined> {
  const [row] = await sql<{ oid: number; attached: boolean }[]>`
    select
      c.oid::int8::float8 as oid,
      exists (select 1 from pg_inherits as i where i.inhrelid = c.oid) as attached
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = ${table}`;
  return row;
}
