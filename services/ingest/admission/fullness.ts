import type { Clock } from "../../../lib/clock.ts";

/** The disk counts as full this long after a failure, even if other uploads still fit into half-filled pages. */
const settleMs = 5_000;
/** Without further uploads the finding expires: someone may have freed disk space meanwhile. */
const forgetMs = 5 * 60_000;

/** Derives from the outcome of uploads whether the database's disk is full. */
export function createFullness({ clock }: { clock: Clock }) {
  let since: number | undefined;
  let failedAt = -Infinity;
  let storedAt = -Infinity;
  const now = () => clock.now().getTime();

  function isFull(at: number): boolean {
    // Absolute, so that a failure also expires when the clock was set back.
    const age = Math.abs(at - failedAt);
    return age < settleMs || (storedAt < failedAt && age < forgetMs);
  }

  return {
    /** Notes that an upload failed for lack of disk space. */
    refused(): void {
      const at = now();
      if (!isFull(at)) since = at;
      failedAt = at;
    },
    /** Notes that an upload was committed. */
    stored(): void {
      storedAt = now();
    },
    /** Returns since when the disk is full, in milliseconds since 1970; undefined when no upload shows it. */
    since: (): number | undefined => isFull(now()) ? since : undefined,
  };
}
