import { eq, getTableColumns, sql } from "drizzle-orm";
import { noteWatcher } from "../alerts/lease.ts";
import type { RecordsDb } from "../records/records.ts";
import { canaryRecords, instanceRecords } from "../records/schema.ts";

/** An instance; times are RFC 3339, by the database's clock. */
export type InstanceRecord = typeof instanceRecords.$inferSelect & {
  /** How long ago it was seen; milliseconds. */
  unseen_ms: number;
  /** Whether it holds the lease on judging alerts now. */
  judges: boolean;
};

/**
 * Says that `name` is there, and forgets those that have not said so for a day. While its canary writes every few seconds,
 * that says so too, and the row here is written once a minute: an idle database is written as rarely as possible.
 */
export async function noteInstance(
  db: RecordsDb,
  { name, version, upMs }: { name: string; version: string; upMs: number },
): Promise<void> {
  await db.run((own) =>
    own.execute(sql`
      with gone as (
        delete from holdfast.instances
        where name <> ${name} and seen_at < (select holdfast.trusted_now()) - interval '1 day'
      ),
      watching as (${noteWatcher(name)}),
      present as (
        select
          ${name}::text as name,
          ${version}::text as version,
          now() - make_interval(secs => ${upMs / 1000}::float8) as since
      )
      insert into holdfast.instances as known (name, version, since, seen_at)
      select p.name, p.version, p.since, now()
      from present as p
      where not exists (
        select
        from holdfast.instances as i
        join holdfast.canary as c on c.name = i.name
        where i.name = p.name
          and i.version = p.version
          and abs(extract(epoch from i.since - p.since)) < 1
          and i.seen_at between now() - interval '1 minute' and now()
          and c.at between now() - interval '7 seconds' and now()
      )
      on conflict (name) do update set
        version = excluded.version,
        -- Of one start, the time is computed once; a second apart is another.
        since = case when abs(extract(epoch from excluded.since - known.since)) < 1
          then known.since else excluded.since end,
        seen_at = excluded.seen_at`)
  );
}

export async function removeInstance(db: RecordsDb, name: string): Promise<void> {
  await db.run((own) => own.delete(instanceRecords).where(eq(instanceRecords.name, name)));
}

/** The Holdfasts seen within a day, the one that is there for longest first. */
export async function listInstances(db: RecordsDb): Promise<InstanceRecord[]> {
  const { name, since } = instanceRecords;
  const seenAt = sql`greatest(${instanceRecords.seen_at}, ${canaryRecords.at})`;
  return await db.run((own) =>
    own.select({
      ...getTableColumns(instanceRecords),
      seen_at: seenAt.mapWith(instanceRecords.seen_at),
      unseen_ms: sql<number>`extract(epoch from clock_timestamp() - ${seenAt})::float8 * 1000`,
      judges: sql<boolean>`exists (
        select from holdfast.alert_lease as lease
        where lease.holder = ${name} and lease.until >= now()
      )`,
    })
      .from(instanceRecords)
      .leftJoin(canaryRecords, eq(canaryRecords.name, name))
      .orderBy(since, name)
      .limit(1_000)
  );
}
