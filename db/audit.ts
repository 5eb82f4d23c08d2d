import type { Sql } from "./connection.ts";
import { utcText } from "./utc_text.ts";

/** One change made through the API, or several of one kind summed. Times are RFC 3339. */
export interface AuditRow {
  request_id: string;
  instance: string;
  at: string;
  until: string;
  requests: number;
  via: string;
  actor: string;
  actor_id: string;
  scope: string;
  operation: string;
  method: string;
  path: string;
  status: number;
  address: string;
}

export interface StoredAuditRow extends AuditRow {
  id: string;
}

export interface AuditFilter {
  /** Only rows before this id. */
  before: string | undefined;
  /** Milliseconds since 1970, included. */
  from: number | undefined;
  /** Milliseconds since 1970, not included. */
  to: number | undefined;
  actor: string | undefined;
  operation: string | undefined;
  limit: number;
}

/** Writes rows in order; those that are there already, from a write whose answer was lost, are left. */
export async function insertAuditRows(sql: Sql, rows: readonly AuditRow[]): Promise<void> {
  await sql`
    insert into holdfast.audit_log (
      request_id, instance, at, until, requests, via, actor, actor_id, scope, operation, method, path, status, address
    )
    select
      request_id, instance, at, until, requests, via, actor, actor_id, scope, operation, method, path, status, address
    from rows from (
      jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as (
        request_id uuid,
        instance text,
        at timestamptz,
        until timestamptz,
        requests int4,
        via text,
        actor text,
        actor_id text,
        scope text,
        operation text,
        method text,
        path text,
        status int2,
        address text
      )
    ) with ordinality as given
    order by given.ordinality
    on conflict (request_id) do nothing`;
}

/** Returns rows, newest first. */
export async function listAuditRows(
  sql: Sql,
  { before, from, to, actor, operation, limit }: AuditFilter,
): Promise<StoredAuditRow[]> {
  return await sql<StoredAuditRow[]>`
    select
      id::text,
      request_id,
      instance,
      ${sql.unsafe(utcText("at"))} as at,
      ${sql.unsafe(utcText("until"))} as until,
      requests,
      via,
      actor,
      actor_id,
      scope,
      operation,
      method,
      path,
      status,
      address
    from holdfast.audit_log as a
    where (${before ?? null}::int8 is null or a.id < ${before ?? null}::int8)
      and (${from ?? null}::float8 is null or at >= to_timestamp(${from ?? null}::float8 / 1000))
      and (${to ?? null}::float8 is null or at < to_timestamp(${to ?? null}::float8 / 1000))
      and (${actor ?? null}::text is null or actor = ${actor ?? null}::text)
      and (${operation ?? null}::text is null or operation = ${operation ?? null}::text)
    order by a.id desc -- not the text of the same name
    limit ${limit}::int4`;
}

/** Deletes rows older than `days` and those beyond the newest `rowsMax`, at most `limit`; returns how many. */
export async function expireAuditRows(
  sql: Sql,
  { days, rowsMax, limit }: { days: number; rowsMax: number; limit: number },
): Promise<number> {
  const removed = await sql`
    delete from holdfast.audit_log
    where id in (
      select id
      from holdfast.audit_log
      where at < (select holdfast.trusted_now()) - ${days}::int4 * interval '1 day'
        or id <= (select max(id) from holdfast.audit_log) - ${rowsMax}::int8
      order by id
      limit ${limit}::int4
    )
    returning 1`;
  return removed.length;
}
