import { isDeepStrictEqual } from "node:util";
import type { Alert } from "../alert.ts";

/** What an alert says besides its value. */
type Facts = Pick<Alert, "evidence" | "cure">;

/** Returns the facts of `after`, as the same objects as in `before` where they are equal. Pure. */
export const keepEqual = (before: Facts, after: Facts): Facts => ({
  evidence: isDeepStrictEqual(before.evidence, after.evidence) ? before.evidence : after.evidence,
  cure: isDeepStrictEqual(before.cure, after.cure) ? before.cure : after.cure,
});

const writeEveryMs = 60_000;

/** Creates what finds the open alerts whose facts must be saved: those whose facts changed, each at most once a minute. */
export function createFactChanges() {
  const kept = new Map<string, Facts & { at: number }>();

  return {
    /** Returns those of `open` that are new, or whose facts are other objects than when they were last returned. */
    take(open: readonly Alert[], now: number): Alert[] {
      const ids = new Set(open.map(({ id }) => id));
      for (const id of kept.keys()) if (!ids.has(id)) kept.delete(id);
      return open.filter(({ id, evidence, cure }) => {
        const last = kept.get(id);
        const same = last?.evidence === evidence && last.cure === cure;
        // A clock that was set back counts as time that has passed.
        if (last && (same || Math.abs(now - last.at) < writeEveryMs)) return false;
        kept.set(id, { evidence, cure, at: last ? now : -Infinity });
        return true;
      });
    },
  };
}
