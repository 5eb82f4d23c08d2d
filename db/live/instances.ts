import {
  and,
  between,
  eq,
  exists,
  getTableColumns,
  gte,
  lt,
  ne,
  not,
  notExists,
  sql,
} from "drizzle-orm";
import { noteWatcher } from "../alerts/watchers.ts";
import { daysAgo, excluded } from "../records/conditions.ts";
import type { RecordsDb } from "../records/records.ts";
import { canaryRecords, instanceRecords, leaseRecords } from "../records/schema.ts";

const { name, version, since, seen_at } = instanceRecords;

/** An instance; times are RFC 3339, by the database's clock. */
export type InstanceRecord = typeof instanceRecords.$inferSelect & {
  /** How long ago it was seen; milliseconds. */
  unseen_ms: number;
  /** Whether it holds the lease on judging alerts now. */
  judges: boolean;
};

/**
 * Says that an instance is there, and forgets those that have not said so for a day. While its canary writes every few
 * seconds, that says so too, and the row here is written once a minute: an idle database is written as rarely as possible.
 * Returns whether the row was that of another start of this name.
 */
export async function noteInstance(
  db: RecordsDb,
  noted: { name: string; version: string; upMs: number },
): Promise<boolean> {
  const written = await db.run((own) => {
    const gone = own.$with("gone").as(
      own.delete(instanceRecords).where(and(ne(name, noted.name), lt(seen_at, daysAgo(1)))),
    );
    const watching = own.$with("watching").as(noteWatcher(own, noted.name));
    const begun = sql`now() - make_interval(secs => ${noted.upMs / 1000}::float8)`;
    const isOfThisStart = sql`abs(extract(epoch from ${since} - (${begun}))) < 1`;
    // Read in `returning`, where a subquery still finds the row as it was before this statement.
    const ofAnotherStart = own.select({ name }).from(instanceRecords)
      .where(and(eq(name, noted.name), not(isOfThisStart)));
    const noticed = own.select({ name }).from(instanceRecords)
      .innerJoin(canaryRecords, eq(canaryRecords.name, name))
      .where(and(
        eq(name, noted.name),
        eq(version, noted.version),
        isOfThisStart,
        between(seen_at, sql`now() - interval '1 minute'`, sql`now()`),
        between(canaryRecords.at, sql`now() - interval '7 seconds'`, sql`now()`),
      ));
    return own.with(gone, watching).insert(instanceRecords)
      .select(sql`
        select ${noted.name}::text, ${noted.version}::text, ${begun}, now()
        where ${notExists(noticed)}`)
      .onConflictDoUpdate({
        target: name,
        set: {
          ...excluded({ version, seen_at }),
          // Of one start, the time is computed once; a second apart is another.
          since: sql`case when abs(extract(epoch from excluded.since - ${since})) < 1
            then ${since} else excluded.since end`,
        },
      })
      .returning({ replaced: sql<boolean>`${exists(ofAnotherStart)}` });
  });
  return written[0]?.replaced ?? false;
}

export async function removeInstance(db: RecordsDb, removed: string): Promise<void> {
  await db.run((own) => own.delete(instanceRecords).where(eq(name, removed)));
}

/** The Holdfasts seen within a day, the one that is there for longest first. */
export async function listInstances(db: RecordsDb): Promise<InstanceRecord[]> {
  return await db.run((own) => {
    const { holder, until } = leaseRecords;
    const lease = own.select({ holder }).from(leaseRecords)
      .where(and(eq(holder, name), gte(until, sql`now()`)));
    const seenAt = sql`greatest(${seen_at}, ${canaryRecords.at})`;
    return own.select({
      ...getTableColumns(instanceRecords),
      seen_at: seenAt.mapWith(seen_at),
      unseen_ms: sql<number>`extract(epoch from clock_timestamp() - ${seenAt})::float8 * 1000`,
      judges: sql<boolean>`${exists(lease)}`,
    })
      .from(instanceRecords)
      .leftJoin(canaryRecords, eq(canaryRecords.name, name))
      .orderBy(since, name)
      .limit(1_000);
  });
}
