import type { Sql } from "../connection.ts";
import { instant } from "./ticks.ts";
import { utcText } from "../utc_text.ts";

/** A row that was not stored as a tick: its reason, its line, and its text (cut to 2,000 characters). */
export interface QuarantinedRow {
  reason: string;
  path: string;
  detail: string;
  line: number;
  raw: string;
  /** The feed of the row, when it could be read. */
  symbol: string | null;
}

export interface QuarantineEntry extends QuarantinedRow {
  id: string;
  received_at: string;
}

/** Filters rows; times of arrival in microseconds, `fromUs` included, `toUs` not. */
export interface QuarantineFilter {
  reason?: string | undefined;
  symbol?: string | undefined;
  fromUs?: number | undefined;
  toUs?: number | undefined;
}

export async function addQuarantined(sql: Sql, rows: readonly QuarantinedRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    insert into holdfast.quarantine (reason, path, detail, line, raw, symbol)
    select *
    from unnest(
      ${rows.map((row) => row.reason)}::text[],
      ${rows.map((row) => row.path)}::text[],
      ${rows.map((row) => row.detail)}::text[],
      ${rows.map((row) => row.line)}::int8[],
      ${rows.map((row) => row.raw.replaceAll("\0", "\ufffd"))}::text[],
      ${rows.map((row) => row.symbol)}::text[]
    )`;
}

const columns = (sql: Sql) =>
  sql`
    id::text as id,
    ${sql.unsafe(utcText("received_at"))} as received_at,
    reason,
    path,
    detail,
    line::float8 as line,
    raw,
    symbol`;

const meant = (sql: Sql, { reason, symbol, fromUs, toUs }: QuarantineFilter) =>
  sql`
    true
    ${reason === undefined ? sql`` : sql`and q.reason = ${reason}`}
    ${symbol === undefined ? sql`` : sql`and q.symbol = ${symbol}`}
    ${fromUs === undefined ? sql`` : sql`and q.received_at >= ${instant(sql, fromUs)}`}
    ${toUs === undefined ? sql`` : sql`and q.received_at < ${instant(sql, toUs)}`}`;

/** Returns rows, newest first, that come before the id `before`. */
export async function listQuarantined(
  sql: Sql,
  filter: QuarantineFilter & { before: string | undefined; limit: number },
): Promise<QuarantineEntry[]> {
  const { before, limit } = filter;
  return await sql<QuarantineEntry[]>`
    select ${columns(sql)}
    from holdfast.quarantine as q
    where ${meant(sql, filter)}
      ${before === undefined ? sql`` : sql`and q.id < ${before}::int8`}
    order by q.id desc -- not the text of the answer
    limit ${limit}`;
}

/** Deletes one row and returns it. Its lock lasts until the transaction ends, so two retries cannot both store it. */
export async function takeQuarantined(sql: Sql, id: string): Promise<QuarantineEntry | undefined> {
  const [row] = await sql<QuarantineEntry[]>`
    delete from holdfast.quarantine
    where id = ${id}::int8
    returning ${columns(sql)}`;
  return row;
}

/**
 * Returns rows with an id above `after`, oldest first, locked until the transaction ends. Skips rows that another session
 * has locked, so concurrent retries share the rows and never wait.
 */
export async function claimQuarantined(
  sql: Sql,
  filter: QuarantineFilter & {
    ids?: readonly string[] | undefined;
    after: string | undefined;
    limit: number;
  },
): Promise<QuarantineEntry[]> {
  const { ids, after, limit } = filter;
  return await sql<QuarantineEntry[]>`
    select ${columns(sql)}
    from holdfast.quarantine as q
    where ${meant(sql, filter)}
      ${ids === undefined ? sql`` : sql`and q.id = any(${ids as string[]}::int8[])`}
      ${after === undefined ? sql`` : sql`and q.id > ${after}::int8`}
    order by q.id
    limit ${limit}
    for update of q skip locked`;
}

export async function removeQuarantined(sql: Sql, ids: readonly string[]): Promise<void> {
  await sql`delete from holdfast.quarantine where id = any(${ids as string[]}::int8[])`;
}

/** Deletes at most `limit` rows, except those locked by a retry, and returns their number. */
export async function purgeQuarantined(
  sql: Sql,
  filter: QuarantineFilter & { limit: number },
): Promise<number> {
  const removed = await sql`
    delete from holdfast.quarantine
    where id = any(array(
      select q.id
      from holdfast.quarantine as q
      where ${meant(sql, filter)}
      limit ${filter.limit}
      for update skip locked
    ))`;
  return removed.count;
}
