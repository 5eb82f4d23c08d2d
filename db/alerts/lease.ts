import { and, eq, gt, not, or, sql } from "drizzle-orm";
import { excluded } from "../records/conditions.ts";
import type { RecordsDb } from "../records/records.ts";
import { oneRow } from "../records/rows.ts";
import { leaseRecords, watcherRecords } from "../records/schema.ts";
import { noteWatcher } from "./watchers.ts";

const { one, holder, renewed_at, until } = leaseRecords;

/** Whether this Holdfast holds the lease, and what held before; times are RFC 3339, null for none. */
export interface Lease {
  leads: boolean;
  /** Who held it before, and when it was renewed last. */
  holder: string | null;
  renewed_at: string | null;
  /** When a Holdfast of this name was last noted as alive. */
  seen_at: string | null;
}

const lasting = (seconds: number) => sql`make_interval(secs => ${seconds})`;

/** Says that anyone may take the lease: it ended, or the server's clock was ahead when it was taken, for none is so long. */
const isFree = (seconds: number) =>
  sql`(${until} < now() or ${until} > now() + 2 * ${lasting(seconds)})`;

/**
 * Takes or renews the lease on judging for `seconds`, and notes that `name` is alive. It goes by the database's clock,
 * because the clocks of two machines may differ. The holder updates: an insert that finds a conflict writes a lock as well.
 */
export async function renewLease(
  db: RecordsDb,
  { name, seconds }: { name: string; seconds: number },
): Promise<Lease> {
  const [row] = await db.run((own) => {
    const lease = { renewed_at: sql`now()`, until: sql`now() + ${lasting(seconds)}` };
    const renewed = own.$with("renewed").as(
      own.update(leaseRecords).set(lease).where(eq(holder, name)).returning({ holder }),
    );
    const taken = own.$with("taken").as(
      own.insert(leaseRecords)
        .select(sql`
          select true, ${name}::text, ${lease.renewed_at}, ${lease.until}
          where not exists (select from ${renewed})`)
        .onConflictDoUpdate({
          target: one,
          set: excluded({ holder, renewed_at, until }),
          setWhere: or(sql`${holder} = excluded.holder`, isFree(seconds)),
        })
        .returning({ holder }),
    );
    const seen = own.$with("seen").as(noteWatcher(own, name));
    return own.with(renewed, taken, seen)
      .select({
        leads: sql<boolean>`exists (select from ${renewed}) or exists (select from ${taken})`,
        holder,
        renewed_at,
        seen_at: watcherRecords.seen_at,
      })
      .from(oneRow)
      .leftJoin(leaseRecords, sql`true`)
      .leftJoin(watcherRecords, eq(watcherRecords.name, name));
  });
  return row ?? { leads: false, holder: null, renewed_at: null, seen_at: null };
}

/** The notification channel on which Holdfasts learn that the lease was released. */
export const leaseNotifications = "holdfast_lease";

/** Releases the lease and notifies the other Holdfasts, so that none waits for it to expire. */
export async function releaseLease(db: RecordsDb, name: string): Promise<void> {
  await db.run((own) => {
    const released = own.$with("released").as(
      own.update(leaseRecords).set({ until: sql`now() - interval '1 millisecond'` })
        .where(and(eq(holder, name), gt(until, sql`now()`)))
        .returning({ holder }),
    );
    return own.with(released).select({ notified: sql`pg_notify(${leaseNotifications}, '')` })
      .from(released);
  });
}

/** Returns whether any Holdfast could take the lease now. */
export async function isLeaseFree(db: RecordsDb, seconds: number): Promise<boolean> {
  const held = await db.run((own) =>
    own.select({ holder }).from(leaseRecords).where(not(isFree(seconds)))
  );
  return held.length === 0;
}
