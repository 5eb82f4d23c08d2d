import { compareWithin, type Estimate, type Interval } from "../../benchmarks/statistics.ts";
import type { StatementVerdict } from "../rehearsal.ts";

/** Differences within this are irrelevant in practice: 3 %, on the log scale. */
export const band = Math.log(1.03);
/** An interval within this shows that there is no relevant difference: 10 %, on the log scale. */
const equivalenceBand = Math.log(1.1);

/** Returns the largest difference of the copies before the change where it is proven, else 0; on the log scale. */
export function biasOf(before: Interval | null): number {
  return before && (before.low > 0 || before.high < 0)
    ? Math.max(Math.abs(before.low), Math.abs(before.high))
    : 0;
}

/** Returns an interval widened at both ends by the difference that the copies had before the change. */
export function charge({ low, high }: Interval, before: Interval | null): Interval {
  const bias = biasOf(before);
  return { low: low - bias, high: high + bias };
}

/** Why a change cannot have made a statement faster or slower: its plans are the same, and so is what this names. */
const sameness = {
  files: "The plan is the same and reads the same files",
  settings: "The plan is the same, and sorts and hashes use memory and disk in the same way",
};

/**
 * Judges one statement. `untouched`: its plans are the same and read the same files in both copies, or use memory and disk
 * in the same way under changed settings; the change is then not the cause of a difference in time. The difference of the
 * copies before the change widens the interval on both sides. Pure.
 */
export function judgeStatement(
  measured: Estimate | null,
  { before, untouched, sufficient }: {
    before: Interval | null;
    untouched: false | keyof typeof sameness;
    /** Whether there are enough blocks for the interval to be valid. */
    sufficient: boolean;
  },
): { verdict: StatementVerdict; why: string } {
  if (!measured) return { verdict: "not_measured", why: "It was not measured often enough" };
  const charged = charge(measured, before);
  const found = compareWithin(charged, band);
  const proven = found === "faster" || found === "slower";
  if (untouched) {
    return proven
      ? {
        verdict: "unclear",
        why: `${sameness[untouched]}: planning or the machine made the difference`,
      }
      : { verdict: "no_difference", why: sameness[untouched] };
  }
  if (proven && !sufficient) {
    return { verdict: "unclear", why: "There was no time for enough blocks to prove it" };
  }
  if (proven) {
    return {
      verdict: found === "faster" ? "improved" : "worse",
      why: biasOf(before) > 0
        ? "Proven, although the two copies differed before the change, which was charged"
        : "The whole interval lies on one side",
    };
  }
  return compareWithin(charged, equivalenceBand) === "equivalent"
    ? { verdict: "no_difference", why: "The whole interval lies within ±10 %" }
    : { verdict: "unclear", why: "The interval is too wide to tell" };
}
