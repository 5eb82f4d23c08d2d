import type { Sql } from "../../../db/connection.ts";
import { countDependents } from "../../../db/partitions/rewrite/facts.ts";
import {
  analyzeCopy,
  compareTables,
  copyBlocks,
  lockDefinition,
  lockWriters,
  olderSnapshots,
  pendingChanges,
  recordDirect,
  recordDirectTime,
  replayChanges,
} from "../../../db/partitions/rewrite/rows.ts";
import {
  lockRewrite,
  type RewriteChange,
  type RewriteRow,
  updateRewrite,
} from "../../../db/partitions/rewrite/rewrites.ts";
import type { RewritePhase } from "../../../db/partitions/rewrite/spec.ts";
import { hasAlwaysFired } from "../../../db/partitions/rewrite/triggers.ts";
import type { TableName } from "../../../db/partitions/ddl.ts";
import { runStatements, runTogether } from "../../../db/partitions/run.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { setLockTimeout, setStatementTimeout } from "../../../db/session/transaction.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import { logRewrite } from "./change_log.ts";
import { firstBatchBlocks, nextBatchBlocks, swapLimitMs } from "./pace.ts";
import { waitForOtherVersion } from "./signature.ts";
import { sqlState } from "../../../db/sql_state.ts";

/** Writers queue behind these locks, so an attempt is short and is repeated often. */
export const lockMs = 100;
const longLockMs = 10_000;
const cleanLockMs = 2_000;
const replayMax = 5_000;
/** At most so many changes are replayed while writers wait. */
const lastChangesMax = 300;
/** Statements of a swap sent in one message. */
const togetherMax = 8;
const longestMs = 6 * 60 * 60_000;

/** How a step ended: there is more work now, it waits for somebody, or nothing more is to be done. */
export type StepResult = "again" | "wait" | "done";

export interface StepOptions {
  pool: Pool;
  clock: Clock;
  /** Returns the signature of the table as it is now; a swap is refused when it differs from the planned one. */
  signatureOf: (sql: Sql, rewrite: RewriteRow) => Promise<string>;
  /** Stores the policy with the swap, or deletes it with the undo. */
  keepPolicy: (sql: Sql, rewrite: RewriteRow, keep: boolean) => Promise<void>;
}

type Work = (
  sql: Sql,
  rewrite: RewriteRow,
) => Promise<{ result: StepResult; change?: RewriteChange }>;

/** The phases that end with one short transaction under a lock: which statements it sends, and what follows. */
const settlements = {
  undoing: { statements: "undo", outcome: "undone" },
  finishing: { statements: "finish", outcome: "finished" },
  cancelling: { statements: "cancel", outcome: "cancelled" },
} as const;

function refuseSwap(): never {
  throw new HoldfastError(
    "conflict",
    "The table has changed since the plan was made (columns, indexes, keys, triggers, views, grants); nothing was swapped. Plan it again",
  );
}

/** Throws `conflict` where writes may be missing in the other table: a table that takes its place would lack them. */
async function requireMirrored(
  sql: Sql,
  table: TableName,
  { copy, consequence }: { copy: string; consequence: string },
): Promise<void> {
  if (await hasAlwaysFired(sql, table)) return;
  throw new HoldfastError(
    "conflict",
    `The triggers holdfast_move and holdfast_move_truncate of ${table.schema}.${table.table}, which repeat each write in ${copy}, were disabled or dropped, or the table was replaced: ${copy} may lack rows. ${consequence}`,
  );
}

/** Returns the phase in which a rewrite ends after its clean-up. One cancelled because it failed ends as failed. */
export function endOf({ outcome, spec }: Pick<RewriteRow, "outcome" | "spec">): RewritePhase {
  return outcome === null || outcome === "cancelled" && spec.failure ? "failed" : outcome;
}

/** Carries out a rewrite step by step. Each step is one transaction, so it can stop for good after any of them. */
export class RewriteSteps {
  readonly #options: StepOptions;
  #batchBlocks = firstBatchBlocks;
  #slowSwaps = 0;

  constructor(options: StepOptions) {
    this.#options = options;
  }

