import {
  type Category,
  judgedCategories,
  scales,
  targetOf,
  type TargetOverrides,
  type TargetUnit,
  targetUnitOf,
} from "../categories.ts";
import type { BenchmarkCase } from "../case.ts";
import { createRandom } from "../measuring/random.ts";
import type { BenchmarkRun, StoredResult } from "../run.ts";
import { type Estimate, estimate, geometricMean, type Verdict, verdictOf } from "../statistics.ts";

/** One category against its target, from the newest run that measured all of it. */
export interface CategoryReport {
  category: Category;
  /** Median throughput; the geometric mean of the cases where several count. */
  baseline: number | null;
  current: number | null;
  unit: string | null;
  improvement: number | null;
  ci_low: number | null;
  ci_high: number | null;
  target: number;
  /** The unit of `improvement`, its bounds and `target`. */
  target_unit: TargetUnit;
  verdict: Verdict;
  run_id: string | null;
  measured_at: string | null;
}

export interface PerformanceReport {
  /** When the newest of the figures was measured; null when nothing was. */
  measured_at: string | null;
  categories: CategoryReport[];
}

export interface ValidationReport {
  /** True only when every category passes. */
  passed: boolean;
  targets: Omit<CategoryReport, "baseline" | "current" | "unit">[];
}

/** Judges every category by `runs` (newest first). Pure: the same runs give the same report. */
export function reportOf(
  runs: readonly BenchmarkRun<StoredResult>[],
  cases: readonly BenchmarkCase[],
  targets: TargetOverrides,
): PerformanceReport {
  const reports = judgedCategories.map((category) => {
    const ids = cases.filter((bench) => bench.category === category && bench.counts)
      .map(({ id }) => id);
    return judgeCategory(category, ids, runs, targetOf(category, targets));
  });
  const times = reports.map(({ measured_at }) => measured_at).filter((time) => time !== null);
  return { measured_at: times.sort().at(-1) ?? null, categories: reports };
}

export function validationOf({ categories: reports }: PerformanceReport): ValidationReport {
  return {
    passed: reports.every(({ verdict }) => verdict === "pass"),
    targets: reports.map(({ baseline: _, current: __, unit: ___, ...target }) => target),
  };
}

function judgeCategory(
  category: Category,
  ids: readonly string[],
  runs: readonly BenchmarkRun<StoredResult>[],
  target: number,
): CategoryReport {
  const empty = {
    category,
    baseline: null,
    current: null,
    unit: null,
    improvement: null,
    ci_low: null,
    ci_high: null,
    target,
    target_unit: targetUnitOf(category),
    verdict: "not_measured" as const,
    run_id: null,
    measured_at: null,
  };
  const scale = scales[targetUnitOf(category)];
  for (const run of runs) {
    if (run.status !== "completed" && run.status !== "failed") continue;
    const results = run.results.filter((result) => ids.includes(result.case));
    // A run of only some cases would allow choosing the favourable ones.
    if (ids.length === 0 || results.length < ids.length) continue;
    const source = { run_id: run.id, measured_at: run.finished_at ?? run.started_at };
    const measured = estimateOf(results, run.seed, "log_ratios");
    if (!measured) return { ...empty, ...source, verdict: "fail" };
    const aaNull = estimateOf(results, run.seed, "null_log_ratios");
    const units = new Set(results.map(({ unit }) => unit));
    return {
      ...empty,
      ...source,
      baseline: geometricMean(results.map((result) => result.baseline ?? NaN)),
      current: geometricMean(results.map((result) => result.candidate ?? NaN)),
      unit: units.size === 1 ? [...units][0]! : "mixed",
      improvement: scale.fromLog(measured.value),
      ci_low: scale.fromLog(measured.low),
      ci_high: scale.fromLog(measured.high),
      verdict: verdictOf(measured, scale.toLog(target), aaNull),
    };
  }
  return empty;
}

/** Estimates the geometric mean of the cases' ratios: on the log scale, the mean over strata. */
function estimateOf(
  results: readonly StoredResult[],
  seed: number,
  samples: "log_ratios" | "null_log_ratios",
): Estimate | null {
  // A case that stopped early has spent only part of the error; the category uses the smallest alpha of its cases.
  const alpha = Math.min(...results.map(({ evidence }) => evidence?.alpha ?? 0.05));
  return estimate(results.map((result) => result[samples]), createRandom(seed), alpha);
}
