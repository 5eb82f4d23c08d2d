import { type SQL, sql } from "drizzle-orm";
import type { RecordsDb } from "../records/records.ts";

/** Whether this Holdfast holds the lease; who held it before, and since when (RFC 3339); null for none. */
export interface Lease {
  leads: boolean;
  holder: string | null;
  renewed_at: string | null;
}

/**
 * Returns the statement that notes that `name` is alive. It writes nothing while that was noted within four seconds: those
 * that judge by it allow twenty.
 */
export const noteWatcher = (name: string): SQL =>
  sql`
        insert into holdfast.alert_watchers (name, seen_at)
        select ${name}::text, now()
        where not exists (
          select
          from holdfast.alert_watchers as known
          where known.name = ${name}
            and known.seen_at between now() - interval '4 seconds' and now()
        )
        on conflict (name) do update set seen_at = excluded.seen_at
      `;

/**
 * Takes or renews the lease on judging for `seconds`, and notes that `name` is alive. It goes by the database's clock,
 * because the clocks of two machines may differ. The holder updates: an insert that finds a conflict writes a lock as well.
 */
export async function renewLease(
  db: RecordsDb,
  { name, seconds }: { name: string; seconds: number },
): Promise<Lease> {
  const [row] = await db.run((own) =>
    own.execute<{ leads: boolean; holder: string | null; renewed_at: string | null }>(sql`
      with renewed as (
        update holdfast.alert_lease set
          renewed_at = now(),
          until = now() + make_interval(secs => ${seconds})
        where holder = ${name}
        returning holder
      ),
      taken as (
        insert into holdfast.alert_lease as lease (holder, renewed_at, until)
        select ${name}::text, now(), now() + make_interval(secs => ${seconds})
        where not exists (select from renewed)
        on conflict (one) do update set
          holder = excluded.holder,
          renewed_at = excluded.renewed_at,
          until = excluded.until
        where lease.holder = excluded.holder or lease.until < now()
          -- No lease is this long: the server's clock was ahead when it was taken.
          or lease.until > now() + 2 * make_interval(secs => ${seconds})
        returning holder
      ),
      seen as (${noteWatcher(name)})
      select
        exists (select from renewed) or exists (select from taken) as leads,
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

/** The notification channel on which Holdfasts learn that the lease was released. */
export const leaseNotifications = "holdfast_lease";

/** Releases the lease and notifies the other Holdfasts, so that none waits for it to expire. */
export async function releaseLease(db: RecordsDb, name: string): Promise<void> {
  await db.run((own) =>
    own.execute(sql`
      with released as (
        update holdfast.alert_lease set until = now() - interval '1 millisecond'
        where holder = ${name}
          and until > now()
        returning holder
      )
      select pg_notify(${leaseNotifications}, '') from released`)
  );
}

/** Returns whether any Holdfast could take the lease now. */
export async function isLeaseFree(db: RecordsDb, seconds: number): Promise<boolean> {
  const [row] = await db.run((own) =>
    own.execute<{ free: boolean }>(sql`
      select not exists (
        select from holdfast.alert_lease
        where until >= now()
          and until <= now() + 2 * make_interval(secs => ${seconds})
      ) as free`)
  );
  return row?.free ?? false;
}
