import { findRun, listRuns } from "../../db/benchmarks/records.ts";
import type { Target } from "../../db/connection.ts";
import type { PoolerMode } from "../../db/pool/pool.ts";
import type { RecordsDb } from "../../db/records/records.ts";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Publisher } from "../live/hub.ts";
import { cursorParts } from "../../lib/paging/cursor.ts";
import { readPage } from "../../lib/paging/page.ts";
import type { BenchmarkCase, ProfileName } from "./case.ts";
import { type CaseInfo, caseInfo, selectCases } from "./selection.ts";
import type { TargetOverrides } from "./categories.ts";
import { type CaseHistory, historyOf } from "./reporting/history.ts";
import { type Measuring, profiles } from "./measuring/profiles.ts";
import {
  type PerformanceReport,
  validationOf,
  type ValidationReport,
} from "./reporting/categories.ts";
import { htmlReport } from "./reporting/html.ts";
import { markdownReport } from "./reporting/markdown.ts";
import { type BenchmarkRun, publicRun } from "./run.ts";
import type { RunProgress } from "./running/progress.ts";
import { createReporter } from "./running/reporter.ts";
import { Runner } from "./running/runner.ts";
import { storedRunOf } from "./running/stored.ts";
import type { BenchConnect } from "./running/sweep.ts";
import { endsWithin } from "../../lib/deadline.ts";

export interface StartOptions {
  /** Ids of cases; all of them when left out. */
  cases?: readonly string[];
  profile?: ProfileName;
  /** Runs although the server is busy. */
  force?: boolean;
}

export type ReportFormat = "html" | "markdown";

export interface Benchmarks {
  listCases(): CaseInfo[];
  /** Starts a run and returns it at once. Throws `benchmark_running`, `server_busy` or `invalid_request`. */
  startRun(options?: StartOptions): Promise<BenchmarkRun>;
  /** Throws `not_found`. */
  getRun(id: string): Promise<BenchmarkRun>;
  /** Returns a page of runs, newest first; 20 by default. */
  listRuns(
    page?: { limit?: number; cursor?: string | undefined },
  ): Promise<{ runs: BenchmarkRun[]; next_cursor: string | null }>;
  /** Returns how far a run is; null when it has ended or belongs to another instance. */
  progressOf(id: string): RunProgress | null;
  /** Returns the figures of each case (or of the one named) in the newest 100 runs, and where they changed. */
  history(caseId?: string): Promise<CaseHistory[]>;
  /** Renders a run as a document. Throws `not_found`. */
  renderRun(id: string, format: ReportFormat): Promise<string>;
  /** Aborts a run, drops its schema and returns it within 2 s. A run that has ended is returned unchanged. */
  abortRun(id: string): Promise<BenchmarkRun>;
  /** Waits until the run has ended and returns it. */
  waitForRun(id: string): Promise<BenchmarkRun>;
  validation(): Promise<ValidationReport>;
  /** Returns the report within a second: the one last read when the database does not answer. */
  performanceReport(): Promise<PerformanceReport>;
  /** Drops the schemas of runs that ended without clean-up, unless a run is active. Returns their names. */
  sweepOrphans(): Promise<string[]>;
  /** Aborts the active run, waits for its end, and refuses further ones. */
  stop(): Promise<void>;
}

export interface BenchmarksOptions {
  cases: readonly BenchmarkCase[];
  target: Target;
  pooler: PoolerMode;
  records: RecordsDb;
  hub: Publisher;
  clock: Clock;
  log: Logger;
  /** `HOLDFAST_BENCH_TARGETS`: improvements by category. */
  targets?: TargetOverrides;
  /** How long each profile measures. */
  measuring?: Readonly<Record<ProfileName, Measuring>>;
  newSeed?: () => number;
}

const historyRuns = 100;
const abortAnswerMs = 1_800;

