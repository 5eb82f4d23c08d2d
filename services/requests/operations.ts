import { randomUUID } from "node:crypto";
import {
  closeOrphans,
  findOperation,
  forgetOperations,
  listOperations,
  type OperationProblem,
  type OperationProgress,
  type OperationRow,
  saveOperation,
} from "../../db/requests/operations.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { HoldfastError, messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { backoffMs } from "../../lib/backoff.ts";
import { type Clock, systemTimers } from "../../lib/clock.ts";
import { late, resultWithin } from "../../lib/deadline.ts";

/** Work that may outlast its request. */
export interface Work<T> {
  kind: string;
  subject: string;
  run(report: (progress: OperationProgress) => void): Promise<T>;
}

/** The work is done, or goes on as an operation that can be asked for. */
export type Outcome<T> = { result: T } | { operation: OperationRow };

export interface Operations {
  /**
   * Begins work and waits `waitMs` for its end. Throws what the work throws in that time; after it, the work goes on, and
   * what comes of it stands in the operation.
   */
  begin<T extends object>(work: Work<T>, waitMs: number): Promise<Outcome<T>>;
  /** Throws `not_found`. */
  get(id: string): Promise<OperationRow>;
  list(
    page: { limit: number; before: { startedAt: string; id: string } | undefined },
  ): Promise<OperationRow[]>;
  /** Closes operations whose process is gone, and deletes old ones. */
  tidy(): Promise<void>;
  /** Records that the operations still running were interrupted. */
  stop(): Promise<void>;
}

const beatMs = 5_000;
/** Several heartbeats; without one in that time, the process of an operation counts as gone. */
const silentMs = 60_000;
const keepDays = 30;
const keepMax = 10_000;
const runningMax = 50;
const saveRetry = { firstMs: 1_000, maxMs: 16_000 };

const lost: OperationProblem = {
  code: "shutting_down",
  detail:
    "The Holdfast that carried it out ended meanwhile; what it committed stays: check the result before you start it again",
};

interface Running {
  row: OperationRow;
  progress: OperationProgress | null;
}

/** Records work that continues after its request was answered, in the database, for all instances. */
export function createOperations(
  { pool, clock, log, delay = systemTimers.after }: {
    pool: Pool;
    clock: Clock;
    log: Logger;
    /** Calls back after a time, and returns what prevents it. */
    delay?: (ms: number, call: () => void) => () => void;
  },
): Operations {
  const running = new Map<string, Running>();
  const now = () => clock.now().toISOString();
  const ago = (ms: number) => new Date(clock.now().getTime() - ms).toISOString();
  const save = (row: OperationRow) => pool.run((sql) => saveOperation(sql, row));
  let stopBeat: (() => void) | undefined;
  let stopped = false;

  /** Writes the progress of all running operations. */
  async function beat(): Promise<void> {
    for (const one of running.values()) {
      one.row = { ...one.row, progress: one.progress, updated_at: now() };
      await save(one.row).catch((error) =>
        log.warn("operation_not_noted", { id: one.row.id, error: messageOf(error) })
      );
    }
  }

  /** Returns what a client may see of an error; internal errors are logged and not shown. */
  function problemOf({ id, kind }: OperationRow, error: unknown): OperationProblem {
    if (error instanceof HoldfastError) return { code: error.code, detail: error.message };
    log.error("operation_failed", { id, kind, error });
    return {
      code: "internal",
      detail: "Something failed on our side; the log has the operation's id",
    };
  }

  function beatOn(): void {
    stopBeat ??= delay(beatMs, () => {
      beat().finally(() => {
        stopBeat = undefined;
        if (running.size > 0) beatOn();
      });
    });
  }

  async function end(one: Running, changes: Partial<OperationRow>): Promise<void> {
    // No earlier progress is written after the end.
    if (!running.delete(one.row.id)) return;
    const row = {
      ...one.row,
      progress: one.progress,
      ...changes,
      updated_at: now(),
      finished_at: now(),
    };
    // Retried: the work is done, whether or not this can be written.
    for (let tries = 0; tries < 5 && !stopped; tries++) {
      try {
        return await save(row);
      } catch (error) {
        log.warn("operation_not_noted", { id: row.id, error: messageOf(error) });
        await new Promise<void>((done) => delay(backoffMs(tries + 1, saveRetry), done));
      }
    }
  }

  return {
    async begin({ kind, subject, run }, waitMs) {
      if (running.size >= runningMax) {
        throw new HoldfastError("overloaded", `${runningMax} operations are running already`, {
          retryAfterSeconds: 30,
        });
      }
      const at = now();
      const one: Running = {
        row: {
          id: randomUUID(),
          kind,
          subject,
          status: "running",
          progress: null,
          result: null,
          problems: [],
          started_at: at,
          updated_at: at,
          finished_at: null,
        },
        progress: null,
      };
      const work = run((progress) => one.progress = progress);
      const result = await resultWithin(work, waitMs, delay);
      if (result !== late) return { result };
      running.set(one.row.id, one);
      one.row = { ...one.row, progress: one.progress };
      // Before its end is noted, also when that comes first. Where it cannot be written, there is no operation to name.
      const noted = save(one.row);
      noted.catch(() => running.delete(one.row.id));
      void work.then(
        async (result) => {
          await noted;
          await end(one, { status: "succeeded", result: { ...result } as Record<string, unknown> });
        },
        async (error) => {
          await noted;
          await end(one, { status: "failed", problems: [problemOf(one.row, error)] });
        },
      ).catch(() => {});
      await noted;
      beatOn();
      return { operation: one.row };
    },
    async get(id) {
      const here = running.get(id);
      if (here) return { ...here.row, progress: here.progress };
      const row = await pool.run((sql) => findOperation(sql, id));
      if (!row) throw new HoldfastError("not_found", `No operation has the id ${id}`);
      const silent = row.status === "running" && row.updated_at < ago(silentMs);
      return silent ? { ...row, status: "aborted", problems: [lost] } : row;
    },
    list: (page) => pool.run((sql) => listOperations(sql, page)),
    async tidy() {
      await pool.run((sql) =>
        closeOrphans(sql, { silentSince: ago(silentMs), now: now(), problem: lost })
      );
      await pool.run((sql) =>
        forgetOperations(sql, { before: ago(keepDays * 86_400_000), keep: keepMax })
      );
    },
    async stop() {
      stopped = true;
      stopBeat?.();
      for (const one of [...running.values()]) {
        running.delete(one.row.id);
        await save({ ...one.row, status: "aborted", problems: [lost], finished_at: now() })
          .catch(() => {});
      }
    },
  };
}
