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

/** Runs one statement in a transaction that is rolled back; answers how long the statement alone took, milliseconds. */
export async function runOnce(sql: Sql, text: string, kind: "read" | "write"): Promise<number> {
  await sql.unsafe(kind === "read" ? "begin read only" : "begin");
  try {
    const began = performance.now();
    await sql.unsafe(text);
    return performance.now() - began;
  } finally {
    await sql.unsafe("rollback");
  }
}

/** Whether a statement ended because it took longer than it may. */
export const tookTooLong = (error: unknown): boolean => codeOf(error) === "57014";

export interface Compared {
  estimate: Estimate | null;
  /** Whether there are enough blocks to bear the interval out. */
  sufficient: boolean;
  measured: Measured;
  /** Median milliseconds of one unit. */
  median_ms: Record<ArmRole, number>;
}

/** A work whose run takes this long is judged once, on as few blocks as suffice; milliseconds. */
const slowRunMs = 400;
const fewestBlocks = 8;

/**
 * Says whether so many blocks can bear out an interval that errs by `alpha` at most. All of them lie on one side of the
 * truth with probability 2 · 2^-n, whatever their distribution, and no bootstrap reaches beyond its samples.
 */
export const areEnough = (blocks: number, alpha: number): boolean => 2 * 0.5 ** blocks <= alpha;

/** The fewest whole cycles that are enough. */
export function fewestFor(alpha: number): number {
  let blocks = fewestBlocks;
  while (!areEnough(blocks, alpha)) blocks += blocksPerCycle;
  return blocks;
}

/**
 * Measures the same work on both copies in interleaved blocks, until the interval decides or the analyses are used up. `alpha`
 * is what the interval may err by in all. A work that is known to be slow gets the fewest blocks.
 */
export async function compareArms(
  run: (role: ArmRole) => Promise<{ units: number; elapsedMs: number }>,
  { measuring, seed, alpha, before, expectedMs, signal, onBlock }: {
    measuring: Measuring;
    seed: number;
    alpha: number;
    /** The interval of the copies against each other; null while that is what is measured. */
    before: Interval | null;
    /** What one run takes on the slower copy, milliseconds. */
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
      return !decided && performance.now() - began < (measuring.limitMs ?? Infinity);
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
