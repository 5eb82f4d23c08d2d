import { and, eq, lt, sql as sqlText } from "drizzle-orm";
import { recordsIn } from "../../records/records.ts";
import { keyPositionRecords } from "../../records/schema.ts";
import type { Sql } from "../../connection.ts";
import { quoteIdent, quoteTable } from "../../sql.ts";
import { unprepared } from "../../unprepared.ts";
import type { TableName } from "../ddl.ts";

export interface TakenRow {
  name: string;
  oid: number;
  attached: boolean;
  compatible: boolean;
  partitioned: boolean;
}

/** Returns which of `names` are taken in a schema, and whether the table of that name could be a leaf of `parent`. */
export async function takenNames(
  sql: Sql,
  { schema, parent, names }: { schema: string; parent: number; names: readonly string[] },
): Promise<TakenRow[]> {
  return await sql<TakenRow[]>`
    with shape as (
      select c.oid, c.relname, c.relkind, (
        select array_agg(
          (a.attname, a.atttypid, a.atttypmod, a.attcollation, a.attgenerated)::text order by a.attname
        )
        from pg_attribute as a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      ) as columns
      from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
      where c.oid = ${parent}::int8::oid
        or n.nspname = ${schema} and c.relname = any(${names as string[]}::text[])
    )
    select
      s.relname as name,
      s.oid::int8::float8 as oid,
      exists (select 1 from pg_inherits as i where i.inhrelid = s.oid) as attached,
      s.relkind in ('r', 'p') and s.columns = (select columns from shape where oid = ${parent}::int8::oid)
        as compatible,
      s.relkind = 'p' as partitioned
    from shape as s
    where s.oid <> ${parent}::int8::oid
    order by 1`;
}

/** Says whether a table has any row; reads until the first. */
export async function hasRows(sql: Sql, { schema, table }: TableName): Promise<boolean> {
  const rows = await unprepared(
    sql`select 1 from ${sql.unsafe(quoteTable(schema, table))} limit 1`,
  );
  return rows.length > 0;
}

/** Says whether any of these tables has a row; reads each until the first. */
export async function hasAnyRows(sql: Sql, tables: readonly TableName[]): Promise<boolean> {
  const filled = tables.map(({ schema, table }) =>
    `exists (select from ${quoteTable(schema, table)})`
  );
  const rows = await unprepared(sql`select 1 where ${sql.unsafe(filled.join(" or "))}`);
  return rows.length > 0;
}

/** Returns the number of rows of a table, counted up to `most`. */
export async function countRows(
  sql: Sql,
  { schema, table }: TableName,
  most: number,
): Promise<number> {
  const [row] = await unprepared(sql<{ rows: number }[]>`
    select count(*)::float8 as rows
    from (select 1 from ${sql.unsafe(quoteTable(schema, table))} limit ${most}) as counted`);
  return row?.rows ?? 0;
}

/** Returns the number of rows whose `column` is in a range (literals of its type; null: no end), counted up to `most`. */
export async function countRange(
  sql: Sql,
  { schema, table }: TableName,
  { column, from, to, most }: {
    column: string;
    from: string | null;
    to: string | null;
    most: number;
  },
): Promise<number> {
  const name = sql.unsafe(quoteIdent(column));
  // Untyped parameters take the column's type.
  const [row] = await unprepared(sql<{ rows: number }[]>`
    select count(*)::float8 as rows
    from (
      select 1
      from ${sql.unsafe(quoteTable(schema, table))}
      where ${name} is not null
        ${from === null ? sql`` : sql`and ${name} >= ${from}`}
        ${to === null ? sql`` : sql`and ${name} < ${to}`}
      limit ${most}
    ) as counted`);
  return row?.rows ?? 0;
}

/** Returns the highest value of a numeric key in a leaf, as text; null when it is empty. */
export async function highestOf(
  sql: Sql,
  { schema, table }: TableName,
  column: string,
): Promise<string | null> {
  const name = sql.unsafe(quoteIdent(column));
  const [row] = await unprepared(sql<{ highest: string | null }[]>`
    select max(${name})::numeric::text as highest from ${sql.unsafe(quoteTable(schema, table))}`);
  return row?.highest ?? null;
}

const keptMs = 7 * 86_400_000;

/** Records the highest key of a table, and deletes records older than a week. */
export async function recordPosition(
  sql: Sql,
  { schema, table }: TableName,
  at: Date,
  position: bigint,
): Promise<void> {
  const db = recordsIn(sql);
  await db.insert(keyPositionRecords)
    .values({ schema, table, at, position: String(position) })
    .onConflictDoNothing();
  await db.delete(keyPositionRecords).where(and(
    eq(keyPositionRecords.schema, schema),
    eq(keyPositionRecords.table, table),
    lt(keyPositionRecords.at, new Date(at.getTime() - keptMs)),
  ));
}

