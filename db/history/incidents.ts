import {
  and,
  desc,
  eq,
  getTableColumns,
  gte,
  inArray,
  isNull,
  lte,
  sql as sqlText,
} from "drizzle-orm";
import type { Sql } from "../connection.ts";
import { recordsIn } from "../records/records.ts";
import { incidentRecords, maintenanceRecords } from "../records/schema.ts";

const { report, ...listed } = getTableColumns(incidentRecords);
const { id, opened_at, closed_at } = incidentRecords;

/** An incident in the list; closed_at is null while it is recorded, `bytes` is the length of its report. */
export type IncidentRow = Omit<typeof incidentRecords.$inferSelect, "report">;

/** Saves an incident over its earlier draft, and deletes all but the newest `keep`. A closed incident is not changed. */
export async function saveIncident(
  sql: Sql,
  incident: IncidentRow,
  reportText: string,
  keep: number,
): Promise<void> {
  const db = recordsIn(sql);
  // The text as it is: parsed and written again, a large report would cost twice.
  const saved = sqlText`${reportText}::text::jsonb`;
  await db.insert(incidentRecords).values({ ...incident, report: saved }).onConflictDoUpdate({
    target: id,
    set: { closed_at: incident.closed_at, bytes: incident.bytes, report: sqlText`excluded.report` },
    setWhere: isNull(closed_at),
  });
  const old = db.select({ id }).from(incidentRecords).orderBy(desc(opened_at), desc(id))
    .offset(keep);
  await db.delete(incidentRecords).where(inArray(id, old));
}

/** Returns incidents, newest first, from a position in the list on. */
export async function listIncidents(
  sql: Sql,
  { before, limit }: { before: { openedAt: string; id: string } | undefined; limit: number },
): Promise<IncidentRow[]> {
  return await recordsIn(sql).select(listed).from(incidentRecords)
    .where(
      before &&
        sqlText`(${opened_at}, ${id}) < (${before.openedAt}::timestamptz, ${before.id}::uuid)`,
    )
    .orderBy(desc(opened_at), desc(id))
    .limit(limit);
}

/** Returns the report of an incident; undefined when there is none. */
export async function findIncident(
  sql: Sql,
  wanted: string,
): Promise<Record<string, unknown> | undefined> {
  const [row] = await recordsIn(sql).select({ report }).from(incidentRecords)
    .where(eq(id, wanted));
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
  const { at, action, table, partition, reason, error } = maintenanceRecords;
  return await recordsIn(sql).select({ at, action, table, partition, reason, error })
    .from(maintenanceRecords)
    .where(and(gte(at, from), lte(at, to)))
    .orderBy(desc(maintenanceRecords.id))
    .limit(100);
}
