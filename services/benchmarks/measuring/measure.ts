import { type Block, planBlocks, type Slot } from "./blocks.ts";
import type { ArmRole, ArmWork, Claim } from "../case.ts";
import type { Measuring } from "./profiles.ts";
import type { Random } from "./random.ts";

export interface Measured {
  /** Units per second of each block. */
  throughputs: Record<ArmRole, number[]>;
  /** ln(candidate ÷ baseline) of each block: the samples. */
  logRatios: number[];
  /** ln(second run ÷ first run) of one and the same arm in each block: what no difference looks like here. */
  nullLogRatios: number[];
  /** All the work that was done, warm-up included. */
  claims: Record<ArmRole, Claim>;
}

/** The work of one slot: its repeats together. */
export interface SlotWork {
  units: number;
  ms: number;
}

export type AroundSlot = (role: ArmRole, slot: () => Promise<SlotWork>) => Promise<SlotWork>;

export interface MeasureOptions {
  random: Random;
  measuring: Measuring;
  signal: AbortSignal;
  now: () => number;
  run(role: ArmRole): Promise<ArmWork>;
  /** Wraps each slot, off the clock, e.g. to read WAL positions. */
  aroundSlot?: AroundSlot;
  onBlock?(done: number): void;
}

const warmUpRuns = 2;

/** Warms both arms up, then measures them in interleaved blocks. Knows no database: a clock and two functions. */
export async function measure(options: MeasureOptions): Promise<Measured> {
  const { measuring, random, signal, now, run, aroundSlot = (_, slot) => slot() } = options;
  const claims = { baseline: { units: 0, runs: 0 }, candidate: { units: 0, runs: 0 } };

  async function timed(role: ArmRole): Promise<SlotWork> {
    signal.throwIfAborted();
    const started = now();
    const { units, elapsedMs } = await run(role);
    const ms = elapsedMs ?? now() - started;
    claims[role].units += units;
    claims[role].runs++;
    return { units, ms };
  }

  async function warmUp(role: ArmRole, runs: number): Promise<number> {
    const times: number[] = [];
    const started = now();
    while (times.length < runs || now() - started < measuring.warmUpMs) {
      times.push((await timed(role)).ms);
    }
    return Math.min(...times);
  }

  const quickest = {
    baseline: await warmUp("baseline", warmUpRuns),
    candidate: await warmUp("candidate", warmUpRuns),
  };
  // Both arms repeat equally often, so that what they write grows alike; a slot lasts slotMs on average.
  const mean = (quickest.baseline + quickest.candidate) / 2;
  const repeats = Math.max(1, Math.round(measuring.slotMs / Math.max(mean, 0.001)));
  await evenOut(claims, timed);

  async function slot(role: ArmRole): Promise<SlotWork> {
    const total = { units: 0, ms: 0 };
    for (let repeat = 0; repeat < repeats; repeat++) {
      const { units, ms } = await timed(role);
      total.units += units;
      total.ms += ms;
    }
    return total;
  }

  const measured: Measured = {
    throughputs: { baseline: [], candidate: [] },
    logRatios: [],
    nullLogRatios: [],
    claims,
  };
  for (const block of planBlocks(random, measuring.blocks)) {
    const got = await runBlock(block, (role) => aroundSlot(role, () => slot(role)));
    measured.throughputs.baseline.push(got.baseline);
    measured.throughputs.candidate.push(got.candidate);
    measured.logRatios.push(Math.log(got.candidate / got.baseline));
    measured.nullLogRatios.push(Math.log(got.null / got[block.nullOf]));
    options.onBlock?.(measured.logRatios.length);
  }
  return measured;
}

/** The quicker arm ran more often in its warm-up; the other catches up, so that both start from equal tables. */
async function evenOut(
  claims: Record<ArmRole, Claim>,
  run: (role: ArmRole) => Promise<unknown>,
): Promise<void> {
  const goal = Math.max(claims.baseline.runs, claims.candidate.runs);
  for (const role of ["baseline", "candidate"] as const) {
    while (claims[role].runs < goal) await run(role);
  }
}

async function runBlock(
  { order, nullOf }: Block,
  slot: (role: ArmRole) => Promise<SlotWork>,
): Promise<Record<Slot, number>> {
  const got: Record<Slot, number> = { baseline: NaN, candidate: NaN, null: NaN };
  for (const name of order) {
    const { units, ms } = await slot(name === "null" ? nullOf : name);
    got[name] = units / ms * 1_000;
  }
  return got;
}
