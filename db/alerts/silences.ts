import { sql } from "drizzle-orm";
import type { DeliveryRecord } from "./alerts.ts";
import type { RecordsDb } from "../records/records.ts";
import { deliveryRecords, silenceRecords } from "../records/schema.ts";

export type SilenceRecord = typeof silenceRecords.$inferSelect;

/** Who judges what all Holdfasts see; who did before, and until when (RFC 3339), or null: nobody. */
export interface Lease {
  leads: boolean;
  holder: string | null;
  renewed_at: string | null;
}

/**
 * Takes or renews the lease on judging for `seconds`, and says that `name` lives. By the database's clock: those of
 * two machines may differ.
 */
export async function renewLease(
  db: RecordsDb,
  { name, seconds }: { name: string; seconds: number },
): Promise<Lease> {
  const [row] = await db.run((own) =>
    own.execute<{ leads: boolean; holder: string | null; renewed_at: string | null }>(sql`
      with taken as (
        insert into holdfast.alert_lease as lease (holder, renewed_at, until)
        values (${name}, now(), now() + make_interval(secs => ${seconds}))
        on conflict (one) do update set
          holder = excluded.holder,
          renewed_at = excluded.renewed_at,
          until = excluded.until
        where lease.holder = excluded.holder or lease.until < now()
          -- No lease is as long: the server's clock was ahead when it was taken.
          or lease.until > now() + 2 * make_interval(secs => ${seconds})
        returning holder
      ),
      seen as (
        insert into holdfast.alert_watchers (name, seen_at) values (${name}, now())
        on conflict (name) do update set seen_at = excluded.seen_at
      )
      select
        exists (select from taken) as leads,
        (select holder from holdfast.alert_lease) as holder,
        (select to_char(renewed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
          from holdfast.alert_lease) as renewed_at`)
  );
  return {
    leads: row?.leads ?? false,
    holder: row?.holder ?? null,
    renewed_at: row?.renewed_at ?? null,
  };
}

/** Where sessions that listen hear that the lease is given back. */
export const leaseNotifications = "holdfast_lease";

/** Gives the lease back and calls the other Holdfasts, so that none need wait for its end. */
export async function releaseLease(db: RecordsDb, name: string): Promise<void> {
  await db.run((own) =>
    own.execute(sql`
      with released as (
        update holdfast.alert_lease set until = now() - interval '1 millisecond'
        where holder = ${name} and until > now()
        returning holder
      )
      select pg_notify(${leaseNotifications}, '') from released`)
  );
}

/** Whether `renewLease` would be given the lease, whoever asks. */
export async function isLeaseFree(db: RecordsDb, seconds: number): Promise<boolean> {
  const [row] = await db.run((own) =>
    own.execute<{ free: boolean }>(sql`
      select not exists (
        select from holdfast.alert_lease
        where until >= now() and until <= now() + 2 * make_interval(secs => ${seconds})
      ) as free`)
  );
  return row?.free ?? false;
}

/** Silences that have not ended by `after`, the one that ends last first. */
export async function listSilences(db: RecordsDb, after: Date): Promise<SilenceRecord[]> {
  return await db.run((own) =>
    own.select().from(silenceRecords).where(
      sql`${silenceRecords.ends_at} > ${after.toISOString()}::timestamptz`,
    ).orderBy(sql`${silenceRecords.ends_at} desc, ${silenceRecords.id}`).limit(1_000)
  );
}

/**
 * Saves a silence. One that is there already, because the answer to an earlier save was lost, ends at the earlier of
 * its two ends.
 */
export async function saveSilence(db: RecordsDb, silence: SilenceRecord): Promise<void> {
  await db.run((own) =>
    own.insert(silenceRecords).values(silence).onConflictDoUpdate({
      target: silenceRecords.id,
      set: { ends_at: sql`least(${silenceRecords.ends_at}, excluded.ends_at)` },
    })
  );
}

/** Ends a silence at `at`; undefined when none has that id. One that has not begun ends as it begins. */
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

const deliveryColumns = sql.raw(
  ["created_at", "next_attempt_at", "ended_at"].map((name) =>
    `to_char(${name} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ${name}`
  ).concat("id", "channel", "owner", "state", "summary", "notices", "attempts", "error").join(", "),
);

