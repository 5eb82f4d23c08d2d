import { and, desc, eq, isNotNull, lt, notInArray, or } from "drizzle-orm";
import type { RecordsDb } from "../records/records.ts";
import { rehearsalRecords } from "../records/schema.ts";

export type RehearsalRow = typeof rehearsalRecords.$inferSelect;

/** Inserts or updates a rehearsal. */
export async function saveRehearsal(db: RecordsDb, row: RehearsalRow): Promise<void> {
  const { id: _id, ...changes } = row;
  await db.run((own) =>
    own.insert(rehearsalRecords).values(row)
      .onConflictDoUpdate({ target: rehearsalRecords.id, set: changes })
  );
}

/** Returns one rehearsal; undefined when there is none. */
export async function findRehearsal(
  db: RecordsDb,
  id: string,
): Promise<RehearsalRow | undefined> {
  const rows = await db.run((own) =>
    own.select().from(rehearsalRecords).where(eq(rehearsalRecords.id, id))
  );
  return rows[0];
}

/** Lists rehearsals, newest first. */
export async function listRehearsals(
  db: RecordsDb,
  { limit, after }: { limit: number; after?: { createdAt: Date; id: string } | undefined },
): Promise<RehearsalRow[]> {
  const { created_at, id } = rehearsalRecords;
  const beyond = after && or(
    lt(created_at, after.createdAt),
    and(eq(created_at, after.createdAt), lt(id, after.id)),
  );
  return await db.run((own) =>
    own.select().from(rehearsalRecords).where(beyond).orderBy(desc(created_at), desc(id))
      .limit(limit)
  );
}

/** Lists the last finished rehearsals of recommendations, newest first. */
export async function listOfAdvice(db: RecordsDb): Promise<RehearsalRow[]> {
  const { recommendation, status, created_at } = rehearsalRecords;
  return await db.run((own) =>
    own.select().from(rehearsalRecords)
      .where(and(isNotNull(recommendation), eq(status, "done")))
      .orderBy(desc(created_at)).limit(200)
  );
}

/** Lists rehearsals whose record has not ended; only the holder of the lock may conclude anything from it. */
export async function listUnfinished(
  db: RecordsDb,
  ended: readonly string[],
): Promise<RehearsalRow[]> {
  return await db.run((own) =>
    own.select().from(rehearsalRecords).where(notInArray(rehearsalRecords.status, [...ended]))
      .limit(100)
  );
}