  /** Does the next step of a rewrite in this phase. Throws what the server or a check of the step throws. */
  async run(id: string, phase: RewritePhase): Promise<StepResult> {
    switch (phase) {
      case "copying":
        return await this.#copy(id);
      case "replaying":
        return await this.#replay(id) === "again" ? "again" : await this.#writeBoth(id);
      case "verifying":
        return await this.#verify(id);
      case "waiting": {
        const result = await this.#awaitSnapshots(id);
        return result === "done" ? await this.#swap(id) : result;
      }
      case "undoing":
      case "finishing":
      case "cancelling":
        return await this.#settle(id, phase);
      case "cleaning":
        return await this.#clean(id);
      default:
        return "done";
    }
  }

  /** Runs one transaction that holds the rewrite's row and stores the change of the row. */
  async #step(
    id: string,
    phase: RewritePhase,
    work: Work,
    { snapshot = false, limitMs = lockMs }: { snapshot?: boolean; limitMs?: number } = {},
  ): Promise<StepResult> {
    const { pool, clock } = this.#options;
    return await pool.transaction(async (sql) => {
      await setLockTimeout(sql, limitMs);
      await setStatementTimeout(sql, 0);
      const rewrite = await lockRewrite(sql, id);
      // Another Holdfast has continued it meanwhile.
      if (!rewrite || rewrite.phase !== phase) return "again";
      const { result, change } = await work(sql, rewrite);
      // The reason of a failure stays readable while the attempt is undone.
      const error = rewrite.spec.failure?.message ?? null;
      if (change) await updateRewrite(sql, id, { error, ...change }, clock.now());
      return result;
    }, { deadlineMs: longestMs, isolation: snapshot ? "repeatable read" : "read committed" });
  }

  #copy(id: string): Promise<StepResult> {
    return this.#step(id, "copying", async (sql, { spec, next_block, blocks, rows_copied }) => {
      if (next_block >= blocks) {
        await analyzeCopy(sql, spec);
        return { result: "again", change: { phase: "replaying" } };
      }
      const started = performance.now();
      const end = Math.min(blocks, next_block + this.#batchBlocks);
      const rows = await copyBlocks(sql, spec, next_block, end);
      this.#batchBlocks = nextBatchBlocks(this.#batchBlocks, performance.now() - started);
      return { result: "again", change: { next_block: end, rows_copied: rows_copied + rows } };
    }, { limitMs: longLockMs });
  }

  #replay(id: string): Promise<StepResult> {
    return this.#step(id, "replaying", async (sql, { spec, changes_applied }) => {
      const { changes, upTo } = await pendingChanges(sql, spec, replayMax);
      if (upTo === null) return { result: "done" };
      await replayChanges(sql, spec, upTo);
      return {
        result: changes <= lastChangesMax ? "done" : "again",
        change: { changes_applied: changes_applied + changes },
      };
    }, { snapshot: true, limitMs: longLockMs });
  }

  /** From this commit on every write goes to both tables, and both are equal to every new snapshot. */
  #writeBoth(id: string): Promise<StepResult> {
    return this.#step(id, "replaying", async (sql, { spec, changes_applied }) => {
      await lockWriters(sql, spec);
      const started = performance.now();
      const { changes, upTo } = await pendingChanges(sql, spec, lastChangesMax + 1);
      if (changes > lastChangesMax) return { result: "again" };
      if (upTo !== null) await replayChanges(sql, spec, upTo);
      await runStatements(sql, [spec.direct]);
      await recordDirect(sql, id);
      return {
        result: "again",
        change: {
          phase: "verifying",
          changes_applied: changes_applied + changes,
          lock_ms: performance.now() - started,
        },
      };
    });
  }

  #verify(id: string): Promise<StepResult> {
    return this.#step(id, "verifying", async (sql, { spec }) => {
      await recordDirectTime(sql, id);
      const found = await compareTables(sql, spec);
      if (!found?.equal) {
        throw new HoldfastError(
          "conflict",
          "The copy differs from the table; nothing was swapped. Plan it again",
        );
      }
      return {
        result: "again",
        change: { phase: "waiting", rows_verified: found.rows, content_hash: found.hash },
      };
    }, { snapshot: true });
  }

  /** Waits for snapshots older than the complete copy: after the swap they would miss its rows. */
  #awaitSnapshots(id: string): Promise<StepResult> {
    return this.#step(id, "waiting", async (sql, { direct_xid, waits_for }) => {
      const older = direct_xid === null ? [] : await olderSnapshots(sql, direct_xid);
      const [first] = older;
      if (!first) return { result: "done", ...(waits_for ? { change: { waits_for: null } } : {}) };
      const others = older.length > 1 ? ` and ${older.length - 1} more` : "";
      const text =
        `the snapshot of session ${first.pid} (${first.application}, ${first.state})${others}`;
      return { result: "wait", ...(text === waits_for ? {} : { change: { waits_for: text } }) };
    });
  }

  #swap(id: string): Promise<StepResult> {
    const { signatureOf, keepPolicy } = this.#options;
    return this.#step(id, "waiting", async (sql, rewrite) => {
      const { spec, kind } = rewrite;
      const [lock = "", ...statements] = spec.swap;
      const waits_for = waitForOtherVersion(rewrite, await signatureOf(sql, rewrite));
      if (waits_for !== undefined) return { result: "wait", change: { waits_for } };
      await lockDefinition(sql, rewrite);
      const dependents = await countDependents(sql, rewrite);
      if (await signatureOf(sql, rewrite) !== spec.signature) refuseSwap();
      await runStatements(sql, [lock]);
      const started = performance.now();
      if (await countDependents(sql, rewrite) !== dependents) refuseSwap();
      await requireMirrored(sql, spec.source, {
        copy: "the copy",
        consequence: "Nothing was swapped. Plan it again",
      });
      await this.#sendWithinLimit(sql, statements, kind, started);
      if (kind === "convert") await keepPolicy(sql, rewrite, true);
      const lockedMs = performance.now() - started;
      await logRewrite(sql, rewrite, "swap", lockedMs, spec.swap);
      return {
        result: "again",
        change: {
          phase: kind === "convert" ? "swapped" : "finishing",
          waits_for: null,
          error: null,
          lock_ms: Math.max(rewrite.lock_ms ?? 0, lockedMs),
        },
      };
    });
  }

  /** Sends statements under a lock; throws lock_not_available when it has been held for too long, to try again later. */
  async #sendWithinLimit(
    sql: Sql,
    statements: readonly string[],
    kind: RewriteRow["kind"],
    started: number,
  ): Promise<void> {
    const limitMs = swapLimitMs(kind, this.#slowSwaps);
    for (let at = 0; at < statements.length; at += togetherMax) {
      await runTogether(sql, statements.slice(at, at + togetherMax));
      if (performance.now() - started <= limitMs) continue;
      this.#slowSwaps++;
      throw Object.assign(new Error("the swap held its lock for too long"), {
        code: sqlState.lockNotAvailable,
      });
    }
  }

  /** Undoes, finishes or cancels, in a short transaction. What is left over is dropped in another one, for it takes longer. */
  #settle(id: string, phase: keyof typeof settlements): Promise<StepResult> {
    const { keepPolicy } = this.#options;
    return this.#step(id, phase, async (sql, rewrite) => {
      const { statements: name, outcome } = settlements[phase];
      const statements = rewrite.spec[name];
      const [lock = "", ...others] = statements;
      const started = performance.now();
      await runStatements(sql, [lock]);
      if (phase === "undoing") {
        await requireMirrored(sql, rewrite.spec.source, {
          copy: "the old table",
          consequence: "It cannot be undone; finish it instead",
        });
      }
      await runStatements(sql, others);
      if (phase === "undoing") await keepPolicy(sql, rewrite, false);
      await logRewrite(sql, rewrite, name, performance.now() - started, statements);
      return { result: "again", change: { phase: "cleaning", outcome, waits_for: null } };
    });
  }

  #clean(id: string): Promise<StepResult> {
    const { clock } = this.#options;
    return this.#step(id, "cleaning", async (sql, rewrite) => {
      if (rewrite.outcome !== null) await runStatements(sql, rewrite.spec.clean[rewrite.outcome]);
      const change = { phase: endOf(rewrite), waits_for: null, ended_at: clock.now() };
      return { result: "done", change };
    }, { limitMs: cleanLockMs });
  }
}
