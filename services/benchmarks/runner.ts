import { createSlotMeter } from "./measuring/slot_meter.ts";
import type { ArmRole, BenchmarkCase, BenchmarkContext } from "./case.ts";
import { measure, type Measured } from "./measuring/measure.ts";
import type { Measuring } from "./measuring/profiles.ts";
import type { StoredResult } from "./run.ts";
import { estimate, improvementOf, median, verdictOf } from "./statistics.ts";

/** What one case found, or why it found nothing. `problem` is set when an arm did not do what it claims. */
export interface CaseOutcome {
  result: StoredResult;
  problem: string | null;
}

interface RunCaseOptions {
  ctx: BenchmarkContext;
  measuring: Measuring;
  target: number;
  onBlock?(done: number): void;
}

/** Runs one case from setup to verdict. Throws what setup, an arm or an abort throws. */
export async function runCase(
  bench: BenchmarkCase,
  { ctx, measuring, target, onBlock }: RunCaseOptions,
): Promise<CaseOutcome> {
  ctx.signal.throwIfAborted();
  const state = await bench.setup(ctx);
  const meter = createSlotMeter(bench, ctx);
  const measured = await measure({
    random: ctx.random,
    measuring,
    signal: ctx.signal,
    now: ctx.now,
    run: (role) => bench.arms[role].run(ctx, state),
    aroundSlot: meter.around,
    onBlock,
  });
  ctx.signal.throwIfAborted();
  const { problem, notes } = await bench.verify(ctx, state, measured.claims);
  const why = [...await meter.notes(measured.claims), ...notes];
  await bench.teardown?.(ctx, state);
  if (problem) {
    return { result: failedResult(bench, target, `Verification failed: ${problem}.`), problem };
  }
  return { result: judged(bench, target, measured, ctx, why), problem: null };
}

/** The result of a case that has no figures to show; `why` says what happened. */
export function failedResult(bench: BenchmarkCase, target: number, why: string): StoredResult {
  return {
    case: bench.id,
    category: bench.category,
    baseline: null,
    candidate: null,
    unit: bench.unit,
    ratio: null,
    improvement: null,
    ci_low: null,
    ci_high: null,
    target,
    verdict: "fail",
    samples: 0,
    null_ci_low: null,
    null_ci_high: null,
    why,
    log_ratios: [],
    null_log_ratios: [],
  };
}

function judged(
  bench: BenchmarkCase,
  target: number,
  { throughputs, logRatios, nullLogRatios }: Measured,
  { random }: BenchmarkContext,
  notes: string[],
): StoredResult {
  const measured = estimate([logRatios], random);
  const aaNull = estimate([nullLogRatios], random);
  const middle = (role: ArmRole) => median(throughputs[role]);
  const arms = `${bench.arms.candidate.name} against ${bench.arms.baseline.name}`;
  return {
    case: bench.id,
    category: bench.category,
    baseline: middle("baseline"),
    candidate: middle("candidate"),
    unit: bench.unit,
    ratio: measured && Math.exp(measured.value),
    improvement: measured && improvementOf(measured.value),
    ci_low: measured && improvementOf(measured.low),
    ci_high: measured && improvementOf(measured.high),
    target,
    verdict: verdictOf(measured, target, aaNull),
    samples: logRatios.length,
    null_ci_low: aaNull && improvementOf(aaNull.low),
    null_ci_high: aaNull && improvementOf(aaNull.high),
    why: [arms, ...notes].map((note) => `${note}.`).join(" "),
    log_ratios: logRatios,
    null_log_ratios: nullLogRatios,
  };
}