/** Runs the benchmarks, one run at a time across every process on this database, and keeps their results. */
export function createBenchmarks(options: BenchmarksOptions): Benchmarks {
  const { cases, target, pooler, records, targets = {} } = options;
  const { measuring = profiles, newSeed = randomSeed } = options;
  const reporter = createReporter({ records, cases, targets });
  const runner = new Runner({
    ...options,
    connect: connectOptions(target, pooler),
    targets,
    measuring,
    newSeed,
    onEnd: reporter.refresh,
  });

  async function getRun(id: string): Promise<BenchmarkRun> {
    const row = cursorParts.uuid(id) ? await findRun(records, id) : undefined;
    if (!row) throw new HoldfastError("not_found", "There is no such benchmark run");
    return publicRun(storedRunOf(row));
  }

  return {
    progressOf: (id) => runner.progressOf(id),
    listCases: () => cases.map((bench) => caseInfo(bench, targets)),
    async startRun({ cases: ids, profile = "quick", force = false } = {}) {
      const id = await runner.start({ cases: selectCases(cases, ids), profile, force });
      return await getRun(id);
    },
    getRun,
    async listRuns({ limit = 20, cursor } = {}) {
      const { rows, next_cursor } = await readPage({ limit, cursor }, {
        parts: [cursorParts.time, cursorParts.uuid],
        read: (after, limit) =>
          listRuns(records, {
            limit,
            ...(after ? { after: { startedAt: new Date(after[0]), id: after[1] } } : {}),
          }),
        positionOf: (row) => [row.started_at.toISOString(), row.id],
      });
      return { runs: rows.map((row) => publicRun(storedRunOf(row))), next_cursor };
    },
    async history(caseId) {
      const ids = cases.map(({ id }) => id).filter((id) => caseId === undefined || id === caseId);
      if (ids.length === 0 && caseId !== undefined) {
        throw new HoldfastError("invalid_request", "There is no such benchmark case", {
          problems: [{ path: "case", message: "is not a case; see /api/benchmarks" }],
        });
      }
      const rows = await listRuns(records, { limit: historyRuns });
      return historyOf(rows.map(storedRunOf), ids);
    },
    async renderRun(id, format) {
      const run = await getRun(id);
      const informs = (id: string) => cases.some((bench) => bench.id === id && !bench.counts);
      return format === "html" ? htmlReport(run, informs) : markdownReport(run, informs);
    },
    async abortRun(id) {
      const active = runner.running(id);
      if (active) {
        active.abort();
        await endsWithin(active.done, abortAnswerMs);
        return await getRun(id);
      }
      const run = await getRun(id);
      if (run.status !== "running" && run.status !== "queued") return run;
      await runner.sweepOrphans();
      const swept = await getRun(id);
      if (swept.status === "running") {
        throw new HoldfastError("conflict", "The run belongs to another Holdfast; abort it there");
      }
      return swept;
    },
    async waitForRun(id) {
      await runner.running(id)?.done;
      return await getRun(id);
    },
    validation: async () => validationOf(await reporter.report()),
    performanceReport: () => reporter.report(),
    sweepOrphans: () => runner.sweepOrphans(),
    stop: () => runner.stop(),
  };
}

function connectOptions(target: Target, pooler: PoolerMode): BenchConnect {
  return {
    target,
    purpose: "benchmark",
    // Read again for each connection: the pools detect a pooler when they first connect.
    get pooled() {
      return pooler.pooled;
    },
    get serverVersion() {
      return pooler.version;
    },
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 5_000,
  };
}

/** Runs every case and returns the finished run. For programs that embed Holdfast. */
export async function runComprehensiveBenchmark(
  benchmarks: Benchmarks,
  profile: ProfileName = "full",
): Promise<BenchmarkRun> {
  const { id } = await benchmarks.startRun({ profile });
  return await benchmarks.waitForRun(id);
}

/** Returns for each category whether the newest runs meet its target. */
export function validatePerformanceTargets(benchmarks: Benchmarks): Promise<ValidationReport> {
  return benchmarks.validation();
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
