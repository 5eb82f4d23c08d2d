import type { Sql } from "../../connection.ts";
import { quoteTable } from "../../sql.ts";
import type { TableName } from "../ddl.ts";

/** A table, or one below it, and where its rows are stored. */
export interface StorageRow {
  /** The table that the query named. */
  leaf: number;
  oid: number;
  schema: string;
  name: string;
  /** relkind: 'r' for an ordinary table. */
  kind: string;
  /** Citus stores its rows on other nodes, or in tables of other names. */
  distributed: boolean;
}

/** Says whether the database has the catalogue of Citus. */
export async function hasCitus(sql: Sql): Promise<boolean> {
  // Citus keeps its catalogue in pg_catalog, whatever schema the extension is in.
  const [citus] = await sql<{ there: boolean }[]>`
    select to_regclass('pg_catalog.pg_dist_partition') is not null as there`;
  return citus?.there ?? false;
}

/** Returns SQL that says whether Citus distributes the table of row `c` of pg_class. */
export function isDistributed(sql: Sql, citus: boolean) {
  return citus
    ? sql`exists (select 1 from pg_catalog.pg_dist_partition as d where d.logicalrelid::oid = c.oid)`
    : sql`false`;
}

/** Returns the tables of these oids, their children and their partitions. Waits for no lock. */
export async function readStorage(sql: Sql, oids: readonly number[]): Promise<StorageRow[]> {
  if (oids.length === 0) return [];
  const citus = await hasCitus(sql);
  return await sql<StorageRow[]>`
    with recursive family as (
      select w.oid as leaf, w.oid
      from unnest(${oids as number[]}::int8[]::oid[]) as w (oid)
      union all
      select f.leaf, i.inhrelid
      from family as f
      join pg_inherits as i on i.inhparent = f.oid
    )
    select
      f.leaf::int8::float8 as leaf,
      c.oid::int8::float8 as oid,
      n.nspname as schema,
      c.relname as name,
      c.relkind as kind,
      ${isDistributed(sql, citus)} as distributed
    from family as f
    join pg_class as c on c.oid = f.oid
    join pg_namespace as n on n.oid = c.relnamespace`;
}

/** Rows of a table, counted and estimated. */
export interface RowCounts {
  rows: number;
  /** The higher of reltuples and n_live_tup; null when neither knows. */
  estimate: number | null;
}

/**
 * Counts a table's rows within the caller's transaction. Throws when a row security policy would hide some. A table that
 * is gone has 0 rows.
 */
export async function countStored(
  sql: Sql,
  oid: number,
  { schema, table }: TableName,
): Promise<RowCounts> {
  await sql`select set_config('row_security', 'off', true), set_config('statement_timeout', '3300000', true)`;
  const [counted] = await sql.unsafe<{ rows: number }[]>(
    `select count(*)::float8 as rows from ${quoteTable(schema, table)}`,
  );
  const [row] = await sql<{ estimate: number | null }[]>`
    select nullif(greatest(reltuples::float8, pg_stat_get_live_tuples(oid)::float8), -1) as estimate
    from pg_class
    where oid = ${oid}::int8::oid`;
  return { rows: counted?.rows ?? 0, estimate: row?.estimate ?? null };
}

/**
 * Returns a mark of a sealed table that changes with its file, its structure and the rows of its triggers. Between two equal
 * marks nothing can have been written past the triggers.
 */
export async function readSealMark(sql: Sql, oid: number): Promise<string> {
  const [row] = await sql<{ mark: string }[]>`
    select concat_ws(' ', c.relfilenode, c.relnatts, c.relkind, c.reltoastrelid, (
      select string_agg(concat_ws(' ', t.oid, t.xmin, t.tgname, t.tgenabled, t.tgfoid), ',' order by t.oid)
      from pg_trigger as t
      where t.tgrelid = c.oid and t.tgname in ('holdfast_sealed', 'holdfast_sealed_truncate')
    )) as mark
    from pg_class as c
    where c.oid = ${oid}::int8::oid`;
  return row?.mark ?? "";
}

/** Keeps readers and writers out of a table until the transaction ends. */
export async function lockWhole(sql: Sql, { schema, table }: TableName): Promise<void> {
  await sql.unsafe(`lock table ${quoteTable(schema, table)} in access exclusive mode`);
}
