import { quoteIdent, quoteLiteral, quoteTable } from "./sql.ts";
import type { Sql } from "./connection.ts";

export interface TableName {
  schema: string;
  table: string;
}

/** One leaf as the catalogue has it; counts are the planner's estimates, sizes come from relpages. */
export interface LeafRow {
  oid: number;
  schema: string;
  name: string;
  detach_pending: boolean;
  rows_estimate: number | null;
  bytes: number;
  /** Moves when rows were written: a size read under the same mark still holds. */
  writes: number;
}

/**
 * Lists the direct partitions of a table from pg_inherits and pg_class alone: nothing here waits for a lock
 * on a leaf, as the size functions and pg_partition_tree would.
 */
export async function listLeaves(sql: Sql, { schema, table }: TableName): Promise<LeafRow[]> {
  return await sql<LeafRow[]>`
    with leaves as (
      select c.oid, n.nspname, c.relname, i.inhdetachpending, c.reltuples, c.relpages, c.reltoastrelid
      from pg_inherits as i
      join pg_class as c on c.oid = i.inhrelid
      join pg_namespace as n on n.oid = c.relnamespace
      where i.inhparent = to_regclass(${quoteTable(schema, table)})
    ),
    indexed as (
      select x.indrelid, sum(c.relpages) as pages
      from pg_index as x
      join pg_class as c on c.oid = x.indexrelid
      where x.indrelid in (select oid from leaves)
      group by x.indrelid
    )
    select
      l.oid::int8::float8 as oid,
      l.nspname as schema,
      l.relname as name,
      l.inhdetachpending as detach_pending,
      case when l.reltuples < 0 then s.n_live_tup::float8
        else greatest(l.reltuples, s.n_live_tup)::float8 end as rows_estimate,
      ((l.relpages + coalesce(x.pages, 0))::float8 * current_setting('block_size')::float8) as bytes,
      (s.writes + l.relpages)::float8 as writes
    from leaves as l
    left join indexed as x on x.indrelid = l.oid
    cross join lateral (
      select
        pg_stat_get_live_tuples(l.oid) as n_live_tup,
        pg_stat_get_tuples_inserted(l.oid) + pg_stat_get_tuples_updated(l.oid)
          + pg_stat_get_tuples_deleted(l.oid) as writes
    ) as s
    order by l.relname`;
}

/** Relations that somebody holds exclusively: whoever asks for their bound or size would wait. */
const lockedRelations = (sql: Sql) =>
  sql`select relation from pg_locks where mode = 'AccessExclusiveLock' and relation is not null`;

/**
 * The bounds of the given leaves as Postgres writes them. Reading one waits for its lock, so ask once per oid;
 * with `skipLocked`, those held exclusively are left out.
 */
export async function readBounds(
  sql: Sql,
  oids: readonly number[],
  skipLocked: boolean,
): Promise<{ oid: number; bound: string | null }[]> {
  return await sql<{ oid: number; bound: string | null }[]>`
    select oid::int8::float8 as oid, pg_get_expr(relpartbound, oid) as bound
    from pg_class
    where oid = any(${oids as number[]}::int8[]::oid[])
      ${skipLocked ? sql`and oid not in (${lockedRelations(sql)})` : sql``}`;
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

export interface NewLeaf extends TableName {
  name: string;
  key: string;
  /** Literals of the key's type; `from` is included, `to` is not. */
  from: string;
  to: string;
}

/** The statements that make a leaf and attach it, in order, for one transaction. */
export function attachStatements(leaf: NewLeaf): string[] {
  const parent = quoteTable(leaf.schema, leaf.table);
  const child = quoteTable(leaf.schema, leaf.name);
  const key = quoteIdent(leaf.key);
  const check = quoteIdent(`${leaf.name}_bound`);
  const [from, to] = [quoteLiteral(leaf.from), quoteLiteral(leaf.to)];
  return [
    `create table ${child} (like ${parent} including defaults including storage including constraints)`,
    // With this CHECK the attach need not scan; afterwards it would only cost every insert a test.
    `alter table ${child} add constraint ${check} check (${key} is not null and ${key} >= ${from} and ${key} < ${to})`,
    `alter table ${parent} attach partition ${child} for values from (${from}) to (${to})`,
    `alter table ${child} drop constraint ${check}`,
  ];
}

/** Detaches without blocking readers or writers; cannot run inside a transaction. */
export function detachStatement(table: TableName, leaf: TableName, finalize = false): string {
  return `alter table ${quoteTable(table.schema, table.table)} detach partition ${
    quoteTable(leaf.schema, leaf.table)
  } ${finalize ? "finalize" : "concurrently"}`;
}

export interface MaintenanceEntry {
  action: string;
  table_name: string;
  partition_name: string | null;
  reason: string;
  duration_ms: number;
  error: string | null;
}

export async function logMaintenance(
  sql: Sql,
  entries: readonly MaintenanceEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  await sql`insert into holdfast.maintenance_log ${sql(entries as MaintenanceEntry[])}`;
}

export async function lastRotations(sql: Sql): Promise<{ table_name: string; at: string }[]> {
  return await sql<{ table_name: string; at: string }[]>`
    select
      p.schema_name || '.' || p.table_name as table_name,
      to_char(m.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
    from holdfast.partition_policies as p
    cross join lateral (
      select l.at
      from holdfast.maintenance_log as l
      where l.table_name = p.schema_name || '.' || p.table_name and l.error is null
      order by l.id desc
      limit 1
    ) as m`;
}

export interface PolicyRow {
  schema_name: string;
  table_name: string;
  interval: string;
  time_zone: string;
  key: string;
  premake: number;
  retention: { keep: string; action: string } | null;
  cooldown: string;
  seal: boolean;
  enabled: boolean;
}

export async function listPolicies(sql: Sql): Promise<PolicyRow[]> {
  return await sql<PolicyRow[]>`
    select
      schema_name,
      table_name,
      "interval"::text as interval,
      time_zone,
      key,
      premake,
      retention,
      cooldown::text as cooldown,
      seal,
      enabled
    from holdfast.partition_policies
    order by schema_name, table_name`;
}

/** Rows in the default partition, counted up to 1,000; 0 when there is none. */
export async function countDefaultRows(sql: Sql, { schema, table }: TableName): Promise<number> {
  const [found] = await sql<{ schema: string; name: string }[]>`
    select n.nspname as schema, c.relname as name
    from pg_partitioned_table as p
    join pg_class as c on c.oid = p.partdefid
    join pg_namespace as n on n.oid = c.relnamespace
    where p.partrelid = to_regclass(${quoteTable(schema, table)})`;
  if (!found) return 0;
  const leaf = sql.unsafe(quoteTable(found.schema, found.name));
  const [counted] = await sql<{ rows: number }[]>`
    select count(*)::float8 as rows from (select 1 from ${leaf} limit 1000) as some`;
  return counted?.rows ?? 0;
}

/** Which of `names` are taken in a schema: by a detached leaf, or by something that is none of ours. */
export async function takenNames(
  sql: Sql,
  schema: string,
  names: readonly string[],
): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select c.relname as name
    from pg_class as c
    where c.relnamespace = to_regnamespace(${
    quoteIdent(schema)
  }) and c.relname = any(${names as string[]}::text[])
    order by 1`;
  return rows.map(({ name }) => name);
}
