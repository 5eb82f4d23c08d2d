import type { Random } from "./measuring/random.ts";

/**
 * Everything here works on natural logarithms of ratios: 2× and ½× are then equally far from "no change".
 *
 * An **improvement** is, everywhere in Holdfast, candidate throughput ÷ baseline throughput − 1: a ratio, 0 for no
 * change, 0.30 for 30 % more work in the same time, 1.0 for twice as much. (Half the time is an improvement of 1.0,
 * not of 0.5.)
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

const resamples = 2_000;
const z975 = 1.959963984540054;

/** The middle of numbers, or the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return NaN;
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** The mean of the logarithms, taken back: the only mean under which 2× and ½× make 1×. */
export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** The averages of all pairs of values, each value with itself included, in rising order, with who made them. */
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
 * The weighted median of the averages when value k occurs `counts[k]` times. A resample only changes the counts,
 * so its estimate needs one walk over averages sorted once, not a sort of its own.
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

/** The Hodges–Lehmann estimate of the centre: the median of the averages of all pairs. */
export function hodgesLehmann(values: readonly number[]): number {
  return weightedMedian(walshAverages(values), new Uint16Array(values.length).fill(1));
}

/** P(Z ≤ z) of the standard normal distribution, within 1e-7 (Abramowitz and Stegun 26.2.17). */
export function normalCdf(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const tail = Math.exp(-z * z / 2) / Math.sqrt(2 * Math.PI) * t *
    (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return z > 0 ? 1 - tail : tail;
}

/** The 97.5 % point of Student's t, within 0.2 % from 5 degrees of freedom on (Abramowitz and Stegun 26.7.5). */
export function studentT975(freedom: number): number {
  const z = z975;
  return z + (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3) +
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / (92160 * freedom ** 4);
}

/**
 * Estimates the mean over strata (one per case) of their Hodges–Lehmann centres, with a bootstrap 95 % interval.
 * Plain percentile intervals are too short for a dozen blocks; the percentiles are moved out by the amount
 * that makes them right for a normal mean ("expanded percentile interval": Hesterberg, What Teachers Should Know
 * About the Bootstrap, 2014, §4.3). Fewer than four samples in a stratum give no interval.
 */
export function estimate(strata: readonly (readonly number[])[], random: Random): Estimate | null {
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
  const tail = normalCdf(-Math.sqrt(smallest / (smallest - 1)) * studentT975(freedom));
  const rank = Math.max(0, Math.floor(tail * resamples) - 1);
  return { value: centre, low: draws[rank]!, high: draws[resamples - 1 - rank]! };
}

/**
 * Judges an estimate against a target improvement. The whole interval must lie on one side of the target. A null
 * whose interval leaves zero out has proven that the harness favours a slot; that bias, at its largest, is then
 * charged to both ends before judging.
 */
export function verdictOf(
  measured: Interval | null,
  target: number,
  aaNull: Interval | null,
): Verdict {
  if (!measured) return "not_measured";
  const bias = aaNull && (aaNull.low > 0 || aaNull.high < 0)
    ? Math.max(Math.abs(aaNull.low), Math.abs(aaNull.high))
    : 0;
  const goal = Math.log1p(target);
  if (measured.low - bias >= goal) return "pass";
  return measured.high + bias < goal ? "fail" : "inconclusive";
}

/** From a log ratio to an improvement. */
export const improvementOf = Math.expm1;
