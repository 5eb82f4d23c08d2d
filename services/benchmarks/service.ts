import { takeBenchmarkLock } from "../../db/benchmarks/lock.ts";
import { findRun, insertRun, listRuns } from "../../db/benchmarks/records.ts";
import type { Target } from "../../db/connection.ts";
import { toHoldfastError } from "../../db/errors.ts";
import type { PoolerMode } from "../../db/pool/pool.ts";
import type { RecordsDb } from "../../db/records/records.ts";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Publisher } from "../live/hub.ts";
import { cursorParts, readCursor, writeCursor } from "../market/cursor.ts";
import type { BenchmarkCase, ProfileName } from "./case.ts";
import { type CaseInfo, caseInfo, selectCases } from "./case_list.ts";
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
import { readEnvironment } from "./running/environment.ts";
import { refuseWhenBusy } from "./running/guard.ts";
import { type LiveRun, startLiveRun } from "./running/live_run.ts";
import { createProgress, type Progress, type RunProgress } from "./running/progress.ts";
import { createReporter } from "./running/reporter.ts";
import { storedRunOf } from "./running/stored.ts";
import { type BenchConnect, connectBench, sweep } from "./running/sweep.ts";
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
  /** Starts a run and answers it at once. Throws `benchmark_running`, `server_busy` or `invalid_request`. */
  startRun(options?: StartOptions): Promise<BenchmarkRun>;
  /** Throws `not_found`. */
  getRun(id: string): Promise<BenchmarkRun>;
  /** Newest first, 20 at a time. */
  listRuns(
    page?: { limit?: number; cursor?: string | undefined },
  ): Promise<{ runs: BenchmarkRun[]; next_cursor: string | null }>;
  /** How far a run of this process is; null for one that is over, or another instance's. */
  progressOf(id: string): RunProgress | null;
  /** What the newest 100 runs showed of each case (or of the one named), and where it changed. */
  history(caseId?: string): Promise<CaseHistory[]>;
  /** A run as a document for readers. Throws `not_found`. */
  renderRun(id: string, format: ReportFormat): Promise<string>;
  /** Ends a run, its schema gone, within 2 s; a run that is over is answered as it is. */
  abortRun(id: string): Promise<BenchmarkRun>;
  /** Waits until the run is over and answers it. */
  waitForRun(id: string): Promise<BenchmarkRun>;
  validation(): Promise<ValidationReport>;
  /** Answers within a second also when the database does not: then from what was last read. */
  performanceReport(): Promise<PerformanceReport>;
  /** Drops what dead runs left behind, unless a run is alive; answers the schemas dropped. */
  sweepOrphans(): Promise<string[]>;
  /** Aborts a run that is going on, waits for its end, and starts no more. */
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
  /** How long each profile measures; shorter ones are for tests. */
  measuring?: Readonly<Record<ProfileName, Measuring>>;
  newSeed?: () => number;
}

const historyRuns = 100;
/** With the lock's own connection: four in all. */
const workConnections = 3;
const abortAnswerMs = 1_800;

const alreadyRunning = () =>
  new HoldfastError("benchmark_running", "A benchmark is running; wait for it or abort it");
const shuttingDown = () => new HoldfastError("shutting_down", "Holdfast is shutting down");

