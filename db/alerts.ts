import { and, desc, eq, isNull, lt, or, type SQL } from "drizzle-orm";
import type { RecordsDb } from "./records.ts";
import { alertRecords, ruleRecords } from "./schema.ts";

export type AlertRecord = typeof alertRecords.$inferSelect;

/** Writes alerts as they are now; an alert is one row for its whole life. */
export async function saveAlerts(db: RecordsDb, records: readonly AlertRecord[]): Promise<void> {
  for (const record of records) {
    const { id: _, ...rest } = record;
    await db.run((own) =>
      own.insert(alertRecords).values(record).onConflictDoUpdate({
        target: alertRecords.id,
        set: rest,
      })
    );
  }
}

export async function listOpenAlerts(db: RecordsDb): Promise<AlertRecord[]> {
  return await db.run((own) =>
    own.select().from(alertRecords).where(isNull(alertRecords.resolved_at))
  );
}

/** Alerts, newest first; `before` is where the last page ended. */
export async function listAlerts(
  db: RecordsDb,
  { state, before, limit }: {
    state: string | undefined;
    before: { startedAt: Date; id: string } | undefined;
    limit: number;
  },
): Promise<AlertRecord[]> {
  const conditions: (SQL | undefined)[] = [state ? eq(alertRecords.state, state) : undefined];
  if (before) {
    conditions.push(or(
      lt(alertRecords.started_at, before.startedAt),
      and(eq(alertRecords.started_at, before.startedAt), lt(alertRecords.id, before.id)),
    ));
  }
  return await db.run((own) =>
    own.select().from(alertRecords).where(and(...conditions))
      .orderBy(desc(alertRecords.started_at), desc(alertRecords.id)).limit(limit)
  );
}

export async function listRuleChanges(
  db: RecordsDb,
): Promise<{ name: string; changes: unknown }[]> {
  return await db.run((own) =>
    own.select({ name: ruleRecords.name, changes: ruleRecords.changes }).from(ruleRecords)
  );
}

export async function saveRuleChanges(
  db: RecordsDb,
  name: string,
  changes: unknown,
): Promise<void> {
  await db.run((own) =>
    own.insert(ruleRecords).values({ name, changes }).onConflictDoUpdate({
      target: ruleRecords.name,
      set: { changes, updated_at: new Date() },
    })
  );
}
