import type { Sql } from "../../../db/connection.ts";
import { countDependents } from "../../../db/partitions/rewrite/facts.ts";
import {
  analyzeStatement,
  compareStatement,
  copyStatement,
  noteDirect,
  noteDirectTime,
  olderSnapshots,
  pendingChanges,
  replayStatements,
} from "../../../db/partitions/rewrite/rows.ts";
import {
  lockRewrite,
  type RewriteChange,
  type RewritePhase,
  type RewriteRow,
  updateRewrite,
} from "../../../db/partitions/rewrite/rewrites.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { quoteTable } from "../../../db/sql.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import { waitOfAnother } from "./signature.ts";
import { logRewrite } from "./change_log.ts";
import { sqlState } from "../../../db/sql_state.ts";

/** Writers queue behind these locks, so they are tried briefly and often. */
export const lockMs = 100;
/** A batch is made to take about this long: it stalls nobody, but a transaction holds back vacuum. */
const batchMs = 250;
const blocksMax = 2_048;
const replayMax = 5_000;
/** So few changes are replayed while writers wait. */
const lastChangesMax = 300;
/** Longest that a swap may hold its lock; on a server that never makes it, twice as long after so many attempts. */
const heldMs = { drain: 90, convert: 400 };
const slowSwapsMax = 12;
const togetherMax = 8;
const longestMs = 6 * 60 * 60_000;

/** How one piece of work ended: more of it at once, a wait for somebody, or nothing more to do. */
export type Turn = "again" | "wait" | "rest";

export interface StepOptions {
  pool: Pool;
  clock: Clock;
  /** What the table is like now; a swap does not take place when it is not what was planned. */
  signatureOf: (sql: Sql, move: RewriteRow) => Promise<string>;
  /** Sets or takes back a policy with the swap or the undo. */
  keepPolicy: (sql: Sql, move: RewriteRow, keep: boolean) => Promise<void>;
}

function refuseSwap(): never {
  throw new HoldfastError(
    "conflict",
    "The table is not what it was when this began (columns, indexes, keys, triggers, views, grants); nothing was swapped. Plan it again",
  );
}

/** What a move that is being cleaned up ends as: taken back because it failed is another end than taken back by somebody. */
export function endOf({ waits_for, spec }: Pick<RewriteRow, "waits_for" | "spec">): RewritePhase {
  const outcome = waits_for as "undone" | "finished" | "cancelled";
  return outcome === "cancelled" && spec.failure ? "failed" : outcome;
}

