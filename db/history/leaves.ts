import type { Sql } from "../connection.ts";
import type { historyTables } from "../records/schema.ts";
import { quoteLiteral, quoteTable } from "../sql.ts";
import { readTrustedMs } from "../server/clock.ts";

export type SampleTable = keyof typeof historyTables;

/** A leaf: its name, and its bounds in milliseconds since 1970. */
export interface SampleLeaf {
  table: SampleTable;
  name: string;
  from: number;
  to: number;
}

/**
 * Leaves are only added to, read by time, and dropped: statistics and marks of visibility are worth less than the WAL that
 * writing them takes, which for an idle database is more than the samples themselves. Autovacuum still freezes them.
 */
const storage = "autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_threshold = 10000000";

/** Advisory lock: two Holdfasts on one database must not make the same leaf at once. */
const lockKey = 4_206_050;

/** Makes the leaves that do not exist, and attaches them: that does not block readers of the parent. Needs a transaction. */
export async function makeLeaves(sql: Sql, leaves: readonly SampleLeaf[]): Promise<void> {
  const names = leaves.map(({ name }) => name);
  const existing = async () =>
    new Set(
      (await sql<{ name: string }[]>`
        select c.relname as name
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = 'holdfast' and c.relname = any(${names}::text[])`)
        .map(({ name }) => name),
    );
  if ((await existing()).size === names.length) return;
  await sql`select pg_advisory_xact_lock(${lockKey})`;
  const present = await existing();
  for (const { table, name, from, to } of leaves) {
    if (present.has(name)) continue;
    const [parent, leaf] = [quoteTable("holdfast", table), quoteTable("holdfast", name)];
    const literal = (at: number) => quoteLiteral(new Date(at).toISOString());
    await sql.unsafe(`create table ${leaf} (like ${parent} including all) with (${storage})`);
    await sql.unsafe(
      `alter table ${parent} attach partition ${leaf} for values from (${literal(from)}) to (${
        literal(to)
      })`,
    );
  }
}

/**
 * Drops the leaves of a table that ended `keepMs` or more ago, both by `now` (milliseconds since 1970) and by the server's
 * trusted time. Returns their names.
 */
export async function dropLeaves(
  sql: Sql,
  table: SampleTable,
  { now, keepMs }: { now: number; keepMs: number },
): Promise<string[]> {
  const before = new Date(Math.min(now, await readTrustedMs(sql)) - keepMs);
  const rows = await sql<{ name: string }[]>`
    select c.relname as name
    from pg_inherits as i
    join pg_class as c on c.oid = i.inhrelid
    where i.inhparent = ${`holdfast.${table}`}::text::regclass
      and substring(pg_get_expr(c.relpartbound, c.oid) from 'TO [(]''([^'']+)''[)]')::timestamptz
        <= ${before.toISOString()}::text::timestamptz
    order by c.relname`;
  for (const { name } of rows) await sql.unsafe(`drop table ${quoteTable("holdfast", name)}`);
  return rows.map(({ name }) => name);
}