export interface PositionRow {
  table_name: string;
  at_ms: number;
  position: string;
}

/** Returns the recorded highest keys of tables, oldest first. */
export async function listPositions(sql: Sql): Promise<PositionRow[]> {
  const { schema, table, at, position } = keyPositionRecords;
  const rows = await recordsIn(sql)
    .select({
      table_name: sqlText<string>`${schema} || '.' || ${table}`,
      at,
      position: sqlText<string>`trunc(${position})::text`,
    })
    .from(keyPositionRecords)
    .orderBy(at);
  return rows.map(({ at, ...row }) => ({ ...row, at_ms: at.getTime() }));
}

/** Returns the first and the last value of a key, as text in ISO style; null in an empty table. Fast with an index. */
export async function keyEnds(
  sql: Sql,
  { schema, table }: TableName,
  column: string,
): Promise<{ first: string | null; last: string | null }> {
  // Qualified: without the alias, ORDER BY would take the text of the output column.
  const key = sql.unsafe(`t.${quoteIdent(column)}`);
  const from = sql.unsafe(`only ${quoteTable(schema, table)} as t`);
  const [row] = await unprepared(sql<{ first: string | null; last: string | null }[]>`
    with style as materialized (
      select set_config('datestyle', 'ISO, YMD', true) as dates, set_config('timezone', 'UTC', true) as zone
    )
    select
      (select ${key}::text from ${from} order by ${key} limit 1) as first,
      (select ${key}::text from ${from} order by ${key} desc limit 1) as last
    from style
    where style.dates is not null and style.zone is not null`);
  return row ?? { first: null, last: null };
}

/** Returns which of these names are taken in a schema. */
export async function takenBeside(
  sql: Sql,
  schema: string,
  names: readonly string[],
): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select c.relname as name
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = any(${names as string[]}::text[])
    order by 1`;
  return rows.map(({ name }) => name);
}

/**
 * Returns the lowest key of a built-in type from `from` on (a literal; null: of all), without `from` itself when `after` is
 * set. As text in ISO style; null when there is none.
 */
export async function nextKey(
  sql: Sql,
  { schema, table }: TableName,
  { column, type }: { column: string; type: string },
  from: string | null,
  { after = false } = {},
): Promise<string | null> {
  const reaches = after ? sql`>` : sql`>=`;
  // As text: the driver would make a Date of it, which holds neither infinity nor years before Christ.
  const start = sql`${from}::text::${sql.unsafe(type)}`;
  // Qualified: without the alias, ORDER BY would take the text of the output column.
  const key = sql.unsafe(`t.${quoteIdent(column)}`);
  const [row] = await unprepared(sql<{ key: string | null }[]>`
    with style as materialized (
      select set_config('datestyle', 'ISO, YMD', true) as dates, set_config('timezone', 'UTC', true) as zone
    )
    select (
      select ${key}::text
      from ${sql.unsafe(`only ${quoteTable(schema, table)}`)} as t
      where ${key} is not null ${from === null ? sql`` : sql`and ${key} ${reaches} ${start}`}
      order by ${key}
      limit 1
    ) as key
    from style
    where style.dates is not null and style.zone is not null`);
  return row?.key ?? null;
}

/** Returns the storage options of a table's TOAST table, as CREATE TABLE takes them. */
export async function readToastOptions(sql: Sql, oid: number): Promise<string[]> {
  const rows = await sql<{ option: string }[]>`
    select 'toast.' || o as option
    from pg_class as c
    join pg_class as t on t.oid = c.reltoastrelid
    cross join unnest(t.reloptions) as o
    where c.oid = ${oid}::int8::oid`;
  return rows.map(({ option }) => option);
}

/** Says whether a valid B-tree index without a predicate begins with a column. */
export async function hasLeadingIndex(sql: Sql, oid: number, column: string): Promise<boolean> {
  const rows = await sql`
    select
    from pg_index as x
    join pg_class as c on c.oid = x.indexrelid
    join pg_am as m on m.oid = c.relam and m.amname = 'btree'
    join pg_attribute as a on a.attrelid = x.indrelid and a.attnum = x.indkey[0]
    where x.indrelid = ${oid}::int8::oid and x.indisvalid and x.indpred is null and a.attname = ${column}
    limit 1`;
  return rows.length > 0;
}

/** Returns the size of the server's shared buffers. */
export async function readCacheBytes(sql: Sql): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    select pg_size_bytes(current_setting('shared_buffers'))::float8 as bytes`;
  return row?.bytes ?? 0;
}
