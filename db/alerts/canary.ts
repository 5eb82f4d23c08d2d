import { eq, sql } from "drizzle-orm";
import { excluded } from "../records/conditions.ts";
import type { RecordsDb } from "../records/records.ts";
import { oneRow } from "../records/rows.ts";
import { canaryRecords } from "../records/schema.ts";

const { name, seq, at } = canaryRecords;

/**
 * Writes one row, commits, and reads it back. Throws where it reads another row. It inserts the first time only: an insert
 * that finds a conflict writes a lock besides.
 */
export async function writeCanary(db: RecordsDb, canary: string): Promise<void> {
  const [written] = await db.run((own) => {
    const next = sql`${seq} + 1`;
    const counted = own.$with("counted").as(
      own.update(canaryRecords).set({ seq: next, at: sql`now()` })
        .where(eq(name, canary)).returning({ seq }),
    );
    const first = own.$with("first").as(
      own.insert(canaryRecords)
        .select(sql`select ${canary}::text, 1, now() where not exists (select from ${counted})`)
        .onConflictDoUpdate({ target: name, set: { ...excluded({ at }), seq: next } })
        .returning({ seq }),
    );
    return own.with(counted, first)
      .select({ seq: sql`coalesce(${counted.seq}, ${first.seq})`.mapWith(seq) })
      .from(oneRow)
      .leftJoin(counted, sql`true`)
      .leftJoin(first, sql`true`);
  });
  const [read] = await db.run((own) =>
    own.select({ seq }).from(canaryRecords).where(eq(name, canary))
  );
  if (!written || read?.seq !== written.seq) {
    throw new Error("Cannot verify the canary: it read back another row");
  }
}
