import type { Sql } from "../../connection.ts";
import { quoteIdent, quoteTable } from "../../sql.ts";
import type { RewriteSpec } from "./rewrites.ts";

const names = (columns: readonly string[], prefix = "") =>
  columns.map((column) => prefix + quoteIdent(column)).join(", ");
const same = (columns: readonly string[], a: string, b: string) =>
  columns.map((column) => `${a}.${quoteIdent(column)} = ${b}.${quoteIdent(column)}`).join(" and ");
const target = ({ shadow }: RewriteSpec) => quoteTable(shadow.schema, shadow.table);
const source = ({ source: { schema, table } }: RewriteSpec) => quoteTable(schema, table);

/**
 * Copies the rows of some blocks. A row that moved meanwhile may be met twice or find the place of another one's old
 * version taken: it is in the log then, and the replay puts it right.
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

/** Statistics of the filled tables, which go along with them when they are swapped in. */
export function analyzeStatement(spec: RewriteSpec): string {
  return `analyze ${target(spec)}`;
}

/** Makes the rows of logged keys in the shadow what they are in the source; all under one snapshot. */
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

/** How many changes wait, counted up to `most`, and the number of the last of them; null: none. */
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

/** Count and content hash of both tables as one snapshot has them; the hash does not depend on the order of rows. */
export function compareStatement(spec: RewriteSpec): string {
  const side = (table: string) =>
    `select count(*)::text as rows, coalesce(sum(hashtextextended(row(${
      names(spec.columns)
    })::text, 0)::numeric), 0)::text as hash from ${table}`;
  return `select a.rows, a.hash, b.rows = a.rows and b.hash = a.hash as equal from (${
    side(`only ${source(spec)}`)
  }) as a cross join (${side(target(spec))}) as b`;
}

/**
 * Sessions that still look at the database as it was before a transaction: another's snapshot may lack what it wrote.
 * Those that began after it do not.
 */
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
      and a.backend_type not in ('autovacuum worker', 'walsender')
      and a.backend_xmin is not null
      and a.xact_start <= m.direct_at
      and age(a.backend_xmin) >= age((${xid}::text::xid8)::xid)
    order by a.xact_start`;
}

/** Notes the transaction from whose commit on both tables are the same to every new snapshot. */
export async function noteDirect(sql: Sql, id: string): Promise<void> {
  await sql`
    update holdfast.partition_moves set direct_xid = pg_current_xact_id()::text where id = ${id}::text::int8`;
}

/** Notes, once that transaction has committed, when that was at the latest. */
export async function noteDirectTime(sql: Sql, id: string): Promise<void> {
  await sql`
    update holdfast.partition_moves set direct_at = clock_timestamp() where id = ${id}::text::int8`;
}
