import { takeBackupLock } from "../../db/backups/lock.ts";
import type { Target } from "../../db/connection.ts";
import type { PoolerMode } from "../../db/pool/pool.ts";
import { HoldfastError, messageOf } from "../../errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../log.ts";
import type { BackupRecord } from "./record.ts";

export interface Progress {
  done_bytes: number;
  /** The server's estimate; null when it gives none. */
  total_bytes: number | null;
}

/** A running backup, verification or restore drill. */
export interface Job {
  /** The backup that it makes or checks. */
  id: string;
  kind: BackupRecord["kind"];
  what: "backup" | "drill" | "verify";
  startedAt: string;
  step: string;
  progress: Progress;
}

const names: Record<Job["what"], string> = {
  backup: "backup",
  drill: "restore drill",
  verify: "verification",
};

interface JobRunnerOptions {
  target: Target;
  pooler: PoolerMode;
  clock: Clock;
  log: Logger;
  /** Called after each job, and after a start that failed. */
  onEnd: () => void;
}

/** Runs one job at a time in this process and, by a lock on the server, in all instances. */
export class JobRunner {
  readonly #options: JobRunnerOptions;
  #current: { job: Job; done: Promise<void>; controller: AbortController } | undefined;
  #stopped = false;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
  }

  /** The job that is running. */
  get job(): Job | undefined {
    return this.#current?.job;
  }

  /** Resolves when the running job has ended; undefined when none is running. */
  get done(): Promise<void> | undefined {
    return this.#current?.done;
  }

  /**
   * Takes the lock and starts `run`; resolves once it has started. Throws `backup_running` when a job is running here or
   * in another instance. Aborts the job when the lock is lost and another instance took it.
   */
  async start(
    begun: Pick<Job, "id" | "kind" | "what" | "step">,
    run: (job: Job, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { clock, log, onEnd } = this.#options;
    if (this.#current || this.#stopped) throw alreadyRunning(this.job);
    const job: Job = {
      ...begun,
      startedAt: clock.now().toISOString(),
      progress: { done_bytes: 0, total_bytes: null },
    };
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const controller = new AbortController();
    this.#current = { job, done, controller };
    const end = () => {
      this.#current = undefined;
      resolve();
      onEnd();
    };
    let lock: Awaited<ReturnType<typeof takeBackupLock>>;
    try {
      lock = await this.#takeLock(() => {
        log.warn("backup_lock_lost", { id: job.id, job: job.what });
        controller.abort(lockLost(job));
      });
      if (!lock) {
        throw new HoldfastError(
          "backup_running",
          "Another Holdfast is running a backup, verification or drill of this server",
        );
      }
    } catch (error) {
      end();
      throw error;
    }
    const { release } = lock;
    void run(job, controller.signal)
      .catch((error) => log.error("backup_job_failed", { job: job.what, error: messageOf(error) }))
      .finally(() => release().finally(end));
  }

  /** Runs short work under the lock; does nothing when a job is running here or in another instance. */
  async runIfFree(work: () => Promise<void>): Promise<void> {
    const lock = this.#current ? undefined : await this.#takeLock();
    if (lock) await work().finally(() => lock.release());
  }

  abort(reason: HoldfastError): void {
    this.#current?.controller.abort(reason);
  }

  /** Aborts the running job and refuses further ones. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.abort(new HoldfastError("shutting_down", "Holdfast is stopping"));
    await this.done;
  }

  #takeLock(onTaken?: () => void) {
    const { target, pooler } = this.#options;
    return takeBackupLock({
      target,
      pooled: pooler.pooled,
      serverVersion: pooler.version,
      statementTimeoutMs: 10_000,
      lockTimeoutMs: 2_000,
      ...(onTaken && { onTaken }),
    });
  }
}

const lockLost = ({ what }: Job) =>
  new HoldfastError(
    "conflict",
    `The ${
      names[what]
    } was aborted: its session on the server was lost, and another Holdfast took the lock of backups meanwhile`,
  );

const alreadyRunning = (job: Job | undefined) =>
  new HoldfastError("backup_running", `A ${names[job?.what ?? "backup"]} is already running`);
