import { isLeaseFree, releaseLease, renewLease } from "../../../db/alerts/lease.ts";
import type { RecordsDb } from "../../../db/records/records.ts";
import type { WriteAccess } from "../../monitor/write_access/access.ts";

/** Three renewals may fail; with the look for a free one, another leads within eight seconds of a sudden end. */
const leaseSeconds = 6;

/**
 * Which of the Holdfasts on one database judges what all of them see: the one that holds the lease. Held only as long
 * as its renewal is surely not over, by this process's own monotonic clock.
 */
export function createLease(
  { db, name, access, now = () => performance.now() }: {
    db: RecordsDb;
    name: string;
    access: WriteAccess;
    now?: () => number;
  },
) {
  const seconds = leaseSeconds;
  let until = -Infinity;
  /** Whether the last renewal got it; undefined before the first. */
  let led: boolean | undefined;

  /** Whether it was another's since `renew` was last called. */
  let wasOthers = false;

  async function ask(): Promise<{ leads: boolean; heldAt: number | undefined }> {
    const asked = now();
    const { leads, holder, renewed_at } = await renewLease(db, { name, seconds });
    led = leads;
    until = leads ? asked + seconds * 1000 : -Infinity;
    wasOthers ||= holder !== name;
    return { leads, heldAt: renewed_at === null ? undefined : Date.parse(renewed_at) };
  }

  return {
    name,
    /** While nobody can renew it, it stays with the one that held it; and a standby is judged by whoever watches it. */
    leads: () => now() < until || access.isWatchOnly() || (!access.canWrite() && (led ?? true)),
    /** Whether its last renewal surely holds. */
    isHeld: () => now() < until,
    /** Whether nobody holds it now. */
    isFree: () => isLeaseFree(db, seconds),
    /**
     * Takes or renews it; answers whether it was another's before, and when anybody last held it (ms since 1970),
     * undefined for never.
     */
    async renew(): Promise<{ leads: boolean; wasOthers: boolean; heldAt: number | undefined }> {
      const answer = await ask();
      const was = wasOthers;
      wasOthers = false;
      return { ...answer, wasOthers: was };
    },
    /** Renews it between two calls of `renew`; answers whether it is as it was at the last. */
    async extend(): Promise<boolean> {
      const { leads } = await ask();
      return leads && !wasOthers;
    },
    async release(): Promise<void> {
      if (now() >= until) return;
      until = -Infinity;
      await releaseLease(db, name);
    },
  };
}

export type Lease = ReturnType<typeof createLease>;
