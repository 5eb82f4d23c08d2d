import { commitCanary } from "../../../db/benchmarks/server.ts";
import type { Sql } from "../../../db/connection.ts";
import type { ArmRole, BenchmarkCase, BenchmarkContext } from "../case.ts";
import { scales, targetUnitOf } from "../categories.ts";
import { type ArmEvidence, type Evidence, sentencesOf } from "../reporting/evidence.ts";
import { measure, type Measured } from "../measuring/measure.ts";
import { createObserver } from "../measuring/observer.ts";
import type { Measuring } from "../measuring/profiles.ts";
import { createRandom } from "../measuring/random.ts";
import { planLooks } from "../measuring/sequential.ts";
import type { StoredResult } from "../run.ts";
import { type Estimate, estimate, improvementOf, median, verdictOf } from "../statistics.ts";

/** What one case found, or why it found nothing. `problem` is set when an arm did not do what it claims. */
export interface CaseOutcome {
  result: StoredResult;
  problem: string | null;
}

interface RunCaseOptions {
  ctx: BenchmarkContext;
  /** A connection beside those of the work, to watch it. */
  watching: Sql;
  measuring: Measuring;
  target: number;
  onBlock?(done: number): void;
}

const canaryTable = "canary";
/** About two milliseconds of arithmetic. */
const spins = 400_000;

/** Runs one case from setup to verdict. Throws what setup, an arm or an abort throws. */
export async function runCase(
  bench: BenchmarkCase,
  { ctx, watching, measuring, target, onBlock }: RunCaseOptions,
): Promise<CaseOutcome> {
  ctx.signal.throwIfAborted();
  const canaryPath = ctx.table(canaryTable);
  await ctx.sql.unsafe(`create table if not exists ${canaryPath} (at timestamptz not null)`);
  const state = await bench.setup(ctx);
  const observer = createObserver(bench, ctx, watching);
  // A case that only informs is not worth more than one look, nor long slots.
  const looks = planLooks(bench.counts ? measuring.looks : measuring.looks.slice(0, 1));
  const slotMs = bench.counts ? measuring.slotMs : measuring.slotMs / 2;
  const { limitMs = Infinity } = measuring;
  const began = ctx.now();
  let judgement: Judgement | undefined;
  const measured = await measure({
    random: ctx.random,
    measuring: { ...measuring, slotMs, looks: looks.map(({ blocks }) => blocks) },
    signal: ctx.signal,
    now: ctx.now,
    run: (role) => bench.arms[role].run(ctx, state),
    aroundSlot: observer.around,
    canary: async () => spin(ctx.now) + await commitCanary(watching, canaryPath, ctx.now),
    goOn(sofar, look) {
      judgement = judge(bench, target, sofar, looks[look]!.alpha, ctx.seed);
      // Stopping between looks, whatever the reason, spends no more error than they were given.
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
  for (let turn = 0; turn < spins; turn++) sum = (sum + Math.imul(turn, turn)) | 0;
  // The sum decides nothing, but an engine that saw it unused could leave the loop out.
  return now() - started + (sum === 0.5 ? 1 : 0);
}

interface Judgement {
  alpha: number;
  estimate: Estimate | null;
  aaNull: Estimate | null;
  samples: number[];
  verdict: StoredResult["verdict"];
}

/** Judges what was measured so far; the same samples, seed and alpha give the same verdict. */
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
