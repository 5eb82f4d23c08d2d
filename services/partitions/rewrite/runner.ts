import { codeOf, describeDatabaseError, isUnreachable, refusesWrites } from "../../../db/errors.ts";
import { failureOf, isPermanent } from "../../../db/permanence.ts";
import {
  insertRewrite,
  lockRewrite,
  readRewritePhase,
  type RewriteChange,
  type RewriteRow,
  updateRewrite,
} from "../../../db/partitions/rewrite/rewrites.ts";
import type {
  RewriteFailure,
  RewritePhase,
  RewriteSpec,
} from "../../../db/partitions/rewrite/spec.ts";
import { runStatements } from "../../../db/partitions/run.ts";
import { setLockTimeout } from "../../../db/session/transaction.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import { logRewrite } from "./change_log.ts";
import { endOf, lockMs, RewriteSteps, type StepOptions } from "./steps.ts";
import { sqlState } from "../../../db/sql_state.ts";

/** Another transaction was in the way. */
const passing = new Set([
  sqlState.lockNotAvailable,
  sqlState.deadlockDetected,
  sqlState.serializationFailure,
]);
const attemptsMax = 12;
const resting = new Set<RewritePhase>(["swapped", "undone", "finished", "cancelled", "failed"]);

/** Returns the server's error in parts, or the message of a step's own check. */
function describeFailure(error: unknown, phase: RewritePhase, at: Date): RewriteFailure {
  const failure = failureOf(error);
  return {
    ...failure,
    message: isCheckFailure(error) ? error.message : failure.message,
    phase,
    at: at.toISOString(),
  };
}

/** Says whether a check of a step failed (the copy differs, the table has changed), as opposed to an error of the server. */
function isCheckFailure(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && error.code === "conflict" && !error.cause;
}

/**
 * Returns the change of a rewrite that cannot go on. Before the swap it is cancelled, after the swap it stays swapped. When
 * only the clean-up fails, it ends with the statements that are left to be run by hand.
 */
function changeAfter(rewrite: RewriteRow, failure: RewriteFailure): RewriteChange {
  const { kind, phase, spec, outcome } = rewrite;
  const ended = (failed: RewritePhase, statements: readonly string[]): RewriteChange => ({
    phase: failed,
    error: `${failure.message}; to be run by hand: ${statements.join("; ")}`,
    failure: spec.failure ?? failure,
    waits_for: null,
    ended_at: new Date(failure.at),
  });
  switch (phase) {
    case "undoing":
      return { phase: "swapped", error: failure.message, failure, waits_for: null };
    case "finishing":
      return kind === "convert"
        ? { phase: "swapped", error: failure.message, failure, waits_for: null }
        : {
          phase: "cleaning",
          outcome: "finished",
          error: failure.message,
          failure,
          waits_for: null,
        };
    case "cancelling":
      return ended("failed", [...spec.cancel, ...spec.clean.cancelled]);
    case "cleaning":
      return ended(endOf(rewrite), outcome === null ? [] : spec.clean[outcome]);
    default:
      return { phase: "cancelling", error: failure.message, failure, waits_for: null };
  }
}

export interface RewriteRunnerOptions extends StepOptions {
  log: Logger;
  /** Waits between attempts; milliseconds. */
  pause?: (ms: number) => Promise<void>;
  onProgress?: (id: string) => void;
}

export interface RewriteRunner {
  /** Runs the statements that begin a rewrite and stores it, in one transaction; returns its id. */
  begin(
    rewrite: { kind: "convert" | "drain"; schema: string; table: string; spec: RewriteSpec },
    statements: readonly string[],
  ): Promise<string>;
  /** Continues a rewrite until it needs no more work or waits for somebody; returns whether it needs none. */
  advance(id: string, signal?: AbortSignal): Promise<boolean>;
  /** Lets a rewrite continue with undo, finish or cancel. Throws `conflict` from a phase that does not allow it. */
  redirect(id: string, to: "undoing" | "finishing" | "cancelling"): Promise<void>;
}

