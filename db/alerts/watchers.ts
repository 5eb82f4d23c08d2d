import { and, between, eq, notExists, sql } from "drizzle-orm";
import { excluded } from "../records/conditions.ts";
import type { RecordsSession } from "../records/records.ts";
import { watcherRecords } from "../records/schema.ts";

const { name, seen_at } = watcherRecords;

/**
 * Returns the statement that notes that a Holdfast is alive, by the database's clock. It writes nothing while that was
 * noted within four seconds: those that judge by it allow twenty.
 */
export function noteWatcher(db: RecordsSession, watcher: string) {
  const known = db.select({ name }).from(watcherRecords).where(and(
    eq(name, watcher),
    between(seen_at, sql`now() - interval '4 seconds'`, sql`now()`),
  ));
  return db.insert(watcherRecords)
    .select(sql`select ${watcher}::text, now() where ${notExists(known)}`)
    .onConflictDoUpdate({ target: name, set: excluded({ seen_at }) });
}
