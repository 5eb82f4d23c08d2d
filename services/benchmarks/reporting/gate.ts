import { createRandom } from "../measuring/random.ts";
import type { StoredResult } from "../run.ts";
import { compareWithin, estimate, type Interval } from "../statistics.ts";

/** The stored samples of a case, with which later runs are compared. */
export interface GateBaseline {
  case: string;
  log_ratios: number[];
}

/** One case compared with its stored baseline. */
export interface GateFinding {
  case: string;
  /** Change of the case's ratio (candidate ÷ baseline arm) since the stored baseline: −0.2 is a fifth slower. */
  change: number;
  low: number;
  high: number;
  judgement: "slower" | "unproven" | "fine";
  /** Set when the case has no stored baseline or did not finish. */
  problem?: string;
}

export interface GateOptions {
  /** Smaller changes are not a regression; 0.05 is 5 %. */
  tolerance: number;
  /** Error probability over all cases together (Holm). */
  alpha?: number;
  seed?: number;
}

/**
 * Compares results with a stored baseline. Both arms of a case run interleaved, so a busier machine slows both and does not
 * change their ratio; the ratios are compared. A case is "slower" when the whole interval of the change is beyond the
 * tolerance. Holm's method divides the error among the cases. Pure.
 */
export function holdAgainst(
  stored: readonly GateBaseline[],
  results: readonly StoredResult[],
  { tolerance, alpha = 0.05, seed = 1 }: GateOptions,
): GateFinding[] {
  const pairs = results.map((result) => ({
    result,
    before: stored.find((one) => one.case === result.case),
  }));
  const comparable = pairs.filter(({ result, before }) => before && result.log_ratios.length >= 4);
  const bound = -Math.log1p(-tolerance);
  const clearest = comparable.map(({ result, before }) => {
    const { value, high } = changeOf(before!.log_ratios, result.log_ratios, alpha, seed);
    // Distance beyond the tolerance, in units of its own uncertainty.
    return { id: result.case, clarity: (-bound - value) / Math.max(high - value, 1e-9) };
  }).sort((a, b) => b.clarity - a.clarity);
  const findings = new Map<string, GateFinding>();
  let stillProven = true;
  for (const [rank, { id }] of clearest.entries()) {
    const { result, before } = comparable.find((pair) => pair.result.case === id)!;
    // Holm: the clearest case is tested with the smallest share of the error; the first that fails ends the test.
    const share = alpha / (clearest.length - rank);
    const change = changeOf(before!.log_ratios, result.log_ratios, share, seed);
    const slower = compareWithin(change, bound) === "slower";
    if (!slower) stillProven = false;
    findings.set(id, {
      case: id,
      change: Math.expm1(change.value),
      low: Math.expm1(change.low),
      high: Math.expm1(change.high),
      judgement: slower && stillProven ? "slower" : change.low >= -bound ? "fine" : "unproven",
    });
  }
  return pairs.map(({ result, before }) =>
    findings.get(result.case) ?? {
      case: result.case,
      change: NaN,
      low: NaN,
      high: NaN,
      judgement: "unproven",
      problem: before ? `did not finish: ${result.why}` : "has no stored baseline",
    }
  );
}

/** Estimates the change between two sets of samples: the difference of their centres, with independent errors. */
function changeOf(
  before: readonly number[],
  after: readonly number[],
  alpha: number,
  seed: number,
): Interval & { value: number } {
  const random = createRandom(seed);
  const [then, now] = [estimate([before], random, alpha), estimate([after], random, alpha)];
  if (!then || !now) return { value: NaN, low: -Infinity, high: Infinity };
  const value = now.value - then.value;
  return {
    value,
    low: value - Math.hypot(now.value - now.low, then.high - then.value),
    high: value + Math.hypot(now.high - now.value, then.value - then.low),
  };
}
