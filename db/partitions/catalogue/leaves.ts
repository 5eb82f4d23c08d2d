import type { Sql } from "../../connection.ts";

/** One leaf in the catalogue. Row counts are the planner's estimates, sizes those of the table by relpages. */
export interface LeafRow {
  parent: number;
  oid: number;
  /** The version of the leaf's row in pg_class. The bound is unchanged while the version is. */
  version: string;
  schema: string;
  name: string;
  pending: boolean;
  partitioned: boolean;
  /** Number of tables with rows below it, where it is partitioned itself. */
  subs: number;
  unlogged: boolean;
  options: string[];
  rows_estimate: number | null;
  bytes: number;
  /** Changes when rows are written: a size read under the same mark is still valid. */
  writes: number;
}

/**
 * The rows of table `c` of pg_class, without a lock; db/collectors/tables/tables.sql has the same. Rows that were committed before a
 * vacuum or analyze, and whose statistics arrive after it (by up to a minute), stand in reltuples and are added to
 * pg_stat_get_live_tuples once more. All inserts ever counted, less deletes, are no fewer than the rows there are as long as
 * the statistics go back to the table's beginning; they do when they make up the rows that the vacuum found (its estimate
 * may be off by a tenth). Those of a crash or a reset do not, and then the greater of both counts is taken.
 */
const rowsOf = (sql: Sql) =>
  sql`
    case
      when c.reltuples < 0 then pg_stat_get_live_tuples(c.oid)
      when pg_stat_get_tuples_inserted(c.oid) - pg_stat_get_tuples_deleted(c.oid) >= 0.9 * c.reltuples
        then greatest(c.reltuples, least(
          pg_stat_get_live_tuples(c.oid),
          pg_stat_get_tuples_inserted(c.oid) - pg_stat_get_tuples_deleted(c.oid)
        ))
      else greatest(c.reltuples, pg_stat_get_live_tuples(c.oid))
    end::float8`;

const writesOf = (sql: Sql) =>
  sql`(pg_stat_get_tuples_inserted(c.oid) + pg_stat_get_tuples_updated(c.oid) + pg_stat_get_tuples_deleted(c.oid))`;

/**
 * Lists the direct partitions of tables from pg_inherits and pg_class alone. Unlike the size functions and
 * pg_partition_tree, this waits for no lock on a leaf. The figures of a leaf that is partitioned itself include all tables
 * below it.
 */
export async function listLeaves(sql: Sql, parents: readonly number[]): Promise<LeafRow[]> {
  const leaves = await sql<LeafRow[]>`
    select
      i.inhparent::int8::float8 as parent,
      c.oid::int8::float8 as oid,
      c.xmin::text as version,
      n.nspname as schema,
      c.relname as name,
      i.inhdetachpending as pending,
      c.relkind = 'p' as partitioned,
      0::float8 as subs,
      c.relpersistence = 'u' as unlogged,
      coalesce(c.reloptions, '{}') as options,
      case when c.relkind = 'p' then 0 else ${rowsOf(sql)} end as rows_estimate,
      greatest(c.relpages, 0)::float8 * current_setting('block_size')::float8 as bytes,
      (${writesOf(sql)} + c.relpages)::float8 as writes
    from pg_inherits as i
    join pg_class as c on c.oid = i.inhrelid
    join pg_namespace as n on n.oid = c.relnamespace
    where i.inhparent = any(${parents as number[]}::int8[]::oid[])
    order by i.inhparent, c.relname`;
  const partitioned = leaves.filter((leaf) => leaf.partitioned).map(({ oid }) => oid);
  if (partitioned.length === 0) return leaves;
  const sums = new Map((await sumBelow(sql, partitioned)).map((row) => [row.leaf, row]));
  return leaves.map((leaf) => {
    const { leaf: _leaf, ...sum } = sums.get(leaf.oid) ?? {};
    return { ...leaf, ...sum };
  });
}

/** At most so many levels of partitions below a leaf are read. */
const levelsMax = 8;

/**
 * Lists the tables below partitioned leaves, each with its leaf, with one query a level. For a recursive query the planner
 * expects hundreds of times the actual rows, and on a server with jit compiles for longer than all other queries here take.
 */
