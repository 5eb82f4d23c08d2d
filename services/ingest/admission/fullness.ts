import type { Clock } from "../../../lib/clock.ts";

/** While some uploads find room in half-filled pages, others still fail: this long after a failure it is full. */
const settleMs = 5_000;
/** Without another word the finding is forgotten: somebody may have made room while nobody was sending. */
const forgetMs = 5 * 60_000;

/** Remembers, from what became of uploads, whether the database's disk is full. */
export function createFullness({ clock }: { clock: Clock }) {
  let since: number | undefined;
  let failedAt = -Infinity;
  let storedAt = -Infinity;
  const now = () => clock.now().getTime();

  function isFull(at: number): boolean {
    // A clock that went back ages what it saw before, too.
    const age = Math.abs(at - failedAt);
    return age < settleMs || (storedAt < failedAt && age < forgetMs);
  }

  return {
    /** An upload was refused for want of disk space. */
    refused(): void {
      const at = now();
      if (!isFull(at)) since = at;
      failedAt = at;
    },
    /** An upload was committed. */
    stored(): void {
      storedAt = now();
    },
    /** Since when the disk is full, in milliseconds since 1970; undefined when it is not, as far as uploads tell. */
    since: (): number | undefined => isFull(now()) ? since : undefined,
  };
}
