import {
  closeOrphans,
  findOperation,
  forgetOperations,
  listOperations,
  type OperationProblem,
  type OperationRow,
  saveOperation,
} from "../../db/requests/operations.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { clientLeft, HoldfastError, messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { backoffMs } from "../../lib/backoff.ts";
import { type Clock, systemTimers } from "../../lib/clock.ts";
import { late, resultWithin } from "../../lib/deadline.ts";
import { RunningOperation } from "./running_operation.ts";
import { EndedEarly, type WorkContext } from "./work.ts";

/** Work that may outlast its request. */
export interface Work<T> {
  kind: string;
  subject: string;
  /** What an abort leaves, as a sentence for the operation's problems. */
  afterAbort: string;
  /**
   * Does the work. After an abort it throws the reason of the signal, or `EndedEarly` with what it had done; work that is
   * done anyway returns its result.
   */
  run(context: WorkContext): Promise<T>;
  /** For work that changes nothing: it ends when this client leaves before it is answered. */
  client?: AbortSignal | undefined;
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
  /**
   * Ends an operation and returns it: aborted, or still running with what it must finish first in its problems. An aborted
   * one is returned unchanged. Throws `not_found`, and `conflict` when it has ended otherwise or runs in another Holdfast.
   */
  abort(id: string): Promise<OperationRow>;
  list(
    page: { limit: number; before: { startedAt: string; id: string } | undefined },
  ): Promise<OperationRow[]>;
  /** Closes operations whose process is gone, and deletes old ones. */
  tidy(): Promise<void>;
  /** Records that the operations still running were interrupted. */
  stop(): Promise<void>;
}

/** Longest that the request of an abort waits for the end; milliseconds. */
const abortAnswerMs = 1_000;
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

type OperationOutcome = Pick<OperationRow, "status" | "result" | "problems">;

const plain = (result: object) => ({ ...result }) as Record<string, unknown>;

/** Returns what a client may see of an error; internal errors are logged and not shown. */
function problemOf(error: unknown, { id, kind, log }: { id: string; kind: string; log: Logger }) {
  if (error instanceof HoldfastError) return { code: error.code, detail: error.message };
  log.error("operation_failed", { id, kind, error });
  return {
    code: "internal",
    detail: "Something failed on our side; the log has the operation's id",
  };
}

/** Waits for the work and returns what came of it. */
async function outcomeOf<T extends object>(
  { id, signal }: RunningOperation,
  { kind, afterAbort }: Work<T>,
  work: Promise<T>,
  log: Logger,
): Promise<OperationOutcome> {
  try {
    return { status: "succeeded", result: plain(await work), problems: [] };
  } catch (error) {
    const partial = error instanceof EndedEarly ? plain(error.result) : null;
    if (signal.aborted && (partial || error === signal.reason)) {
      const problem = { code: "aborted", detail: `Aborted on request; ${afterAbort}` };
      return { status: "aborted", result: partial, problems: [problem] };
    }
    return { status: "failed", result: null, problems: [problemOf(error, { id, kind, log })] };
  }
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
  const running = new Map<string, RunningOperation>();
  const now = () => clock.now().toISOString();
  const ago = (ms: number) => new Date(clock.now().getTime() - ms).toISOString();
  const save = (row: OperationRow) => pool.run((sql) => saveOperation(sql, row));
  let stopBeat: (() => void) | undefined;
  let stopped = false;

  /** Writes the progress of all running operations. */
  async function beat(): Promise<void> {
    for (const one of running.values()) {
      await save(one.row(now())).catch((error) =>
        log.warn("operation_not_noted", { id: one.id, error: messageOf(error) })
      );
    }
  }

  function beatOn(): void {
    stopBeat ??= delay(beatMs, () => {
      beat().finally(() => {
        stopBeat = undefined;
        if (running.size > 0) beatOn();
      });
    });
  }

  async function end(
    one: RunningOperation,
    changes: OperationOutcome,
  ): Promise<void> {
    // No earlier progress is written after the end.
    if (!running.delete(one.id)) return;
    const row = { ...one.row(now()), ...changes, finished_at: now() };
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

  /** Stores what comes of the work, after `noted`. */
  async function follow<T extends object>(
    one: RunningOperation,
    given: Work<T>,
    work: Promise<T>,
    noted: Promise<void>,
  ): Promise<void> {
    const outcome = await outcomeOf(one, given, work, log);
    await noted;
    await end(one, outcome);
  }

  async function get(id: string): Promise<OperationRow> {
    const here = running.get(id);
    if (here) return here.row(now());
    const row = await pool.run((sql) => findOperation(sql, id));
    if (!row) throw new HoldfastError("not_found", `No operation has the id ${id}`);
    const silent = row.status === "running" && row.updated_at < ago(silentMs);
    return silent ? { ...row, status: "aborted", problems: [lost] } : row;
  }

  return {
    async begin(given, waitMs) {
      if (running.size >= runningMax) {
        throw new HoldfastError("overloaded", `${runningMax} operations are running already`, {
          retryAfterSeconds: 30,
        });
      }
      const one = new RunningOperation(given, now());
      const left = () => one.abort(clientLeft());
      given.client?.addEventListener("abort", left);
      if (given.client?.aborted) left();
      const work = given.run(one.context);
      try {
        const result = await resultWithin(work, waitMs, delay);
        if (result !== late) return { result };
      } catch (error) {
        throw error instanceof EndedEarly ? one.signal.reason : error;
      } finally {
        given.client?.removeEventListener("abort", left);
      }
      running.set(one.id, one);
      // Before its end is noted, also when that comes first. Where it cannot be written, there is no operation to name.
      const begun = one.row();
      const noted = save(begun);
      noted.catch(() => running.delete(one.id));
      one.ended = follow(one, given, work, noted).catch(() => {});
      await noted;
      beatOn();
      return { operation: begun };
    },
    get,
    async abort(id) {
      const here = running.get(id);
      if (here) {
        here.abort(new HoldfastError("conflict", "The operation was aborted"));
        await resultWithin(here.ended, abortAnswerMs, delay);
      }
      const row = await get(id);
      if (row.status === "aborted" || running.has(id)) return row;
      if (row.status === "running" && !here) {
        throw new HoldfastError(
          "conflict",
          "The operation runs in another Holdfast; abort it there",
        );
      }
      throw new HoldfastError(
        "conflict",
        `The operation has ${row.status} at ${row.finished_at}; there is nothing left to abort`,
      );
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
        running.delete(one.id);
        await save({ ...one.row(), status: "aborted", problems: [lost], finished_at: now() })
          .catch(() => {});
      }
    },
  };
}