async function listBelow(
  sql: Sql,
  leaves: readonly number[],
): Promise<{ leaf: number; oid: number }[]> {
  const found: { leaf: number; oid: number }[] = [];
  let leafOf = new Map(leaves.map((oid) => [oid, oid]));
  for (let level = 0; level < levelsMax && leafOf.size > 0; level++) {
    const rows = await sql<{ parent: number; oid: number; partitioned: boolean }[]>`
      select
        i.inhparent::int8::float8 as parent,
        c.oid::int8::float8 as oid,
        c.relkind = 'p' as partitioned
      from pg_inherits as i
      join pg_class as c on c.oid = i.inhrelid
      where i.inhparent = any(${[...leafOf.keys()]}::int8[]::oid[])`;
    const below = rows.map((row) => ({ ...row, leaf: leafOf.get(row.parent) ?? row.parent }));
    for (const { leaf, oid, partitioned } of below) if (!partitioned) found.push({ leaf, oid });
    leafOf = new Map(
      below.filter(({ partitioned }) => partitioned).map(({ oid, leaf }) => [oid, leaf]),
    );
  }
  return found;
}

/** Returns the sums over the tables below partitioned leaves, by leaf. */
async function sumBelow(sql: Sql, leaves: readonly number[]) {
  const below = await listBelow(sql, leaves);
  type Sum = Pick<LeafRow, "subs" | "rows_estimate" | "bytes" | "writes"> & { leaf: number };
  return await sql<Sum[]>`
    select
      f.leaf::int8::float8 as leaf,
      count(*)::float8 as subs,
      sum(${rowsOf(sql)})::float8 as rows_estimate,
      sum(greatest(c.relpages, 0))::float8 * current_setting('block_size')::float8 as bytes,
      sum(${writesOf(sql)} + greatest(c.relpages, 0))::float8 as writes
    from unnest(
      ${below.map(({ leaf }) => leaf)}::int8[]::oid[],
      ${below.map(({ oid }) => oid)}::int8[]::oid[]
    ) as f (leaf, oid)
    join pg_class as c on c.oid = f.oid
    group by f.leaf`;
}

/**
 * Returns the sizes of these leaves' indexes by relpages, in bytes, including those of the tables below. Leaves without an
 * index are left out.
 */
export async function readIndexBytes(
  sql: Sql,
  leaves: readonly Pick<LeafRow, "oid" | "partitioned">[],
): Promise<{ oid: number; bytes: number }[]> {
  const partitioned = leaves.filter((leaf) => leaf.partitioned).map(({ oid }) => oid);
  const below = [
    ...leaves.filter((leaf) => !leaf.partitioned).map(({ oid }) => ({ leaf: oid, oid })),
    ...partitioned.length > 0 ? await listBelow(sql, partitioned) : [],
  ];
  return await sql<{ oid: number; bytes: number }[]>`
    select
      f.leaf::int8::float8 as oid,
      sum(c.relpages)::float8 * current_setting('block_size')::float8 as bytes
    from unnest(
      ${below.map(({ leaf }) => leaf)}::int8[]::oid[],
      ${below.map(({ oid }) => oid)}::int8[]::oid[]
    ) as f (leaf, oid)
    join pg_index as x on x.indrelid = f.oid
    join pg_class as c on c.oid = x.indexrelid
    group by f.leaf`;
}

/** Selects the relations locked in ACCESS EXCLUSIVE mode: a query for their bound or size would wait. */
const lockedRelations = (sql: Sql) =>
  sql`select relation from pg_locks where mode = 'AccessExclusiveLock' and relation is not null`;

/**
 * Returns the bounds of the given leaves as Postgres writes them, dates in ISO style. Reading a bound waits for the leaf's
 * lock, so read it once per version of a leaf; leaves locked exclusively are left out.
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

/** Returns the exact on-disk sizes (table, indexes, TOAST) of the given leaves; those locked exclusively are left out. */
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

/** Returns the names of a table's leaves in its own schema. */
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

/** Says whether a concurrent detach of this leaf was begun and not finished. */
export async function isPending(sql: Sql, oid: number): Promise<boolean> {
  const rows = await sql`
    select 1 from pg_inherits where inhrelid = ${oid}::int8::oid and inhdetachpending`;
  return rows.length > 0;
}

/** Returns the table of this name, and whether it is a partition of another. */
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
