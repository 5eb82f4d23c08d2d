import type { Sql } from "../connection.ts";
import { utcText } from "../utc_text.ts";

/** An incident in the list; closed_at is null while it is recorded, `bytes` is the length of its report. */
export interface IncidentRow {
  id: string;
  alert_id: string;
  alert_type: string;
  scope: string;
  opened_at: string;
  closed_at: string | null;
  bytes: number;
}

/** Saves an incident over its earlier draft, and deletes all but the newest `keep`. A closed incident is not changed. */
export async function saveIncident(
  sql: Sql,
  incident: IncidentRow,
  report: string,
  keep: number,
): Promise<void> {
  const { id, alert_id, alert_type, scope, opened_at, closed_at, bytes } = incident;
  await sql`
    insert into holdfast.incidents (id, alert_id, alert_type, scope, opened_at, closed_at, bytes, report)
    values (
      ${id}::text::uuid, ${alert_id}::text::uuid, ${alert_type}, ${scope}, ${opened_at}::text::timestamptz,
      ${closed_at}::text::timestamptz, ${bytes}, ${report}::text::jsonb
    )
    on conflict (id) do update set
      closed_at = excluded.closed_at,
      bytes = excluded.bytes,
      report = excluded.report
    where incidents.closed_at is null`;
  await sql`
    delete from holdfast.incidents
    where id in (
      select i.id from holdfast.incidents as i order by i.opened_at desc, i.id desc offset ${keep}
    )`;
}

/** Returns incidents, newest first, from a position in the list on. */
export async function listIncidents(
  sql: Sql,
  { before, limit }: { before: { openedAt: string; id: string } | undefined; limit: number },
): Promise<IncidentRow[]> {
  const utc = (column: "opened_at" | "closed_at") => sql.unsafe(utcText(column));
  return await sql<IncidentRow[]>`
    select
      id::text as id,
      alert_id::text as alert_id,
      alert_type,
      scope,
      ${utc("opened_at")} as opened_at,
      ${utc("closed_at")} as closed_at,
      bytes
    from holdfast.incidents
    where true ${
    before
      ? sql`and (incidents.opened_at, id) < (${before.openedAt}::text::timestamptz, ${before.id}::text::uuid)`
      : sql``
  }
    order by incidents.opened_at desc, incidents.id desc
    limit ${limit}`;
}

/** Returns the report of an incident; undefined when there is none. */
export async function findIncident(
  sql: Sql,
  id: string,
): Promise<Record<string, unknown> | undefined> {
  const [row] = await sql<{ report: Record<string, unknown> }[]>`
    select report from holdfast.incidents where id = ${id}::text::uuid`;
  return row?.report;
}

/** Returns at most 50 sessions that are not idle, the oldest transaction first. */
export async function readSessions(sql: Sql): Promise<Record<string, unknown>[]> {
  return await sql`
    select
      pid,
      usename as "user",
      application_name as application,
      backend_type,
      state,
      wait_event_type,
      wait_event,
      extract(epoch from clock_timestamp() - xact_start)::float8 as transaction_seconds,
      extract(epoch from clock_timestamp() - query_start)::float8 as query_seconds,
      query
    from pg_stat_activity
    where state <> 'idle' and pid <> pg_backend_pid()
    order by xact_start nulls last
    limit 50`;
}

/** Returns the maintenance that Holdfast did on partitions between two times, newest first. */
export async function readMaintenance(
  sql: Sql,
  from: string,
  to: string,
): Promise<Record<string, unknown>[]> {
  return await sql`
    select
      ${sql.unsafe(utcText("at"))} as at,
      action,
      table_name as "table",
      partition_name as partition,
      reason,
      error
    from holdfast.maintenance_log
    where maintenance_log.at between ${from}::text::timestamptz and ${to}::text::timestamptz
    order by id desc
    limit 100`;
}
