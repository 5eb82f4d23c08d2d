import { takeBackupLock } from "../../db/backups/lock.ts";
import type { Target } from "../../db/connection.ts";
import type { PoolerMode } from "../../db/pool/pool.ts";
import { HoldfastError, messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Work } from "./report.ts";

/** One thing at a time in this process, one Holdfast at a time at a server. */
export interface Turn {
  /** What runs just now. */
  work(): Work | undefined;
  running(): Promise<void> | undefined;
  /** Takes the turn and begins `job`; throws `backup_running` when somebody has it. Resolves once it has begun. */
  begin(
    begun: Pick<Work, "id" | "kind" | "what" | "step">,
    job: (work: Work, signal: AbortSignal) => Promise<void>,
  ): Promise<void>;
  /** Runs `job` if the turn can be had just now. */
  briefly(job: () => Promise<void>): Promise<void>;
  abort(why: HoldfastError): void;
  /** Aborts what runs, and lets nothing begin any more. */
  stop(): Promise<void>;
}

export function createTurn(
  { target, pooler, clock, log, onEnd }: {
    target: Target;
    pooler: PoolerMode;
    clock: Clock;
    log: Logger;
    onEnd: () => void;
  },
): Turn {
  let work: Work | undefined;
  let running: Promise<void> | undefined;
  let aborting = new AbortController();
  let stopped = false;
  const lock = () =>
    takeBackupLock({
      target,
      pooled: pooler.pooled,
      serverVersion: pooler.version,
      statementTimeoutMs: 10_000,
      lockTimeoutMs: 2_000,
    });

  return {
    work: () => work,
    running: () => running,
    async begin(begun, job) {
      if (running || stopped) {
        throw new HoldfastError("backup_running", `A ${work?.what ?? "backup"} is under way`);
      }
      const own: Work = {
        ...begun,
        startedAt: clock.now().toISOString(),
        progress: { done_bytes: 0, total_bytes: null },
      };
      const { promise, resolve } = Promise.withResolvers<void>();
      running = promise;
      work = own;
      aborting = new AbortController();
      const { signal } = aborting;
      const end = () => {
        work = undefined;
        running = undefined;
        resolve();
        onEnd();
      };
      let held: Awaited<ReturnType<typeof lock>>;
      try {
        held = await lock();
        if (!held) throw new HoldfastError("backup_running", "Another Holdfast is at it");
      } catch (error) {
        end();
        throw error;
      }
      const { release } = held;
      void job(own, signal)
        .catch((error) =>
          log.error("backup_job_failed", { job: own.what, error: messageOf(error) })
        )
        .finally(() => release().finally(end));
    },
    async briefly(job) {
      const held = running ? undefined : await lock();
      if (held) await job().finally(() => held.release());
    },
    abort: (why) => aborting.abort(why),
    async stop() {
      stopped = true;
      aborting.abort(new HoldfastError("shutting_down", "Holdfast is stopping"));
      await running;
    },
  };
}
