import { and, desc, eq, isNull, lt, sql as sqlText } from "drizzle-orm";
import type { Sql } from "../../connection.ts";
import { recordsIn } from "../../records/records.ts";
import { maintenanceRecords, policyRecords } from "../../records/schema.ts";

/** An entry of the maintenance log. */
export type LogEntry = typeof maintenanceRecords.$inferSelect;
export type MaintenanceEntry = Omit<LogEntry, "id" | "at">;

export async function logMaintenance(
  sql: Sql,
  entries: readonly MaintenanceEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  await recordsIn(sql).insert(maintenanceRecords).values([...entries]);
}

/** Returns when each managed table was last maintained without an error. */
export async function lastRotations(sql: Sql): Promise<{ table_name: string; at: string }[]> {
  const db = recordsIn(sql);
  const { id, at, table, error } = maintenanceRecords;
  const name = sqlText<string>`${policyRecords.schema} || '.' || ${policyRecords.table}`;
  const last = db.select({ at }).from(maintenanceRecords)
    .where(and(eq(table, name), isNull(error)))
    .orderBy(desc(id)).limit(1).as("last");
  return await db.select({ table_name: name, at: last.at }).from(policyRecords)
    .crossJoinLateral(last);
}

/** Returns the entries of the maintenance log, newest first. */
export async function listMaintenance(
  sql: Sql,
  { table, before, limit }: { table?: string; before?: string; limit: number },
): Promise<LogEntry[]> {
  const { id } = maintenanceRecords;
  return await recordsIn(sql).select().from(maintenanceRecords)
    .where(and(
      table === undefined ? undefined : eq(maintenanceRecords.table, table),
      before === undefined ? undefined : lt(id, before),
    ))
    .orderBy(desc(id))
    .limit(limit);
}
