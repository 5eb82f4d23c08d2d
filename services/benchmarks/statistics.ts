import type { Random } from "./measuring/random.ts";

/**
 * All functions work on natural logarithms of ratios, so that 2× and ½× are equally far from "no change".
 *
 * An **improvement** is candidate throughput ÷ baseline throughput − 1: 0 for no change, 0.30 for 30 % more work in the
 * same time, 1.0 for twice as much. (Half the time is an improvement of 1.0, not of 0.5.)
 */
export interface Interval {
  low: number;
  high: number;
}

export type Verdict = "pass" | "fail" | "inconclusive" | "not_measured";

/** An estimate on the log scale with its 95 % interval. */
export interface Estimate extends Interval {
  value: number;
}

const resamples = 4_000;

/** Returns the median of numbers. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Returns the geometric mean, the only mean under which 2× and ½× give 1×. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** The averages of all pairs of values, each value with itself included, ascending, with the indexes of their values. */
interface WalshAverages {
  values: Float64Array;
  first: Uint16Array;
  second: Uint16Array;
}

function walshAverages(values: readonly number[]): WalshAverages {
  const pairs: { average: number; i: number; j: number }[] = [];
  for (let i = 0; i < values.length; i++) {
    for (let j = i; j < values.length; j++) {
      pairs.push({ average: (values[i]! + values[j]!) / 2, i, j });
    }
  }
  pairs.sort((a, b) => a.average - b.average);
  return {
    values: Float64Array.from(pairs, ({ average }) => average),
    first: Uint16Array.from(pairs, ({ i }) => i),
    second: Uint16Array.from(pairs, ({ j }) => j),
  };
}

/**
 * Returns the weighted median of the averages when value k occurs `counts[k]` times. A resample changes only the counts, so
 * its estimate needs one pass over the sorted averages and no sort.
 */
function weightedMedian({ values, first, second }: WalshAverages, counts: Uint16Array): number {
  const size = counts.length;
  const half = size * (size + 1) / 4;
  let weight = 0;
  for (let at = 0; at < values.length; at++) {
    const i = counts[first[at]!]!;
    const j = counts[second[at]!]!;
    weight += first[at] === second[at] ? i * (i + 1) / 2 : i * j;
    if (weight > half) return values[at]!;
    if (weight === half) {
      let next = at + 1;
      while (next < values.length && counts[first[next]!]! * counts[second[next]!]! === 0) next++;
      return (values[at]! + (values[next] ?? values[at]!)) / 2;
    }
  }
  return NaN;
}

/** Returns the Hodges–Lehmann estimate of the centre: the median of the averages of all pairs. */
export function hodgesLehmann(values: readonly number[]): number {
  return weightedMedian(walshAverages(values), new Uint16Array(values.length).fill(1));
}

/** Returns P(Z ≤ z) of the standard normal distribution, within 1e-7 (Abramowitz and Stegun 26.2.17). */
export function normalCdf(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail = Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI) * t *
    (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z > 0 ? 1 - tail : tail;
}

/** Returns the `p` quantile of the standard normal distribution (Acklam, 2003; relative error 1.2e-9). */
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`There is no normal quantile of ${p}`);
  const edge = 0.02425;
  if (p > 1 - edge) return -normalQuantile(1 - p);
  if (p < edge) {
    const q = Math.sqrt(-2 * Math.log(p));
    return polynomial(q, tailTop) / polynomial(q, tailBottom);
  }
  const q = p - 0.5;
  return q * polynomial(q * q, middleTop) / polynomial(q * q, middleBottom);
}

const polynomial = (x: number, coefficients: readonly number[]) =>
  coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
