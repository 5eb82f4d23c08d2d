import { sqlState } from "../../../db/sql_state.ts";
import type { Sql } from "../../../db/connection.ts";
import { codeOf } from "../../../db/errors.ts";
import type { ArmRole } from "../../benchmarks/case.ts";
import { blocksPerCycle } from "../../benchmarks/measuring/blocks.ts";
import { measure, type Measured } from "../../benchmarks/measuring/measure.ts";
import type { Measuring } from "../../benchmarks/measuring/profiles.ts";
import { createRandom } from "../../benchmarks/measuring/random.ts";
import { planAnalyses } from "../../benchmarks/measuring/sequential.ts";
import { type Estimate, estimate, type Interval, median } from "../../benchmarks/statistics.ts";
import { band, biasOf } from "./judge.ts";

/** A session on each of the copies. */
export type Sessions = Readonly<Record<ArmRole, Sql>>;

/** Returns whether a statement was cancelled by its timeout. */
export const tookTooLong = (error: unknown): boolean => codeOf(error) === sqlState.queryCanceled;

export interface Compared {
  estimate: Estimate | null;
  /** Whether there are enough blocks for the interval to be valid. */
  sufficient: boolean;
  measured: Measured;
  /** Median milliseconds of one unit. */
  median_ms: Record<ArmRole, number>;
}

/** A workload whose run takes longer is judged once, on as few blocks as suffice; milliseconds. */
const slowRunMs = 400;
const fewestBlocks = 8;
/** While there are too few blocks for a proof, the time limit is this many times as long. */
const insufficientFactor = 6;

/**
 * Returns whether an interval of this many blocks can have an error of at most `alpha`. All blocks lie on one side of the
 * true median with probability 2 · 2^-n, whatever their distribution, and no bootstrap reaches beyond its samples.
 */
export const areEnough = (blocks: number, alpha: number): boolean => 2 * 0.5 ** blocks <= alpha;

/** Returns the fewest blocks, in full cycles, that are enough for `alpha`. */
export function fewestFor(alpha: number): number {
  let blocks = fewestBlocks;
  while (!areEnough(blocks, alpha)) blocks += blocksPerCycle;
  return blocks;
}

/**
 * Returns whether a comparison may go on after `elapsedMs`. A busy machine may use the limit up before there are enough
 * blocks to prove anything; the limit is then longer.
 */
export const hasTime = (
  elapsedMs: number,
  { limitMs, sufficient }: { limitMs: number; sufficient: boolean },
): boolean => elapsedMs < limitMs * (sufficient ? 1 : insufficientFactor);

/**
 * Measures the same work on both copies in interleaved blocks, until the interval decides or the interim analyses are used
 * up. `alpha` is the error of the interval over all analyses. Slow work gets the fewest blocks.
 */
export async function compareArms(
  run: (role: ArmRole) => Promise<{ units: number; elapsedMs: number }>,
  { measuring, seed, alpha, before, expectedMs, signal, onBlock }: {
    measuring: Measuring;
    seed: number;
    alpha: number;
    /** Interval of the copies before the change; null while it is being measured. */
    before: Interval | null;
    /** Milliseconds of one run on the slower copy. */
    expectedMs: number;
    signal: AbortSignal;
    onBlock?: () => void;
  },
): Promise<Compared> {
  const random = createRandom(seed);
  const slow = expectedMs > slowRunMs;
  const analyses = planAnalyses(slow ? [fewestFor(alpha)] : measuring.analyses);
  const began = performance.now();
  const alphaOf = (at: number) => (analyses[at]?.alpha ?? 0.05) * alpha / 0.05;
  let found: Estimate | null = null;
  let sufficient = false;
  const measured = await measure({
    random,
    measuring: {
      ...measuring,
      analyses: analyses.map(({ blocks }) => blocks),
      warmUpMs: slow ? 0 : measuring.warmUpMs,
    },
    signal,
    now: () => performance.now(),
    run,
    goOn({ logRatios }, at) {
      found = estimate([logRatios], createRandom(seed), alphaOf(at));
      sufficient = areEnough(logRatios.length, alphaOf(at));
      const bias = biasOf(before);
      const decided = found !== null && sufficient &&
        (found.low - bias > band || found.high + bias < -band ||
          Math.max(-found.low, found.high) + bias <= band);
      const { limitMs = Infinity } = measuring;
      return !decided && hasTime(performance.now() - began, { limitMs, sufficient });
    },
    onBlock,
  });
  const middle = (role: ArmRole) => 1_000 / median(measured.throughputs[role]);
  return {
    estimate: found,
    sufficient,
    measured,
    median_ms: { baseline: middle("baseline"), candidate: middle("candidate") },
  };
}
