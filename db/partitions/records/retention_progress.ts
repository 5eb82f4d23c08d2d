import { getTableColumns, not } from "drizzle-orm";
import type { Sql } from "../../connection.ts";
import { excluded, isAnyTable } from "../../records/conditions.ts";
import { recordsIn } from "../../records/records.ts";
import { progressRecords } from "../../records/schema.ts";

const { schema, table, ...changing } = getTableColumns(progressRecords);

/** Progress of retention with a table at the last rotation under a trusted clock. Milliseconds since 1970. */
export type ProgressRow = Omit<typeof progressRecords.$inferSelect, "seen_at" | "peak_at"> & {
  seen: number;
  peak: number;
};

export async function listProgress(sql: Sql): Promise<ProgressRow[]> {
  const rows = await recordsIn(sql).select().from(progressRecords);
  return rows.map(({ seen_at, peak_at, ...row }) => ({
    ...row,
    seen: seen_at.getTime(),
    peak: peak_at.getTime(),
  }));
}

/** Keeps the progress of these tables; forgets that of tables not `managed` any more. */
export async function keepProgress(
  sql: Sql,
  rows: readonly ProgressRow[],
  managed: readonly { schema: string; table: string }[] | "unchanged",
): Promise<void> {
  const db = recordsIn(sql);
  const values = rows.map(({ seen, peak, ...row }) => ({
    ...row,
    seen_at: new Date(seen),
    peak_at: new Date(peak),
  }));
  if (values.length > 0) {
    await db.insert(progressRecords).values(values)
      .onConflictDoUpdate({ target: [schema, table], set: excluded(changing) });
  }
  if (managed === "unchanged") return;
  await db.delete(progressRecords).where(not(isAnyTable({ schema, table }, managed)));
}
