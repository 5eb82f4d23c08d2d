import type { Category, TargetUnit } from "./categories.ts";
import type { ProfileName } from "./case.ts";
import type { Evidence } from "./reporting/evidence.ts";
import type { Verdict } from "./statistics.ts";

export type RunStatus = "queued" | "running" | "completed" | "aborted" | "failed";

/** The outcome of one case, as answered and published (spec §10). Ratios are of throughputs. */
export interface BenchmarkResult {
  case: string;
  category: Category;
  /** Median throughput of the arm in `unit`; null when the case has no result. */
  baseline: number | null;
  candidate: number | null;
  unit: string;
  /** Candidate ÷ baseline, the Hodges–Lehmann centre over the blocks. */
  ratio: number | null;
  /** `ratio` − 1, or the capacity (see `target_unit`). The bounds are its 95 % interval. */
  improvement: number | null;
  ci_low: number | null;
  ci_high: number | null;
  target: number;
  /** The unit of `improvement`, its bounds and `target`. */
  target_unit: TargetUnit;
  verdict: Verdict;
  /** Number of blocks; each gives one ratio. */
  samples: number;
  /** 95 % interval of an arm against itself, as an improvement; contains 0 when the harness is fair. */
  null_ci_low: number | null;
  null_ci_high: number | null;
  /** Explanation of the figures, or the problem, as sentences. */
  why: string;
  /** The same as figures; null when the case has no result. */
  evidence: Evidence | null;
}

/** A result with its samples, from which categories are judged. Of a capacity, `log_ratios` are its logarithms. */
export interface StoredResult extends BenchmarkResult {
  log_ratios: number[];
  null_log_ratios: number[];
}

/** The server and machine a run was measured on. */
export type Environment = Record<string, string | number>;

export interface BenchmarkRun<R extends BenchmarkResult = BenchmarkResult> {
  id: string;
  profile: ProfileName;
  status: RunStatus;
  /** RFC 3339, UTC. */
  started_at: string;
  finished_at: string | null;
  seed: number;
  environment: Environment;
  results: R[];
  /** Why a run failed or was aborted. */
  error: string | null;
}

/** Returns a run without its samples. */
export function publicRun(run: BenchmarkRun<StoredResult>): BenchmarkRun {
  return { ...run, results: run.results.map(publicResult) };
}

export function publicResult(result: StoredResult): BenchmarkResult {
  const { log_ratios: _, null_log_ratios: __, ...shown } = result;
  return shown;
}

/** The event `performance_benchmark`. `done` and `total` count blocks of the whole run. */
export interface BenchmarkEvent {
  run_id: string;
  state: "progress" | "result" | "finished";
  status: RunStatus;
  case: string | null;
  category: Category | null;
  done: number;
  total: number;
  message?: string;
  result?: BenchmarkResult;
}
