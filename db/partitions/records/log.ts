import { utcText } from "../../utc_text.ts";
import type { Sql } from "../../connection.ts";

export interface MaintenanceEntry {
  action: string;
  table_name: string;
  partition_name: string | null;
  reason: string;
  duration_ms: number;
  error: string | null;
  sql: string | null;
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
      ${sql.unsafe(utcText("m.at"))} as at
    from holdfast.partition_policies as p
    cross join lateral (
      select l.at
      from holdfast.maintenance_log as l
      where l.table_name = p.schema_name || '.' || p.table_name and l.error is null
      order by l.id desc
      limit 1
    ) as m`;
}

export interface LogEntry {
  id: string;
  at: string;
  action: string;
  table: string;
  partition: string | null;
  reason: string;
  duration_ms: number;
  error: string | null;
  sql: string | null;
}

/** Returns the entries of the maintenance log, newest first. */
export async function listMaintenance(
  sql: Sql,
  { table, before, limit }: { table?: string; before?: string; limit: number },
): Promise<LogEntry[]> {
  return await sql<LogEntry[]>`
    select
      id::text as id,
      ${sql.unsafe(utcText("at"))} as at,
      action,
      table_name as "table",
      partition_name as partition,
      reason,
      duration_ms,
      error,
      sql
    from holdfast.maintenance_log
    where true
      ${table === undefined ? sql`` : sql`and table_name = ${table}`}
      ${before === undefined ? sql`` : sql`and id < ${before}::text::int8`}
    order by maintenance_log.id desc
    limit ${limit}`;
}
