import { desc, lt } from "drizzle-orm";
import type { Sql } from "../connection.ts";
import { daysAgo } from "../records/conditions.ts";
import { recordsIn } from "../records/records.ts";
import { changeRecords } from "../records/schema.ts";

export { changeKinds } from "../records/schema.ts";

/** A change of the server or of Holdfast; `at` in milliseconds since 1970. */
export type Change = Omit<typeof changeRecords.$inferSelect, "id" | "at"> & { at: number };

const keptDays = 90;

/** Saves changes, and deletes those older than 90 days. */
export async function saveChanges(sql: Sql, changes: readonly Change[]): Promise<void> {
  const db = recordsIn(sql);
  const rows = changes.map(({ at, ...rest }) => ({ ...rest, at: new Date(at) }));
  if (rows.length > 0) await db.insert(changeRecords).values(rows);
  await db.delete(changeRecords).where(lt(changeRecords.at, daysAgo(keptDays)));
}

/** Returns the last `limit` changes, oldest first. */
export async function lastChanges(sql: Sql, limit: number): Promise<Change[]> {
  const { at, kind, subject, before, after } = changeRecords;
  const rows = await recordsIn(sql).select({ at, kind, subject, before, after })
    .from(changeRecords).orderBy(desc(at)).limit(limit);
  return rows.map((row) => ({ ...row, at: row.at.getTime() })).reverse();
}
