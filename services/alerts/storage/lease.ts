import { isLeaseFree, releaseLease, renewLease } from "../../../db/alerts/lease.ts";
import type { RecordsDb } from "../../../db/records/records.ts";
import { createElapsedTime } from "../../../lib/clock.ts";
import type { WriteAccess } from "../../monitor/write_access/access.ts";

/** Two renewals may fail. After a sudden end another Holdfast leads within eight seconds: the lease and one check. */
const leaseSeconds = 6;

/** What a renewal finds; times are milliseconds since 1970, undefined for never. */
interface Renewal {
  leads: boolean;
  /** When any Holdfast last held it before. */
  heldAt: number | undefined;
  /** When this Holdfast, or an earlier process of its name, was last alive before. */
  seenAt: number | undefined;
}

/**
 * Creates the lease. Of the Holdfasts on one database, the one that holds it judges the shared rules. It counts as held
 * only while the last renewal cannot have expired, by a clock that also counts while the machine is suspended: another may
 * have taken it meanwhile.
 */
export function createLease(
  { db, name, access, now = createElapsedTime() }: {
    db: RecordsDb;
    name: string;
    access: WriteAccess;
    now?: () => number;
  },
) {
  const seconds = leaseSeconds;
  let until = -Infinity;
  /** Whether the last renewal succeeded; undefined before the first. */
  let led: boolean | undefined;
  /** Whether another Holdfast held it since the last call of `renew`. */
  let wasOthers = false;

  async function ask(): Promise<Renewal> {
    const asked = now();
    const { leads, holder, renewed_at, seen_at } = await renewLease(db, { name, seconds });
    led = leads;
    until = leads ? asked + seconds * 1000 : -Infinity;
    wasOthers ||= holder !== name;
    const heldAt = renewed_at === null ? undefined : Date.parse(renewed_at);
    // While it holds the lease it renews that more often than it is noted as alive.
    const alive = [seen_at, holder === name ? renewed_at : null].flatMap((at) => at ?? []);
    const seenAt = alive.length > 0 ? Math.max(...alive.map(Date.parse)) : undefined;
    return { leads, heldAt, seenAt };
  }

  return {
    name,
    /**
     * Returns whether this Holdfast judges the shared rules. While the database takes no writes, the last holder does; on a
     * standby every Holdfast does.
     */
    leads: () => now() < until || access.isWatchOnly() || (!access.canWrite() && (led ?? true)),
    /** Returns whether the last renewal cannot have expired. */
    isHeld: () => now() < until,
    /** Returns whether no Holdfast holds it now. */
    isFree: () => isLeaseFree(db, seconds),
    /**
     * Takes or renews it. Returns whether another Holdfast held it before, when any last held it, and when this one was last
     * alive (ms since 1970; undefined for never).
     */
    async renew(): Promise<Renewal & { wasOthers: boolean }> {
      const answer = await ask();
      const was = wasOthers;
      wasOthers = false;
      return { ...answer, wasOthers: was };
    },
    /** Renews it between two calls of `renew`. Returns whether this Holdfast held it all the time. */
    async extend(): Promise<boolean> {
      const { leads } = await ask();
      return leads && !wasOthers;
    },
    /** Releases it where this Holdfast holds it. */
    async release(): Promise<void> {
      if (now() >= until) return;
      until = -Infinity;
      await releaseLease(db, name);
    },
  };
}

export type Lease = ReturnType<typeof createLease>;
