import type { Sql } from "../connection.ts";

/** A row that was not stored as a tick: why, where it stood, and what it said (cut at 2,000 characters). */
export interface QuarantinedRow {
  reason: string;
  path: string;
  detail: string;
  line: number;
  raw: string;
}

export interface QuarantineEntry extends QuarantinedRow {
  id: string;
  received_at: string;
}

export async function addQuarantined(sql: Sql, rows: readonly QuarantinedRow[]): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    insert into holdfast.quarantine (reason, path, detail, line, raw)
    select *
    from unnest(
      ${rows.map((row) => row.reason)}::text[],
      ${rows.map((row) => row.path)}::text[],
      ${rows.map((row) => row.detail)}::text[],
      ${rows.map((row) => row.line)}::int8[],
      ${rows.map((row) => row.raw.replaceAll("\0", "\ufffd"))}::text[]
    )`;
}

export async function listQuarantined(
  sql: Sql,
  { before, limit, reason }: {
    before: string | undefined;
    limit: number;
    reason: string | undefined;
  },
): Promise<QuarantineEntry[]> {
  return await sql<QuarantineEntry[]>`
    select
      id::text as id,
      to_char(received_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as received_at,
      reason,
      path,
      detail,
      line::float8 as line,
      raw
    from holdfast.quarantine as q
    where true
      ${before ? sql`and q.id < ${before}::int8` : sql``}
      ${reason ? sql`and q.reason = ${reason}` : sql``}
    order by q.id desc -- not the text of the answer
    limit ${limit}`;
}

/** Takes one row out, locked until the transaction ends: two retries cannot store it twice. */
export async function takeQuarantined(sql: Sql, id: string): Promise<QuarantineEntry | undefined> {
  const [row] = await sql<QuarantineEntry[]>`
    delete from holdfast.quarantine
    where id = ${id}::int8
    returning
      id::text as id,
      to_char(received_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as received_at,
      reason,
      path,
      detail,
      line::float8 as line,
      raw`;
  return row;
}
