import { sql } from "drizzle-orm";
import type { RecordsDb } from "../records/records.ts";
import { silenceRecords } from "../records/schema.ts";

export type SilenceRecord = typeof silenceRecords.$inferSelect;

/** Returns up to 1,000 silences that end after `after`, the latest end first. */
export async function listSilences(db: RecordsDb, after: Date): Promise<SilenceRecord[]> {
  return await db.run((own) =>
    own.select().from(silenceRecords).where(
      sql`${silenceRecords.ends_at} > ${after.toISOString()}::timestamptz`,
    ).orderBy(sql`${silenceRecords.ends_at} desc, ${silenceRecords.id}`).limit(1_000)
  );
}

/**
 * Saves a silence. Where it exists, because the answer to an earlier save was lost, it ends at the earlier of the two
 * ends.
 */
export async function saveSilence(db: RecordsDb, silence: SilenceRecord): Promise<void> {
  await db.run((own) =>
    own.insert(silenceRecords).values(silence).onConflictDoUpdate({
      target: silenceRecords.id,
      set: { ends_at: sql`least(${silenceRecords.ends_at}, excluded.ends_at)` },
    })
  );
}

/** Ends a silence at `at`, or as it begins where that is later. Returns undefined where none has that id. */
export async function endSilence(
  db: RecordsDb,
  id: string,
  at: Date,
): Promise<SilenceRecord | undefined> {
  const [row] = await db.run((own) =>
    own.update(silenceRecords).set({
      ends_at: sql`least(ends_at, greatest(starts_at, ${at.toISOString()}::timestamptz))`,
    }).where(sql`${silenceRecords.id} = ${id}`).returning()
  );
  return row;
}