/** Runs the benchmarks, one run at a time across every process on this database, and remembers the results. */
export function createBenchmarks(options: BenchmarksOptions): Benchmarks {
  const { cases, target, pooler, records, clock, log, targets = {} } = options;
  const { measuring = profiles, newSeed = randomSeed } = options;
  const connect: BenchConnect = {
    target,
    purpose: "benchmark",
    // Asked anew for each connection: the pools find it out when the first of them connects.
    get pooled() {
      return pooler.pooled;
    },
    get serverVersion() {
      return pooler.version;
    },
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 5_000,
  };
  const reporter = createReporter({ records, cases, targets });
  let starting: Promise<LiveRun> | undefined;
  let live: LiveRun | undefined;
  let progressOfLive: { id: string; progress: Progress } | undefined;
  let stopped = false;

  const takeLock = () =>
    takeBenchmarkLock(connect).catch((error) => {
      throw toHoldfastError(error);
    });

  async function start(
    chosen: readonly BenchmarkCase[],
    profile: ProfileName,
    force: boolean,
  ): Promise<LiveRun> {
    const lock = await takeLock();
    if (!lock) throw alreadyRunning();
    const sql = connectBench(connect, workConnections);
    const id = crypto.randomUUID();
    const seed = newSeed();
    try {
      await sweep({ lock, connect, records, clock, log });
      if (!force) await refuseWhenBusy(sql);
      const environment = await readEnvironment(sql);
      if (stopped) throw shuttingDown();
      const started_at = clock.now();
      await insertRun(records, { id, profile, status: "running", started_at, seed, environment });
    } catch (error) {
      await sql.end({ timeout: 1 }).catch(() => {});
      await lock.release();
      throw toHoldfastError(error);
    }
    log.info("benchmark_started", { run: id, profile, cases: chosen.map((bench) => bench.id) });
    const progress = createProgress({
      hub: options.hub,
      runId: id,
      cases: chosen.length,
      blocksPerCase: measuring[profile].looks.at(-1) ?? 0,
    });
    progressOfLive = { id, progress };
    return startLiveRun({
      id,
      profile,
      measuring: measuring[profile],
      seed,
      cases: chosen,
      targets,
      lock,
      sql,
      connect,
      records,
      progress,
      clock,
      log,
    });
  }

  async function getRun(id: string): Promise<BenchmarkRun> {
    const row = cursorParts.uuid(id) ? await findRun(records, id) : undefined;
    if (!row) throw new HoldfastError("not_found", "There is no such benchmark run");
    return publicRun(storedRunOf(row));
  }

  async function sweepOrphans(): Promise<string[]> {
    if (live || starting) return [];
    const lock = await takeLock();
    if (!lock) return [];
    try {
      return await sweep({ lock, connect, records, clock, log });
    } catch (error) {
      throw toHoldfastError(error);
    } finally {
      await lock.release();
    }
  }

  return {
    progressOf: (id) => progressOfLive?.id === id ? progressOfLive.progress.state() : null,
    listCases: () => cases.map((bench) => caseInfo(bench, targets)),
    async startRun({ cases: ids, profile = "quick", force = false } = {}) {
      const chosen = selectCases(cases, ids);
      if (stopped) throw shuttingDown();
      if (starting || live) throw alreadyRunning();
      starting = start(chosen, profile, force);
      try {
        const run = await starting;
        live = run;
        run.done.then(() => {
          live = undefined;
          reporter.refresh();
        });
        return await getRun(run.id);
      } finally {
        starting = undefined;
      }
    },
    getRun,
    async listRuns({ limit = 20, cursor } = {}) {
      const position = readCursor(cursor, [isDate, cursorParts.uuid]);
      const after = position && { startedAt: new Date(position[0]!), id: position[1]! };
      const rows = await listRuns(records, { limit: limit + 1, after });
      const last = rows.length > limit ? rows[limit - 1] : undefined;
      return {
        runs: rows.slice(0, limit).map((row) => publicRun(storedRunOf(row))),
        next_cursor: last ? writeCursor([last.started_at.toISOString(), last.id]) : null,
      };
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
      if (live?.id === id) {
        live.abort();
        await endsWithin(live.done, abortAnswerMs);
        return await getRun(id);
      }
      const run = await getRun(id);
      if (run.status !== "running" && run.status !== "queued") return run;
      await sweepOrphans();
      const swept = await getRun(id);
      if (swept.status === "running") {
        throw new HoldfastError("conflict", "The run belongs to another Holdfast; abort it there");
      }
      return swept;
    },
    async waitForRun(id) {
      if (live?.id === id) await live.done;
      return await getRun(id);
    },
    validation: async () => validationOf(await reporter.report()),
    performanceReport: () => reporter.report(),
    sweepOrphans,
    async stop() {
      stopped = true;
      const run = await starting?.catch(() => undefined) ?? live;
      run?.abort();
      await run?.done;
    },
  };
}

/** Runs every case and answers the finished run. For programs that embed Holdfast. */
export async function runComprehensiveBenchmark(
  benchmarks: Benchmarks,
  profile: ProfileName = "full",
): Promise<BenchmarkRun> {
  const { id } = await benchmarks.startRun({ profile });
  return await benchmarks.waitForRun(id);
}

/** Says of every category whether its target is met, on the evidence of the newest runs. */
export function validatePerformanceTargets(benchmarks: Benchmarks): Promise<ValidationReport> {
  return benchmarks.validation();
}

function isDate(part: string): boolean {
  return cursorParts.time(part) && !Number.isNaN(Date.parse(part));
}

function randomSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}
