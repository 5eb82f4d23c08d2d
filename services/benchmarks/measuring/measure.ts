import type { ArmRole, ArmWork, Claim } from "../case.ts";
import { type Block, blocksPerCycle, planBlocks, type Slot } from "./blocks.ts";
import { createWatch } from "./canary.ts";
import { createLatencies, type Latencies } from "./histogram.ts";
import type { Measuring } from "./profiles.ts";
import type { Random } from "./random.ts";

export interface Measured {
  /** Units per second of each block. */
  throughputs: Record<ArmRole, number[]>;
  /** ln(candidate ÷ baseline) of each block: the samples. */
  logRatios: number[];
  /** ln(second run ÷ first run) of the same arm in each block: the A/A comparison. */
  nullLogRatios: number[];
  /** All work done, warm-up included. */
  claims: Record<ArmRole, Claim>;
  /** Latencies of single operations, where an arm reports them; without the warm-up. */
  latencies: Record<ArmRole, Latencies>;
  /** Blocks measured again because the machine was disturbed, and disturbed blocks that were kept. */
  reruns: number;
  disturbed: number;
}

/** The sum of the repeats of one slot. */
export interface SlotWork {
  units: number;
  ms: number;
  /** Units per second, or the mean of the levels that the arm found. */
  figure: number;
}

export type AroundSlot = (role: ArmRole, slot: () => Promise<SlotWork>) => Promise<SlotWork>;

export interface MeasureOptions {
  random: Random;
  measuring: Measuring;
  signal: AbortSignal;
  now: () => number;
  run(role: ArmRole): Promise<ArmWork>;
  /** Wraps each slot outside its timed part, for example to read WAL positions. */
  aroundSlot?: AroundSlot;
  /** Times a fixed piece of work unrelated to the case, in milliseconds, to detect a disturbed machine. */
  canary?(): Promise<number>;
  /** Called after each analysis (its index from 0); returns whether to measure more. Without it all blocks are measured. */
  goOn?(measured: Measured, analysis: number): boolean;
  onBlock?(done: number): void;
}

const warmUpRuns = 2;
/** Work that never awaits I/O would block aborts and progress events; milliseconds between pauses. */
const pauseEveryMs = 50;

function createPause(): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < pauseEveryMs) return;
    await new Promise((done) => setTimeout(done, 0));
    last = performance.now();
  };
}

/** Warms both arms up, then measures them in interleaved blocks. Uses a clock and two functions, no database. */
export async function measure(options: MeasureOptions): Promise<Measured> {
  const { measuring, random, signal, now, run, aroundSlot = (_, slot) => slot() } = options;
  const claims = { baseline: { units: 0, runs: 0 }, candidate: { units: 0, runs: 0 } };

  const pause = createPause();
  const latencies = { baseline: createLatencies(), candidate: createLatencies() };

  async function timed(role: ArmRole): Promise<Omit<ArmWork, "elapsedMs"> & { ms: number }> {
    await pause();
    signal.throwIfAborted();
    const started = now();
    const { elapsedMs, ...work } = await run(role);
    const ms = elapsedMs ?? now() - started;
    claims[role].units += work.units;
    claims[role].runs++;
    return { ...work, ms };
  }

  const quickest = { baseline: Infinity, candidate: Infinity };
  const warmingSince = now();
  // Alternately, so that both have done the same amount of work when the measurement begins.
  for (let runs = 0; runs < warmUpRuns || now() - warmingSince < 2 * measuring.warmUpMs; runs++) {
    for (const role of ["baseline", "candidate"] as const) {
      quickest[role] = Math.min(quickest[role], (await timed(role)).ms);
    }
  }
  // Both arms repeat equally often, so that their tables grow equally; a slot lasts slotMs on average.
  const mean = (quickest.baseline + quickest.candidate) / 2;
  const repeats = Math.max(1, Math.round(measuring.slotMs / Math.max(mean, 0.001)));

  async function slot(role: ArmRole): Promise<SlotWork> {
    const total = { units: 0, ms: 0 };
    let levels = 0;
    for (let repeat = 0; repeat < repeats; repeat++) {
      const work = await timed(role);
      total.units += work.units;
      total.ms += work.ms;
      levels += work.level ?? NaN;
      if (work.latencies) latencies[role].add(work.latencies);
    }
    const rate = total.units / total.ms * 1_000;
    return { ...total, figure: Number.isNaN(levels) ? rate : levels / repeats };
  }

  const measured: Measured = {
    throughputs: { baseline: [], candidate: [] },
    logRatios: [],
    nullLogRatios: [],
    claims,
    latencies,
    reruns: 0,
    disturbed: 0,
  };
  const watch = createWatch(options.canary);
  const wrapped = (role: ArmRole) => aroundSlot(role, () => slot(role));
  for (const [analysis, goal] of measuring.analyses.entries()) {
    // Whole cycles, so that at each analysis both arms have had every place equally often.
    const blocks = planBlocks(random, goal - measured.logRatios.length);
    const rerunsMax = Math.max(1, Math.round(blocks.length / blocksPerCycle));
    let reruns = 0;
    for (const block of blocks) {
      let got = await watch.around(() => runBlock(block, wrapped));
      while (got.disturbed && reruns < rerunsMax) {
        reruns++;
        measured.reruns++;
        got = await watch.around(() => runBlock(block, wrapped));
      }
      if (got.disturbed) measured.disturbed++;
      const { baseline, candidate } = got.result;
      measured.throughputs.baseline.push(baseline);
      measured.throughputs.candidate.push(candidate);
      measured.logRatios.push(Math.log(candidate / baseline));
      measured.nullLogRatios.push(Math.log(got.result.null / got.result[block.nullOf]));
      options.onBlock?.(measured.logRatios.length);
    }
    if (options.goOn && !options.goOn(measured, analysis)) break;
  }
  return measured;
}

async function runBlock(
  { order, nullOf }: Block,
  slot: (role: ArmRole) => Promise<SlotWork>,
): Promise<Record<Slot, number>> {
  const got: Record<Slot, number> = { baseline: NaN, candidate: NaN, null: NaN };
  for (const name of order) got[name] = (await slot(name === "null" ? nullOf : name)).figure;
  return got;
}
