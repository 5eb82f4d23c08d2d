import { eq, sql as sqlText } from "drizzle-orm";
import type { Sql } from "../../connection.ts";
import { recordsIn } from "../../records/records.ts";
import { rewriteRecords } from "../../records/schema.ts";
import { quoteIdent } from "../../sql.ts";
import { quoteColumns as names, quoteName, type TableName } from "../ddl.ts";
import { runStatements } from "../run.ts";
import type { RewriteSpec } from "./spec.ts";

const same = (columns: readonly string[], a: string, b: string) =>
  columns.map((column) => `${a}.${quoteIdent(column)} = ${b}.${quoteIdent(column)}`).join(" and ");
const target = ({ shadow }: RewriteSpec) => quoteName(shadow);
const source = (spec: RewriteSpec) => quoteName(spec.source);

/**
 * Returns what copies the rows of some blocks. A row that is updated meanwhile may be read twice, or conflict with an old
 * version of another row: it is in the log then, and the replay corrects it.
 */
export function copyStatement(
  spec: RewriteSpec,
  from: number | string,
  to: number | string,
): string {
  const columns = names(spec.columns);
  return `insert into ${
    target(spec)
  } (${columns}) overriding system value select ${columns} from only ${
    source(spec)
  } where ctid >= '(${from},0)'::tid and ctid < '(${to},0)'::tid on conflict do nothing`;
}

/** Returns what gathers the statistics of the filled tables, which keep them when they are swapped in. */
export function analyzeStatement(spec: RewriteSpec): string {
  return `analyze ${target(spec)}`;
}

/** Returns what makes the rows of logged keys in the new table equal to the source's; all under one snapshot. */
export function replayStatements(spec: RewriteSpec, upTo: string): string[] {
  const columns = names(spec.columns);
  return [
    `delete from ${target(spec)} as s using (select distinct ${
      names(spec.identity)
    } from ${spec.log} where holdfast_n <= ${upTo}) as l where ${same(spec.identity, "s", "l")}`,
    `insert into ${target(spec)} (${columns}) overriding system value select ${
      names(spec.columns, "x.")
    } from (select distinct ${
      names(spec.identity)
    } from ${spec.log} where holdfast_n <= ${upTo}) as l join only ${source(spec)} as x on ${
      same(spec.identity, "x", "l")
    } on conflict do nothing`,
    `delete from ${spec.log} where holdfast_n <= ${upTo}`,
  ];
}

/** Returns how many changes are pending, counted up to `most`, and the number of the last of them; null: none. */
export async function pendingChanges(
  sql: Sql,
  spec: RewriteSpec,
  most: number,
): Promise<{ changes: number; upTo: string | null }> {
  const [row] = await sql<{ changes: number; upTo: string | null }[]>`
    select count(*)::float8 as changes, max(holdfast_n)::text as "upTo"
    from (select holdfast_n from ${
    sql.unsafe(spec.log)
  } order by holdfast_n limit ${most}) as first`;
  return row ?? { changes: 0, upTo: null };
}

/** Returns what counts and hashes both tables under one snapshot; the hash does not depend on the order of rows. */
function compareStatement(spec: RewriteSpec): string {
  const side = (table: string) =>
    `select count(*)::float8 as rows, coalesce(sum(hashtextextended(row(${
      names(spec.columns)
    })::text, 0)::numeric), 0)::text as hash from ${table}`;
  return `select a.rows, a.hash, b.rows = a.rows and b.hash = a.hash as equal from (${
    side(`only ${source(spec)}`)
  }) as a cross join (${side(target(spec))}) as b`;
}

/** Returns the sessions whose snapshot may be older than the transaction `xid`, and so may lack what it wrote. */
export async function olderSnapshots(
  sql: Sql,
  xid: string,
): Promise<{ pid: number; application: string; state: string }[]> {
  return await sql<{ pid: number; application: string; state: string }[]>`
    select a.pid, coalesce(a.application_name, '') as application, coalesce(a.state, '') as state
    from pg_stat_activity as a
    cross join (
      select direct_at from holdfast.partition_moves where direct_xid = ${xid} order by id desc limit 1
    ) as m
    where a.datname = current_database()
      and a.pid <> pg_backend_pid()
      -- Of a session of another role, this one may not see the type and the start: its snapshot may be old.
      and coalesce(a.backend_type, '') not in ('autovacuum worker', 'walsender')
      -- Null for a worker of autovacuum.
      and a.usesysid is not null
      and a.backend_xmin is not null
      and (a.xact_start is null or a.xact_start <= m.direct_at)
      and age(a.backend_xmin) >= age((${xid}::text::xid8)::xid)
    order by a.xact_start`;
}

/** Stores the id of this transaction: after its commit both tables are equal to every new snapshot. */
export async function recordDirect(sql: Sql, id: string): Promise<void> {
  await recordsIn(sql).update(rewriteRecords)
    .set({ direct_xid: sqlText`pg_current_xact_id()::text` })
    .where(eq(rewriteRecords.id, id));
}

/** Stores, once that transaction has committed, a time after its commit. */
export async function recordDirectTime(sql: Sql, id: string): Promise<void> {
  await recordsIn(sql).update(rewriteRecords)
    .set({ direct_at: sqlText`clock_timestamp()` })
    .where(eq(rewriteRecords.id, id));
}

/** Returns what keeps other writers out of the source until the transaction ends. */
export function lockWritersStatement(spec: RewriteSpec): string {
  return `lock table only ${source(spec)} in share row exclusive mode`;
}

/** Copies the rows of the blocks from `from` up to `to`, and returns how many there were. */
export async function copyBlocks(
  sql: Sql,
  spec: RewriteSpec,
  from: number,
  to: number,
): Promise<number> {
  const { count } = await sql.unsafe(copyStatement(spec, from, to));
  return count;
}

/** Gathers the statistics of the filled tables. */
export async function analyzeCopy(sql: Sql, spec: RewriteSpec): Promise<void> {
  await runStatements(sql, [analyzeStatement(spec)]);
}

/**
 * Applies the logged changes up to number `upTo` to the new table. Few keys meet many rows, and these tables may lack
 * statistics: joins that read a table from end to end are off, for writers may be waiting.
 */
export async function replayChanges(sql: Sql, spec: RewriteSpec, upTo: string): Promise<void> {
  await sql`
    select set_config(name, 'off', true)
    from unnest(array['enable_hashjoin', 'enable_mergejoin']) as name`;
  await runStatements(sql, replayStatements(spec, upTo));
}

/** Keeps other writers out of the source until the transaction ends. */
export async function lockWriters(sql: Sql, spec: RewriteSpec): Promise<void> {
  await runStatements(sql, [lockWritersStatement(spec)]);
}

/** Keeps others from altering a table until the transaction ends; readers and writers are not affected. */
export async function lockDefinition(sql: Sql, table: TableName): Promise<void> {
  await runStatements(sql, [
    `lock table only ${quoteName(table)} in share update exclusive mode`,
  ]);
}

/** Returns the count and content hash of the source, and whether the new table has the same. */
export async function compareTables(
  sql: Sql,
  spec: RewriteSpec,
): Promise<{ rows: number; hash: string; equal: boolean } | undefined> {
  const [found] = await sql.unsafe<{ rows: number; hash: string; equal: boolean }[]>(
    compareStatement(spec),
  );
  return found;
}