/** The pieces of work a move consists of: each one transaction, after which it may be left for good or gone on with. */
export function createStepHandlers(
  { pool, clock, signatureOf, keepPolicy }: StepOptions,
): (id: string, phase: RewritePhase) => Promise<Turn> {
  let batchBlocks = 64;
  let slowSwaps = 0;

  /** One transaction of a move, its row held; a change of the row is part of it. */
  async function step(
    id: string,
    phase: RewritePhase,
    work: (sql: Sql, move: RewriteRow) => Promise<{ turn: Turn; change?: RewriteChange }>,
    { snapshot = false, limitMs = lockMs }: { snapshot?: boolean; limitMs?: number } = {},
  ): Promise<Turn> {
    return await pool.transaction(async (sql) => {
      await sql`select set_config('lock_timeout', ${`${limitMs}ms`}, true), set_config('statement_timeout', '0', true)`;
      const move = await lockRewrite(sql, id);
      // Another Holdfast has brought it further meanwhile.
      if (!move || move.phase !== phase) return "again";
      const { turn, change } = await work(sql, move);
      // What an attempt was given up for stays to be read, also while it is taken back.
      const error = move.spec.failure?.message ?? null;
      if (change) await updateRewrite(sql, id, { error, ...change }, clock.now());
      return turn;
    }, { deadlineMs: longestMs, isolation: snapshot ? "repeatable read" : "read committed" });
  }

  const copy = (id: string) =>
    step(id, "copying", async (sql, { spec, next_block, blocks, rows_copied }) => {
      if (next_block >= blocks) {
        await sql.unsafe(analyzeStatement(spec));
        return { turn: "again", change: { phase: "replaying" } };
      }
      const started = performance.now();
      const end = Math.min(blocks, next_block + batchBlocks);
      const { count } = await sql.unsafe(copyStatement(spec, next_block, end));
      const took = performance.now() - started;
      batchBlocks = Math.max(
        1,
        Math.min(blocksMax, Math.round(batchBlocks * Math.min(2, batchMs / Math.max(took, 1)))),
      );
      return { turn: "again", change: { next_block: end, rows_copied: rows_copied + count } };
    }, { limitMs: 10_000 });

  /** Few keys against many rows: what nobody has analysed yet must not be read from end to end while writers wait. */
  async function replayUpTo(sql: Sql, move: RewriteRow, upTo: string): Promise<void> {
    await sql`
      select set_config(name, 'off', true) from unnest(array['enable_hashjoin', 'enable_mergejoin']) as name`;
    for (const statement of replayStatements(move.spec, upTo)) await sql.unsafe(statement);
  }

  const replay = (id: string) =>
    step(id, "replaying", async (sql, move) => {
      const { spec, changes_applied } = move;
      const { changes, upTo } = await pendingChanges(sql, spec, replayMax);
      if (upTo === null) return { turn: "rest" };
      await replayUpTo(sql, move, upTo);
      return {
        turn: changes <= lastChangesMax ? "rest" : "again",
        change: { changes_applied: changes_applied + changes },
      };
    }, { snapshot: true, limitMs: 10_000 });

  /** From this commit on every write goes to both tables, and both are the same to every new snapshot. */
  const makeDirect = (id: string) =>
    step(id, "replaying", async (sql, move) => {
      const { spec, changes_applied } = move;
      const table = quoteTable(spec.source.schema, spec.source.table);
      await sql.unsafe(`lock table only ${table} in share row exclusive mode`);
      const started = performance.now();
      const { changes, upTo } = await pendingChanges(sql, spec, lastChangesMax + 1);
      if (changes > lastChangesMax) return { turn: "again" };
      if (upTo !== null) await replayUpTo(sql, move, upTo);
      await sql.unsafe(spec.direct);
      await noteDirect(sql, id);
      return {
        turn: "again",
        change: {
          phase: "verifying",
          changes_applied: changes_applied + changes,
          lock_ms: performance.now() - started,
        },
      };
    });

  const verify = (id: string) =>
    step(id, "verifying", async (sql, { spec }) => {
      await noteDirectTime(sql, id);
      const [found] = await sql.unsafe(compareStatement(spec));
      if (!found?.equal) {
        throw new HoldfastError(
          "conflict",
          "The copy differs from the table; nothing was swapped. Plan it again",
        );
      }
      return {
        turn: "again",
        change: { phase: "waiting", rows_verified: found.rows, content_hash: found.hash },
      };
    }, { snapshot: true });

  /** Who still sees the database as it was before the copy was whole would miss its rows after the swap. */
  async function awaitSnapshots(id: string): Promise<Turn> {
    return await step(id, "waiting", async (sql, { direct_xid, waits_for }) => {
      const older = direct_xid === null ? [] : await olderSnapshots(sql, direct_xid);
      const [first] = older;
      if (!first) return { turn: "rest", ...(waits_for ? { change: { waits_for: null } } : {}) };
      const words = `the snapshot of session ${first.pid} (${first.application}, ${first.state})${
        older.length > 1 ? ` and ${older.length - 1} more` : ""
      }`;
      return { turn: "wait", ...(words === waits_for ? {} : { change: { waits_for: words } }) };
    });
  }

  /** Several statements at a time, for each message costs; what holds its lock for too long gives up and comes again. */
  async function sendBriskly(
    sql: Sql,
    statements: readonly string[],
    kind: RewriteRow["kind"],
    started: number,
  ): Promise<void> {
    const limitMs = heldMs[kind] * (1 + Math.floor(slowSwaps / slowSwapsMax));
    for (let at = 0; at < statements.length; at += togetherMax) {
      const some = statements.slice(at, at + togetherMax);
      await sql.unsafe(some.join(";\n")).simple();
      if (performance.now() - started <= limitMs) continue;
      slowSwaps++;
      throw Object.assign(new Error("the swap held its lock for too long"), {
        code: sqlState.lockNotAvailable,
      });
    }
  }

  const swap = (id: string) =>
    step(id, "waiting", async (sql, move) => {
      const { spec, kind } = move;
      const [lock = "", ...statements] = spec.swap;
      const waits_for = waitOfAnother(move, await signatureOf(sql, move));
      if (waits_for !== undefined) return { turn: "wait", change: { waits_for } };
      // No reader and no writer minds this lock, but nobody alters the table from here on.
      const table = quoteTable(move.schema, move.table);
      await sql.unsafe(`lock table only ${table} in share update exclusive mode`);
      const dependents = await countDependents(sql, move);
      if (await signatureOf(sql, move) !== spec.signature) refuseSwap();
      await sql.unsafe(lock);
      const started = performance.now();
      if (await countDependents(sql, move) !== dependents) refuseSwap();
      await sendBriskly(sql, statements, kind, started);
      if (kind === "convert") await keepPolicy(sql, move, true);
      const lockedMs = performance.now() - started;
      await logRewrite(sql, move, "swap", lockedMs, spec.swap);
      return {
        turn: "again",
        change: {
          phase: kind === "convert" ? "swapped" : "finishing",
          waits_for: null,
          error: null,
          lock_ms: Math.max(move.lock_ms ?? 0, lockedMs),
        },
      };
    });

  /** Undo, finish and cancel: the short transaction under a lock, after which the name is what it shall be. */
  const settle = (
    id: string,
    phase: "undoing" | "finishing" | "cancelling",
  ) =>
    step(id, phase, async (sql, move) => {
      const { spec } = move;
      const which = { undoing: "undo", finishing: "finish", cancelling: "cancel" } as const;
      const statements = spec[which[phase]];
      const started = performance.now();
      for (const statement of statements) await sql.unsafe(statement);
      if (phase === "undoing") await keepPolicy(sql, move, false);
      const lockedMs = performance.now() - started;
      await logRewrite(sql, move, which[phase], lockedMs, statements);
      const outcome = {
        undoing: "undone",
        finishing: "finished",
        cancelling: "cancelled",
      } as const;
      // What is left over goes in a transaction of its own: files of many partitions take their time.
      return {
        turn: "again",
        change: { phase: "cleaning", waits_for: outcome[phase] },
      };
    });

  const clean = (id: string) =>
    step(id, "cleaning", async (sql, move) => {
      const outcome = move.waits_for as "undone" | "finished" | "cancelled";
      for (const statement of move.spec.clean[outcome]) await sql.unsafe(statement);
      const phase = endOf(move);
      return { turn: "rest", change: { phase, waits_for: null, ended_at: clock.now() } };
    }, { limitMs: 2_000 });

  return async (id, phase) => {
    switch (phase) {
      case "copying":
        return await copy(id);
      case "replaying":
        if (await replay(id) === "again") return "again";
        return await makeDirect(id);
      case "verifying":
        return await verify(id);
      case "waiting": {
        const turn = await awaitSnapshots(id);
        return turn === "rest" ? await swap(id) : turn;
      }
      case "undoing":
      case "finishing":
      case "cancelling":
        return await settle(id, phase);
      case "cleaning":
        return await clean(id);
      default:
        return "rest";
    }
  };
}
