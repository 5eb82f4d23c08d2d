import { and, desc, eq, gte, inArray, lt, lte, max, or, sql as sqlText } from "drizzle-orm";
import type { Sql } from "./connection.ts";
import { daysAgo } from "./records/conditions.ts";
import { recordsIn } from "./records/records.ts";
import { auditRecords } from "./records/schema.ts";

/** One change made through the API, or several of one kind summed, as it is stored. Times are RFC 3339. */
export type StoredAuditRow = typeof auditRecords.$inferSelect;
export type AuditRow = Omit<StoredAuditRow, "id">;

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
  if (rows.length === 0) return;
  await recordsIn(sql).insert(auditRecords).values([...rows])
    .onConflictDoNothing({ target: auditRecords.request_id });
}

const isoOf = (ms: number) => new Date(ms).toISOString();

/** Returns rows, newest first. */
export async function listAuditRows(
  sql: Sql,
  { before, from, to, actor, operation, limit }: AuditFilter,
): Promise<StoredAuditRow[]> {
  const { id, at } = auditRecords;
  return await recordsIn(sql).select().from(auditRecords)
    .where(and(
      before === undefined ? undefined : lt(id, before),
      from === undefined ? undefined : gte(at, isoOf(from)),
      to === undefined ? undefined : lt(at, isoOf(to)),
      actor === undefined ? undefined : eq(auditRecords.actor, actor),
      operation === undefined ? undefined : eq(auditRecords.operation, operation),
    ))
    .orderBy(desc(id))
    .limit(limit);
}

/** Deletes rows older than `days` and those beyond the newest `rowsMax`, at most `limit`; returns how many. */
export async function expireAuditRows(
  sql: Sql,
  { days, rowsMax, limit }: { days: number; rowsMax: number; limit: number },
): Promise<number> {
  const { id, at } = auditRecords;
  const db = recordsIn(sql);
  const newest = db.select({ id: max(id) }).from(auditRecords);
  const old = db.select({ id }).from(auditRecords)
    .where(or(lt(at, daysAgo(days)), lte(id, sqlText`(${newest}) - ${rowsMax}::int8`)))
    .orderBy(id).limit(limit);
  return (await db.delete(auditRecords).where(inArray(id, old)).returning({ id })).length;
}