/**
 * Takes over the deliveries still to be made of Holdfasts that have not been seen for 20 seconds, and, where `own` says so,
 * those that were `owner`'s; oldest first.
 */
export async function adoptDeliveries(
  db: RecordsDb,
  owner: string,
  { own: withOwn }: { own: boolean },
): Promise<DeliveryRecord[]> {
  const rows = await db.run((own) =>
    own.execute<DeliveryRecord & Record<string, unknown>>(sql`
      with taken as (
        update holdfast.alert_deliveries as due set owner = ${owner}
        where due.state = 'queued' and ((due.owner = ${owner} and ${withOwn}::boolean) or not exists (
          select from holdfast.alert_watchers as watcher
          where watcher.name = due.owner and watcher.seen_at > now() - interval '20 seconds'
            -- Seen in the future: the server's clock was ahead then.
            and watcher.seen_at < now() + interval '20 seconds') and due.owner <> ${owner})
        returning *
      )
      select ${deliveryColumns} from taken order by taken.created_at, taken.id limit 1000`)
  );
  return Array.from(rows);
}

/** Deliveries, newest first; `before` is where the last page ended. */
export async function listDeliveries(
  db: RecordsDb,
  { channel, state, before, limit }: {
    channel: string | undefined;
    state: string | undefined;
    before: { createdAt: string; id: string } | undefined;
    limit: number;
  },
): Promise<DeliveryRecord[]> {
  const rows = await db.run((own) =>
    own.execute<DeliveryRecord & Record<string, unknown>>(sql`
      select ${deliveryColumns} from holdfast.alert_deliveries
      where (${channel ?? null}::text is null or channel = ${channel ?? null}::text)
        and (${state ?? null}::text is null or state = ${state ?? null}::text)
        and (${before?.id ?? null}::uuid is null
          or (date_trunc('milliseconds', ${deliveryRecords.created_at}), ${deliveryRecords.id})
            < (${before?.createdAt ?? null}::timestamptz, ${before?.id ?? null}::uuid))
      order by date_trunc('milliseconds', holdfast.alert_deliveries.created_at) desc,
        holdfast.alert_deliveries.id desc
      limit ${limit}`)
  );
  return Array.from(rows);
}

export async function findDelivery(
  db: RecordsDb,
  id: string,
): Promise<DeliveryRecord | undefined> {
  const [row] = await db.run((own) =>
    own.execute<DeliveryRecord & Record<string, unknown>>(sql`
      select ${deliveryColumns} from holdfast.alert_deliveries where id = ${id}`)
  );
  return row;
}

/** Puts a delivery given up back in the queue of `owner`; undefined when none such has that id. */
export async function requeueDelivery(
  db: RecordsDb,
  { id, owner, at }: { id: string; owner: string; at: Date },
): Promise<DeliveryRecord | undefined> {
  const [row] = await db.run((own) =>
    own.execute<DeliveryRecord & Record<string, unknown>>(sql`
      with again as (
        update holdfast.alert_deliveries
        set state = 'queued', owner = ${owner}, attempts = 0, error = null, ended_at = null,
          next_attempt_at = ${at.toISOString()}::timestamptz
        where id = ${id} and state = 'dead'
        returning *
      )
      select ${deliveryColumns} from again`)
  );
  return row;
}

/** Forgets what is long over: deliveries, silences, and what a Holdfast that is gone saw of itself alone. */
export async function tidyAlerts(db: RecordsDb): Promise<void> {
  await db.run((own) =>
    own.execute(sql`
      with delivered as (
        delete from holdfast.alert_deliveries
        where state <> 'queued' and ended_at < (select holdfast.trusted_now()) - interval '30 days'
      ),
      silenced as (
        delete from holdfast.alert_silences where ends_at < (select holdfast.trusted_now()) - interval '30 days'
      ),
      gone as (
        select name from holdfast.alert_watchers where seen_at < (select holdfast.trusted_now()) - interval '1 day'
      ),
      stated as (
        delete from holdfast.alert_states where instance in (select name from gone)
      )
      update holdfast.alerts set state = 'resolved', resolved_at = now()
      where resolved_at is null and instance in (select name from gone)`)
  );
}
