import { codeOf, describeDatabaseError, isUnreachable, refusesWrites } from "../../../db/errors.ts";
import { failureOf, isPermanent } from "../../../db/permanence.ts";
import {
  insertRewrite,
  lockRewrite,
  type MoveFailure,
  type RewriteChange,
  type RewritePhase,
  type RewriteRow,
  type RewriteSpec,
  updateRewrite,
} from "../../../db/partitions/rewrite/rewrites.ts";
import { quoteTable } from "../../../db/sql.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import { logRewrite } from "./change_log.ts";
import { createStepHandlers, endOf, lockMs, type StepOptions } from "./step_handlers.ts";

const passing = new Set(["55P03", "40P01", "40001"]);
const attemptsMax = 12;
const resting = new Set<RewritePhase>(["swapped", "undone", "finished", "cancelled", "failed"]);

/** The server's error in parts, or a judgement of our own (the copy differs, the table is another one). */
function describeFailure(error: unknown, phase: RewritePhase, at: Date): MoveFailure {
  const failure = failureOf(error);
  return {
    ...failure,
    message: isJudgement(error) ? error.message : failure.message,
    phase,
    at: at.toISOString(),
  };
}

/** The copy differs, the table is not what it was: found by a step itself, not by the server. */
function isJudgement(error: unknown): error is HoldfastError {
  return error instanceof HoldfastError && error.code === "conflict" && !error.cause;
}

/**
 * What becomes of a move that cannot go on: before the swap it is taken back, after it stays swapped, and what only
 * could not be cleared away is left to somebody, with the statements.
 */
export function changeAfter(move: RewriteRow, failure: MoveFailure): RewriteChange {
  const { kind, phase, spec } = move;
  const ended = (failed: RewritePhase, statements: readonly string[]): RewriteChange => ({
    phase: failed,
    error: `${failure.message}; left to be done by hand: ${statements.join("; ")}`,
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
        : { phase: "cleaning", error: failure.message, failure, waits_for: "finished" };
    case "cancelling":
      return ended("failed", [...spec.cancel, ...spec.clean.cancelled]);
    case "cleaning":
      return ended(endOf(move), spec.clean[move.waits_for as keyof typeof spec.clean] ?? []);
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
  /** Carries out what begins a move, and remembers it, in one transaction. */
  begin(
    move: { kind: "convert" | "drain"; schema: string; table: string; spec: RewriteSpec },
    statements: readonly string[],
  ): Promise<string>;
  /** Goes on with a move until it rests or waits for somebody; answers whether it rests. */
  advance(id: string, signal?: AbortSignal): Promise<boolean>;
  /** Sends a move another way: undo, finish, cancel. Throws `conflict` from where that cannot be. */
  turn(id: string, to: "undoing" | "finishing" | "cancelling"): Promise<void>;
}

const turnsFrom: Record<string, readonly RewritePhase[]> = {
  undoing: ["swapped"],
  finishing: ["swapped"],
  cancelling: ["copying", "replaying", "verifying", "waiting"],
};

/** Carries rows from a table into another beside it, and puts that in its place; any step may be the last before a crash. */
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
  const runStep = createStepHandlers({ pool, clock, ...more });

  const phaseOf = (id: string) =>
    pool.run(async (sql) => {
      const [row] = await sql<{ phase: RewritePhase }[]>`
        select phase from holdfast.partition_moves where id = ${id}::text::int8`;
      return row?.phase;
    });

  const remember = (id: string, change: RewriteChange) =>
    pool.run((sql) => updateRewrite(sql, id, change, clock.now()));

  /** Ends an attempt that would fail each time, with its reason. */
  async function giveUp(id: string, phase: RewritePhase, error: unknown): Promise<void> {
    const failure = describeFailure(error, phase, clock.now());
    await pool.transaction(async (sql) => {
      const move = await lockRewrite(sql, id);
      if (!move || move.phase !== phase) return;
      await updateRewrite(sql, id, changeAfter(move, failure), clock.now());
      await logRewrite(sql, move, `${phase} failed`, 0, [], failure.message);
      const table = `${move.schema}.${move.table}`;
      log.error("partition_move_failed", { id, kind: move.kind, table, ...failure });
    });
  }

  async function advance(id: string, signal?: AbortSignal): Promise<boolean> {
    for (let failures = 0; !signal?.aborted;) {
      const phase = await phaseOf(id);
      if (phase === undefined || resting.has(phase)) return true;
      try {
        const turn = await runStep(id, phase);
        failures = 0;
        onProgress(id);
        if (turn === "wait") return false;
      } catch (error) {
        if (isUnreachable(error) || refusesWrites(error)) throw error;
        if (isPermanent(error) || isJudgement(error)) {
          await giveUp(id, phase, error);
          onProgress(id);
          continue;
        }
        const reason = describeDatabaseError(error);
        log.warn("partition_move_waits", { id, phase, reason });
        const passes = passing.has(codeOf(error));
        if (!passes || ++failures >= attemptsMax) {
          // What a lock kept from being done is tried again soon; a lack of space or memory within the minute.
          if (!passes) await remember(id, { error: reason });
          else if (phase !== "cleaning") {
            const whom = codeOf(error) === "55P03" ? "a lock" : "another transaction";
            await remember(id, { waits_for: `${whom} (${reason})` });
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
    async begin(move, statements) {
      for (let attempt = 1;; attempt++) {
        try {
          return await pool.transaction(async (sql) => {
            await sql`select set_config('lock_timeout', ${`${lockMs}ms`}, true)`;
            const started = performance.now();
            for (const statement of statements) await sql.unsafe(statement);
            const source = quoteTable(move.spec.source.schema, move.spec.source.table);
            const id = await insertRewrite(sql, { ...move, source, at: clock.now() });
            await logRewrite(sql, move, "begin", performance.now() - started, statements);
            return id;
          }, { deadlineMs: 300_000 });
        } catch (error) {
          if (!passing.has(codeOf(error)) || attempt === attemptsMax) throw error;
          await pause(100 * attempt * (0.5 + Math.random()));
        }
      }
    },
    advance,
    async turn(id, to) {
      await pool.transaction(async (sql) => {
        const move = await lockRewrite(sql, id);
        if (!move || !turnsFrom[to]?.includes(move.phase)) {
          throw new HoldfastError(
            "conflict",
            `This cannot be done while it is ${move?.phase ?? "gone"}`,
          );
        }
        const change = { phase: to, error: null, failure: null, waits_for: null };
        await updateRewrite(sql, id, change, clock.now());
      });
      log.info("partition_move_turned", { id, to });
    },
  };
}
