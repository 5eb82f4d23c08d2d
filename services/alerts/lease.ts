import { releaseLease, renewLease } from "../../db/alert_watch.ts";
import type { RecordsDb } from "../../db/records.ts";
import type { WriteAccess } from "../write_access/access.ts";

const leaseSecondsMin = 15;

/**
 * Which of the Holdfasts on one database judges what all of them see: the one that holds the lease. Held only as long
 * as its renewal is surely not over, by this process's own monotonic clock.
 */
export function createLease(
  { db, name, everySeconds, access, now = () => performance.now() }: {
    db: RecordsDb;
    name: string;
    /** How often it is renewed. */
    everySeconds: number;
    access: WriteAccess;
    now?: () => number;
  },
) {
  const seconds = Math.max(leaseSecondsMin, everySeconds * 4);
  let until = -Infinity;
  /** Whether the last renewal got it; undefined before the first. */
  let led: boolean | undefined;

  return {
    name,
    /** While nobody can renew it, it stays with the one that held it; and a standby is judged by whoever watches it. */
    leads: () => now() < until || access.isWatchOnly() || (!access.canWrite() && (led ?? true)),
    /**
     * Takes or renews it; answers whether it was another's before, and when anybody last held it (ms since 1970),
     * undefined for never.
     */
    async renew(): Promise<{ leads: boolean; wasOthers: boolean; heldAt: number | undefined }> {
      const asked = now();
      const { leads, holder, renewed_at } = await renewLease(db, { name, seconds });
      led = leads;
      until = leads ? asked + seconds * 1000 : -Infinity;
      return {
        leads,
        wasOthers: holder !== name,
        heldAt: renewed_at === null ? undefined : Date.parse(renewed_at),
      };
    },
    async release(): Promise<void> {
      if (now() >= until) return;
      until = -Infinity;
      await releaseLease(db, name);
    },
  };
}

export type Lease = ReturnType<typeof createLease>;
