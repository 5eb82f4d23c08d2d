import { takeBenchmarkLock } from "../../../db/benchmarks/lock.ts";
import { insertRun } from "../../../db/benchmarks/records.ts";
import type { Sql } from "../../../db/connection.ts";
import { toHoldfastError } from "../../../db/errors.ts";
import type { RecordsDb } from "../../../db/records/records.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Logger } from "../../../log.ts";
import type { Publisher } from "../../live/hub.ts";
import type { BenchmarkCase, ProfileName } from "../case.ts";
import type { TargetOverrides } from "../categories.ts";
import type { Measuring } from "../measuring/profiles.ts";
import { readEnvironment } from "./environment.ts";
import { refuseWhenBusy } from "./guard.ts";
import { type LiveRun, startLiveRun } from "./live_run.ts";
import { createProgress, type Progress, type RunProgress } from "./progress.ts";
import { type BenchConnect, connectBench, sweep } from "./sweep.ts";

export interface RunnerOptions {
  connect: BenchConnect;
  records: RecordsDb;
  hub: Publisher;
  clock: Clock;
  log: Logger;
  targets: TargetOverrides;
  measuring: Readonly<Record<ProfileName, Measuring>>;
  newSeed: () => number;
  /** Called when a run has ended. */
  onEnd: () => void;
}

/** What to run. */
export interface RunRequest {
  cases: readonly BenchmarkCase[];
  profile: ProfileName;
  /** Runs although the server is busy. */
  force: boolean;
}

/** With the lock's own connection: four in all. */
const workConnections = 3;

const alreadyRunning = () =>
  new HoldfastError("benchmark_running", "A benchmark is running; wait for it or abort it");
const shuttingDown = () => new HoldfastError("shutting_down", "Holdfast is shutting down");

/**
 * The one run of this process. A run begins with `#starting` and goes on as `#live`; a lock in the database keeps other
 * processes from running one at the same time.
 */
export class Runner {
  readonly #options: RunnerOptions;
  #starting: Promise<LiveRun> | undefined;
  #live: LiveRun | undefined;
  /** Of the newest run, also after its end. */
  #progress: { id: string; progress: Progress } | undefined;
  #stopped = false;

  constructor(options: RunnerOptions) {
    this.#options = options;
  }

  /** Starts a run and returns its id. Throws `benchmark_running`, `server_busy` or `shutting_down`. */
  async start(request: RunRequest): Promise<string> {
    if (this.#stopped) throw shuttingDown();
    if (this.#starting || this.#live) throw alreadyRunning();
    this.#starting = this.#begin(request);
    try {
      const run = await this.#starting;
      this.#live = run;
      run.done.then(() => {
        this.#live = undefined;
        this.#options.onEnd();
      });
      return run.id;
    } finally {
      this.#starting = undefined;
    }
  }

  /** Returns the run with this id while this process runs it. */
  running(id: string): LiveRun | undefined {
    return this.#live?.id === id ? this.#live : undefined;
  }

  /** Returns how far a run is; null when it has ended or belongs to another process. */
  progressOf(id: string): RunProgress | null {
    return this.#progress?.id === id ? this.#progress.progress.state() : null;
  }

  /** Drops the schemas of runs that ended without clean-up, unless a run is active. Returns their names. */
  async sweepOrphans(): Promise<string[]> {
    if (this.#live || this.#starting) return [];
    const lock = await this.#takeLock();
    if (!lock) return [];
    try {
      return await sweep({ ...this.#options, lock });
    } catch (error) {
      throw toHoldfastError(error);
    } finally {
      await lock.release();
    }
  }

  /** Aborts the active run, waits for its end, and refuses further ones. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const run = await this.#starting?.catch(() => undefined) ?? this.#live;
    run?.abort();
    await run?.done;
  }

  async #begin(request: RunRequest): Promise<LiveRun> {
    const { connect, measuring, hub, log, newSeed } = this.#options;
    const { cases, profile } = request;
    const lock = await this.#takeLock();
    if (!lock) throw alreadyRunning();
    const sql = connectBench(connect, workConnections);
    const id = crypto.randomUUID();
    const seed = newSeed();
    try {
      await sweep({ ...this.#options, lock });
      await this.#record(sql, { id, seed, ...request });
    } catch (error) {
      await sql.end({ timeout: 1 }).catch(() => {});
      await lock.release();
      throw toHoldfastError(error);
    }
    log.info("benchmark_started", { run: id, profile, cases: cases.map((bench) => bench.id) });
    const progress = createProgress({
      hub,
      runId: id,
      cases: cases.length,
      blocksPerCase: measuring[profile].analyses.at(-1) ?? 0,
    });
    this.#progress = { id, progress };
    return startLiveRun({
      ...this.#options,
      id,
      profile,
      measuring: measuring[profile],
      seed,
      cases,
      lock,
      sql,
      progress,
    });
  }

  /** Writes the record of a run that may begin. Throws `server_busy` or `shutting_down`. */
  async #record(
    sql: Sql,
    { id, seed, profile, force }: RunRequest & { id: string; seed: number },
  ): Promise<void> {
    const { records, clock } = this.#options;
    if (!force) await refuseWhenBusy(sql);
    const environment = await readEnvironment(sql);
    if (this.#stopped) throw shuttingDown();
    const started_at = clock.now();
    await insertRun(records, { id, profile, status: "running", started_at, seed, environment });
  }

  #takeLock() {
    return takeBenchmarkLock(this.#options.connect).catch((error) => {
      throw toHoldfastError(error);
    });
  }
}
