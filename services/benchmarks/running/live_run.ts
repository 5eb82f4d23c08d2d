import { describeDatabaseError } from "../../../db/errors.ts";
import type { BenchmarkLock } from "../../../db/benchmarks/lock.ts";
import { updateRun } from "../../../db/benchmarks/records.ts";
import { createSandbox, dropSandbox, sandboxOf } from "../../../db/benchmarks/sandbox.ts";
import type { Sql } from "../../../db/connection.ts";
import type { RecordsDb } from "../../../db/records/records.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { endsWithin } from "../../../lib/deadline.ts";
import type { BenchmarkCase, ProfileName } from "../case.ts";
import type { Measuring } from "../measuring/profiles.ts";
import type { TargetOverrides } from "../categories.ts";
import { executeCases, reasonOf } from "./execution.ts";
import type { Progress } from "./progress.ts";
import type { RunStatus } from "../run.ts";
import { type BenchConnect, connectBench } from "./sweep.ts";

export interface LiveRun {
  readonly id: string;
  /** Resolves when the run has ended, its schema is dropped and its record is closed. Never rejects. */
  readonly done: Promise<void>;
  abort(): void;
}

interface LiveRunOptions {
  id: string;
  profile: ProfileName;
  measuring: Measuring;
  seed: number;
  cases: readonly BenchmarkCase[];
  targets: TargetOverrides;
  lock: BenchmarkLock;
  sql: Sql;
  connect: BenchConnect;
  records: RecordsDb;
  progress: Progress;
  clock: Clock;
  log: Logger;
}

interface Ending {
  status: RunStatus;
  error: string | null;
}

const killEveryMs = 200;
/** After this time sockets are closed without waiting for the server; milliseconds. */
const cutAfterMs = 1_000;

/** Starts a run whose lock is held. The run cleans up after itself, whatever happens. */
export function startLiveRun(options: LiveRunOptions): LiveRun {
  const controller = new AbortController();
  const done = live(options, controller.signal).catch((error) =>
    options.log.error("benchmark_run_broken", { run: options.id, error })
  );
  return { id: options.id, done, abort: () => controller.abort() };
}

async function live(options: LiveRunOptions, signal: AbortSignal): Promise<void> {
  const { id, log, lock, records, progress, clock, sql } = options;
  const schema = sandboxOf(id);
  const stopKilling = killOnAbort(signal, lock, sql);
  const ending = await work(options, schema, signal);
  await stopKilling();
  // After an abort no statement is worth waiting for: the answer is due within 2 s.
  await sql.end({ timeout: signal.aborted ? 0 : 1 }).catch(() => {});
  await dropQuietly(options.connect, schema, log);
  try {
    await updateRun(records, id, { ...ending, finished_at: clock.now() });
  } catch (error) {
    log.warn("benchmark_record_lost", { run: id, reason: describeDatabaseError(error) });
  }
  await lock.release();
  log.info("benchmark_finished", { run: id, ...ending });
  progress.finish(ending.status, ending.error ?? undefined);
}

async function work(
  options: LiveRunOptions,
  schema: string,
  signal: AbortSignal,
): Promise<Ending> {
  const { id, sql, records, connect } = options;
  const watching = connectBench(connect, 1);
  try {
    await createSandbox(sql, schema);
    const problems = await executeCases({
      ...options,
      watching,
      open: (max) => connectBench(connect, max),
      schema,
      signal,
      keep: (results) => updateRun(records, id, { results }),
    });
    return problems.length > 0
      ? { status: "failed", error: problems.join("; ") }
      : { status: "completed", error: null };
  } catch (error) {
    if (signal.aborted) return { status: "aborted", error: "Aborted on request" };
    options.log.error("benchmark_run_failed", { run: id, error });
    return { status: "failed", error: `The run was broken off: ${reasonOf(error)}` };
  } finally {
    await watching.end({ timeout: signal.aborted ? 0 : 1 }).catch(() => {});
  }
}

/**
 * On abort, terminates the run's sessions repeatedly until its work has ended: a statement may start between two attempts.
 * Returns what stops this; it waits for the last attempt, because the session of the clean-up comes next.
 */
function killOnAbort(signal: AbortSignal, lock: BenchmarkLock, sql: Sql): () => Promise<void> {
  let timer: ReturnType<typeof setInterval> | undefined;
  let last = Promise.resolve();
  const onAbort = () => {
    const started = performance.now();
    const kill = () => {
      last = lock.endOthers().catch(() => {});
      if (performance.now() - started > cutAfterMs) sql.end({ timeout: 0 }).catch(() => {});
    };
    kill();
    timer = setInterval(kill, killEveryMs);
  };
  signal.addEventListener("abort", onAbort, { once: true });
  return async () => {
    signal.removeEventListener("abort", onAbort);
    clearInterval(timer);
    await endsWithin(last, cutAfterMs);
  };
}

/** Drops the schema; when that fails, the next start or run drops it. */
async function dropQuietly(connect: BenchConnect, schema: string, log: Logger): Promise<void> {
  const sql = connectBench(connect, 1);
  try {
    await dropSandbox(sql, schema);
  } catch (error) {
    log.warn("benchmark_schema_left", { schema, reason: describeDatabaseError(error) });
  } finally {
    await sql.end({ timeout: 1 }).catch(() => {});
  }
}