const redirectsFrom: Record<string, readonly RewritePhase[]> = {
  undoing: ["swapped"],
  finishing: ["swapped"],
  cancelling: ["copying", "replaying", "verifying", "waiting"],
};

/** Carries out rewrites step by step, repeats steps that met a lock, and ends attempts that would fail each time. */
export function createRewriteRunner(
  {
    pool,
    clock,
    log,
    pause = (ms) => new Promise((done) => setTimeout(done, ms)),
    onProgress = () => {},
    ...more
  }: RewriteRunnerOptions,
): RewriteRunner {
  const steps = new RewriteSteps({ pool, clock, ...more });

  const store = (id: string, change: RewriteChange) =>
    pool.run((sql) => updateRewrite(sql, id, change, clock.now()));

  /** Ends an attempt that would fail each time, and stores its reason. */
  async function giveUp(id: string, phase: RewritePhase, error: unknown): Promise<void> {
    const failure = describeFailure(error, phase, clock.now());
    await pool.transaction(async (sql) => {
      const rewrite = await lockRewrite(sql, id);
      if (!rewrite || rewrite.phase !== phase) return;
      await updateRewrite(sql, id, changeAfter(rewrite, failure), clock.now());
      await logRewrite(sql, rewrite, `${phase} failed`, 0, [], failure.message);
      const table = `${rewrite.schema}.${rewrite.table}`;
      log.error("partition_rewrite_failed", { id, kind: rewrite.kind, table, ...failure });
    });
  }

  async function advance(id: string, signal?: AbortSignal): Promise<boolean> {
    for (let failures = 0; !signal?.aborted;) {
      const phase = await pool.run((sql) => readRewritePhase(sql, id));
      if (phase === undefined || resting.has(phase)) return true;
      try {
        const result = await steps.run(id, phase);
        failures = 0;
        onProgress(id);
        if (result === "wait") return false;
      } catch (error) {
        if (isUnreachable(error) || refusesWrites(error)) throw error;
        if (isPermanent(error) || isCheckFailure(error)) {
          await giveUp(id, phase, error);
          onProgress(id);
          continue;
        }
        const reason = describeDatabaseError(error);
        log.warn("partition_rewrite_waits", { id, phase, reason });
        const passes = passing.has(codeOf(error));
        if (!passes || ++failures >= attemptsMax) {
          // The caller tries again: soon after a lock, within the minute after a lack of space or memory.
          if (!passes) await store(id, { error: reason });
          else if (phase !== "cleaning") {
            const other = codeOf(error) === sqlState.lockNotAvailable
              ? "a lock"
              : "another transaction";
            await store(id, { waits_for: `${other} (${reason})` });
          }
          onProgress(id);
          return false;
        }
        await pause(50 * failures * (0.5 + Math.random()));
      }
    }
    return false;
  }

  return {
    async begin(rewrite, statements) {
      for (let attempt = 1;; attempt++) {
        try {
          return await pool.transaction(async (sql) => {
            await setLockTimeout(sql, lockMs);
            const started = performance.now();
            await runStatements(sql, statements);
            const id = await insertRewrite(sql, { ...rewrite, at: clock.now() });
            await logRewrite(sql, rewrite, "begin", performance.now() - started, statements);
            return id;
          }, { deadlineMs: 300_000 });
        } catch (error) {
          if (!passing.has(codeOf(error)) || attempt === attemptsMax) throw error;
          await pause(100 * attempt * (0.5 + Math.random()));
        }
      }
    },
    advance,
    async redirect(id, to) {
      await pool.transaction(async (sql) => {
        const rewrite = await lockRewrite(sql, id);
        if (!rewrite || !redirectsFrom[to]?.includes(rewrite.phase)) {
          throw new HoldfastError(
            "conflict",
            `This cannot be done while it is ${rewrite?.phase ?? "gone"}`,
          );
        }
        const change = { phase: to, error: null, failure: null, waits_for: null };
        await updateRewrite(sql, id, change, clock.now());
      });
      log.info("partition_rewrite_redirected", { id, to });
    },
  };
}
