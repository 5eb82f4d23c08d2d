import { createRandom } from "../measuring/random.ts";
import type { StoredResult } from "../run.ts";
import { compareWithin, estimate, type Interval } from "../statistics.ts";

/** What the gate remembers of a case: its samples, so that later runs can be held against them with an interval. */
export interface GateBaseline {
  case: string;
  log_ratios: number[];
}

/** One case, now against the stored baseline. */
export interface GateFinding {
  case: string;
  /** Change of the case's ratio (candidate ÷ baseline arm) since the stored baseline: −0.2 is a fifth slower. */
  change: number;
  low: number;
  high: number;
  judgement: "slower" | "unproven" | "fine";
  /** The case has no stored baseline, or did not finish. */
  problem?: string;
}

export interface GateOptions {
  /** Changes smaller than this are no regression: 0.05 is 5 %. */
  tolerance: number;
  /** Error over all cases together (Holm). */
  alpha?: number;
  seed?: number;
}

/**
 * Holds results against a stored baseline. Both arms of a case run interleaved, so a busier machine slows both and
 * leaves their ratio: what is compared is that ratio, then and now. A case is "slower" when the whole interval of the
 * change lies beyond the tolerance. Over several cases the error is shared out by Holm's method. Pure.
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
    // How far beyond the tolerance, in widths of its own uncertainty.
    return { id: result.case, clarity: (-bound - value) / Math.max(high - value, 1e-9) };
  }).sort((a, b) => b.clarity - a.clarity);
  const findings = new Map<string, GateFinding>();
  let stillProven = true;
  for (const [rank, { id }] of clearest.entries()) {
    const { result, before } = comparable.find((pair) => pair.result.case === id)!;
    // Holm: the clearest case must hold out against the smallest share, and the first that does not ends it.
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

/** The change between two sets of samples: the difference of their centres, whose errors add like independent ones. */
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