const tailTop = [
  -7.784894002430293e-3,
  -0.3223964580411365,
  -2.400758277161838,
  -2.549732539343734,
  4.374664141464968,
  2.938163982698783,
];
const tailBottom = [
  7.784695709041462e-3,
  0.3224671290700398,
  2.445134137142996,
  3.754408661907416,
  1,
];
const middleTop = [
  -39.69683028665376,
  220.9460984245205,
  -275.9285104469687,
  138.3577518672690,
  -30.66479806614716,
  2.506628277459239,
];
const middleBottom = [
  -54.47609879822406,
  161.5858368580409,
  -155.6989798598866,
  66.80131188771972,
  -13.28068155288572,
  1,
];

/** Returns the `p` quantile of Student's t, within 1 % from 5 degrees of freedom up to 99.5 % (Abramowitz and Stegun 26.7.5). */
export function studentQuantile(p: number, freedom: number): number {
  const z = normalQuantile(p);
  return z + (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3) +
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / (92160 * freedom ** 4);
}

/**
 * Estimates the mean over strata (one per case) of their Hodges–Lehmann centres, with a bootstrap interval that misses
 * the truth with probability `alpha` (0.05: a 95 % interval).
 * Plain percentile intervals are too short for a dozen blocks; the percentiles are moved out by the amount
 * that makes them right for a normal mean ("expanded percentile interval": Hesterberg, What Teachers Should Know
 * About the Bootstrap, 2014, §4.3). Fewer than four samples in a stratum give no interval.
 */
export function estimate(
  strata: readonly (readonly number[])[],
  random: Random,
  alpha = 0.05,
): Estimate | null {
  const smallest = Math.min(...strata.map((values) => values.length));
  if (
    strata.length === 0 || smallest < 4 || strata.flat().some((value) => !Number.isFinite(value))
  ) {
    return null;
  }
  const prepared = strata.map((values) => ({
    averages: walshAverages(values),
    counts: new Uint16Array(values.length),
  }));
  const centre = strata.reduce((sum, values) => sum + hodgesLehmann(values), 0) / strata.length;
  const draws = Float64Array.from({ length: resamples }, () => {
    let sum = 0;
    for (const { averages, counts } of prepared) {
      counts.fill(0);
      for (let draw = 0; draw < counts.length; draw++) counts[random.int(counts.length)]!++;
      sum += weightedMedian(averages, counts);
    }
    return sum / prepared.length;
  }).sort();
  const freedom = strata.reduce((sum, values) => sum + values.length - 1, 0);
  const tail = normalCdf(
    -Math.sqrt(smallest / (smallest - 1)) * studentQuantile(1 - alpha / 2, freedom),
  );
  const rank = Math.max(0, Math.floor(tail * resamples) - 1);
  return { value: centre, low: draws[rank]!, high: draws[resamples - 1 - rank]! };
}

/**
 * Judges an estimate against a goal on the same (log) scale. The whole interval must lie on one side of the target. A null
 * whose interval leaves zero out has proven that the harness favours a slot; that bias, at its largest, is then
 * charged to both ends before judging.
 */
export function verdictOf(
  measured: Interval | null,
  goal: number,
  aaNull: Interval | null,
): Verdict {
  if (!measured) return "not_measured";
  const bias = aaNull && (aaNull.low > 0 || aaNull.high < 0)
    ? Math.max(Math.abs(aaNull.low), Math.abs(aaNull.high))
    : 0;
  if (measured.low - bias >= goal) return "pass";
  return measured.high + bias < goal ? "fail" : "inconclusive";
}

/** The place of an interval relative to a band of no practical difference, ± `bound` on the log scale. */
export type Comparison = "faster" | "slower" | "equivalent" | "unclear";

/** Returns "equivalent" only when the whole interval is inside the band, and "slower" only when all of it is below. */
export function compareWithin(interval: Interval, bound: number): Comparison {
  if (interval.low > bound) return "faster";
  if (interval.high < -bound) return "slower";
  return interval.low >= -bound && interval.high <= bound ? "equivalent" : "unclear";
}

/** Converts a log ratio to an improvement. */
export const improvementOf = Math.expm1;
