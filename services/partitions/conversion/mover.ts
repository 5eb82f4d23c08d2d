import { codeOf, describeDatabaseError, isUnreachable } from "../../../db/errors.ts";
import {
  changeMove,
  holdMove,
  insertMove,
  type MoveChange,
  type MovePhase,
  type MoveSpec,
} from "../../../db/partitions/moves.ts";
import { quoteTable } from "../../../db/sql.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import { interruptionOf } from "../execution.ts";
import { noteMove } from "./noting.ts";
import { createSteps, lockMs, type StepOptions } from "./steps.ts";

const passing = new Set(["55P03", "40P01", "40001"]);
const attemptsMax = 12;
const resting = new Set<MovePhase>(["swapped", "undone", "finished", "cancelled"]);

export interface MoverOptions extends Omit<StepOptions, "beforeStatement"> {
  log: Logger;
  /** Waits between attempts; milliseconds. */
  pause?: (ms: number) => Promise<void>;
  beforeStatement?: StepOptions["beforeStatement"];
  onProgress?: (id: string) => void;
}

export interface Mover {
  /** Carries out what begins a move, and remembers it, in one transaction. */
  begin(
    move: { kind: "convert" | "drain"; schema: string; table: string; spec: MoveSpec },
    statements: readonly string[],
  ): Promise<string>;
  /** Goes on with a move until it rests or waits for somebody; answers whether it rests. */
  advance(id: string, signal?: AbortSignal): Promise<boolean>;
  /** Sends a move another way: undo, finish, cancel. Throws `conflict` from where that cannot be. */
  turn(id: string, to: "undoing" | "finishing" | "cancelling"): Promise<void>;
}

const turnsFrom: Record<string, readonly MovePhase[]> = {
  undoing: ["swapped"],
  finishing: ["swapped"],
  cancelling: ["copying", "replaying", "verifying", "waiting"],
};

/** Carries rows from a table into another beside it, and puts that in its place; any step may be the last before a crash. */
export function createMover(
  {
    pool,
    clock,
    log,
    pause = (ms) => new Promise((done) => setTimeout(done, ms)),
    beforeStatement = () => {},
    onProgress = () => {},
    ...more
  }: MoverOptions,
): Mover {
  const takeTurn = createSteps({ pool, clock, beforeStatement, ...more });

  const phaseOf = (id: string) =>
    pool.run(async (sql) => {
      const [row] = await sql<{ phase: MovePhase }[]>`
        select phase from holdfast.partition_moves where id = ${id}::text::int8`;
      return row?.phase;
    });

  const remember = (id: string, change: MoveChange) =>
    pool.run((sql) => changeMove(sql, id, change, clock.now()));

  async function advance(id: string, signal?: AbortSignal): Promise<boolean> {
    for (let failures = 0; !signal?.aborted;) {
      const phase = await phaseOf(id);
      if (phase === undefined || resting.has(phase)) return true;
      try {
        const turn = await takeTurn(id, phase);
        failures = 0;
        onProgress(id);
        if (turn === "wait") return false;
      } catch (error) {
        if (interruptionOf(error) || isUnreachable(error)) throw error;
        const reason = error instanceof HoldfastError && !error.cause
          ? error.message
          : describeDatabaseError(error);
        log.warn("partition_move_waits", { id, phase, reason });
        const passes = passing.has(codeOf(error));
        if (!passes || ++failures >= attemptsMax) {
          // What a lock kept from being done is tried again soon; anything else is somebody's to look at.
          if (!passes) await remember(id, { error: reason });
          else if (phase !== "cleaning") await remember(id, { waits_for: `a lock (${reason})` });
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
            for (const statement of statements) {
              beforeStatement(statement);
              await sql.unsafe(statement);
            }
            const source = quoteTable(move.spec.source.schema, move.spec.source.table);
            const id = await insertMove(sql, { ...move, source, at: clock.now() });
            await noteMove(sql, move, "begin", performance.now() - started, statements);
            beforeStatement("commit");
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
        const move = await holdMove(sql, id);
        if (!move || !turnsFrom[to]?.includes(move.phase)) {
          throw new HoldfastError(
            "conflict",
            `This cannot be done while it is ${move?.phase ?? "gone"}`,
          );
        }
        await changeMove(sql, id, { phase: to, error: null, waits_for: null }, clock.now());
      });
      log.info("partition_move_turned", { id, to });
    },
  };
}
