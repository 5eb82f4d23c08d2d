import { commitCanary, createCanary } from "../../../db/benchmarks/server.ts";
import type { Sql } from "../../../db/connection.ts";
import type { ArmRole, BenchmarkCase, BenchmarkContext } from "../case.ts";
import { scales, targetUnitOf } from "../categories.ts";
import { type ArmEvidence, type Evidence, sentencesOf } from "../reporting/evidence.ts";
import { measure, type Measured } from "../measuring/measure.ts";
import { createObserver } from "../measuring/observer.ts";
import type { Measuring } from "../measuring/profiles.ts";
import { createRandom } from "../measuring/random.ts";
import { planAnalyses } from "../measuring/sequential.ts";
import type { StoredResult } from "../run.ts";
import { type Estimate, estimate, improvementOf, median, verdictOf } from "../statistics.ts";

/** The result of one case. `problem` is set when an arm did not do the work it claims. */
export interface CaseOutcome {
  result: StoredResult;
  problem: string | null;
}

interface RunCaseOptions {
  ctx: BenchmarkContext;
  /** A connection apart from those of the work, to observe it. */
  watching: Sql;
  measuring: Measuring;
  target: number;
  onBlock?(done: number): void;
}

const canaryTable = "canary";
/** About two milliseconds of arithmetic. */
const spins = 400_000;

/** Runs one case from setup to verdict. Throws the error of setup, of an arm, or of an abort. */
export async function runCase(
  bench: BenchmarkCase,
  { ctx, watching, measuring, target, onBlock }: RunCaseOptions,
): Promise<CaseOutcome> {
  ctx.signal.throwIfAborted();
  const canaryPath = ctx.table(canaryTable);
  await createCanary(ctx.sql, canaryPath);
  const state = await bench.setup(ctx);
  const observer = createObserver(bench, ctx, watching);
  // A case that only informs gets one analysis and short slots.
  const analyses = planAnalyses(bench.counts ? measuring.analyses : measuring.analyses.slice(0, 1));
  const slotMs = bench.counts ? measuring.slotMs : measuring.slotMs / 2;
  const { limitMs = Infinity } = measuring;
  const began = ctx.now();
  let judgement: Judgement | undefined;
  const measured = await measure({
    random: ctx.random,
    measuring: { ...measuring, slotMs, analyses: analyses.map(({ blocks }) => blocks) },
    signal: ctx.signal,
    now: ctx.now,
    run: (role) => bench.arms[role].run(ctx, state),
    aroundSlot: observer.around,
    canary: async () => spin(ctx.now) + await commitCanary(watching, canaryPath, ctx.now),
    goOn(sofar, analysis) {
      judgement = judge(bench, target, sofar, analyses[analysis]!.alpha, ctx.seed);
      // To stop early, for whatever reason, spends no more error than the analyses were given.
      return judgement.verdict === "inconclusive" && ctx.now() - began < limitMs;
    },
    onBlock,
  });
  ctx.signal.throwIfAborted();
  const { problem, notes } = await bench.verify(ctx, state, measured.claims);
  const arms = await observer.evidence(measured.claims, state);
  await bench.teardown?.(ctx, state);
  if (problem || !judgement) {
    const why = `Verification failed: ${problem ?? "nothing was measured"}.`;
    return { result: failedResult(bench, target, why), problem: problem ?? "nothing was measured" };
  }
  return { result: resultOf(bench, target, measured, judgement, arms, notes), problem: null };
}

function spin(now: () => number): number {
  const started = now();
  let sum = 0;
  for (let at = 0; at < spins; at++) sum = (sum + Math.imul(at, at)) | 0;
  // The sum is used, so that the engine does not remove the loop.
  return now() - started + (sum === 0.5 ? 1 : 0);
}

interface Judgement {
  alpha: number;
  estimate: Estimate | null;
  aaNull: Estimate | null;
  samples: number[];
  verdict: StoredResult["verdict"];
}

/** Returns the verdict on the samples so far. The same samples, seed and alpha give the same verdict. */
export function judge(
  bench: Pick<BenchmarkCase, "category">,
  target: number,
  { logRatios, nullLogRatios, throughputs }: Measured,
  alpha: number,
  seed: number,
): Judgement {
  const unit = targetUnitOf(bench.category);
  const samples = unit === "ratio" ? logRatios : throughputs.candidate.map(Math.log);
  const measured = estimate([samples], createRandom(seed), alpha);
  const aaNull = estimate([nullLogRatios], createRandom(seed), alpha);
  const verdict = verdictOf(measured, scales[unit].toLog(target), aaNull);
  return { alpha, estimate: measured, aaNull, samples, verdict };
}

/** Returns the result of a case without figures; `why` says what happened. */
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
    target_unit: targetUnitOf(bench.category),
    verdict: "fail",
    samples: 0,
    null_ci_low: null,
    null_ci_high: null,
    why,
    evidence: null,
    log_ratios: [],
    null_log_ratios: [],
  };
}

function resultOf(
  bench: BenchmarkCase,
  target: number,
  measured: Measured,
  { estimate: found, aaNull, samples, verdict, alpha }: Judgement,
  arms: Record<ArmRole, ArmEvidence>,
  notes: string[],
): StoredResult {
  const unit = targetUnitOf(bench.category);
  const shown = (log: number | undefined) => log === undefined ? null : scales[unit].fromLog(log);
  const middle = (role: ArmRole) => {
    const rate = median(measured.throughputs[role]);
    return bench.shows === "time" ? 1_000 / rate : rate;
  };
  const withLatency = (role: ArmRole): ArmEvidence => ({
    ...arms[role],
    latency_ms: measured.latencies[role].count > 0 ? measured.latencies[role].summary() : null,
  });
  const evidence: Evidence = {
    baseline: withLatency("baseline"),
    candidate: withLatency("candidate"),
    reruns: measured.reruns,
    disturbed: measured.disturbed,
    alpha,
  };
  const names = `${bench.arms.candidate.name} against ${bench.arms.baseline.name}`;
  return {
    case: bench.id,
    category: bench.category,
    baseline: middle("baseline"),
    candidate: middle("candidate"),
    unit: bench.unit,
    ratio: unit === "ratio" && found ? Math.exp(found.value) : Math.exp(median(measured.logRatios)),
    improvement: shown(found?.value),
    ci_low: shown(found?.low),
    ci_high: shown(found?.high),
    target,
    target_unit: unit,
    verdict,
    samples: samples.length,
    null_ci_low: aaNull && improvementOf(aaNull.low),
    null_ci_high: aaNull && improvementOf(aaNull.high),
    why: [names, ...sentencesOf(evidence, bench.unit), ...notes].map((note) => `${note}.`).join(
      " ",
    ),
    evidence,
    log_ratios: samples,
    null_log_ratios: measured.nullLogRatios,
  };
}
