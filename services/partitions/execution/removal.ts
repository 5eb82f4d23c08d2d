import type { Sql } from "../../../db/connection.ts";
import type { TableName } from "../../../db/partitions/ddl.ts";
import { endDetached } from "../../../db/partitions/records/detached.ts";
import { presentTable } from "../../../db/partitions/catalogue/leaves.ts";
import { logMaintenance } from "../../../db/partitions/records/log.ts";
import { runStatements } from "../../../db/partitions/run.ts";
import { lockWhole } from "../../../db/partitions/catalogue/storage.ts";
import { behindSavepoint } from "../../../db/session/transaction.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Step } from "../planning/step.ts";
import { refuseOdd, withStatistics } from "../sealing/ordinary.ts";
import { leafTable, leafText, type LockedCheck, type StepTools } from "./step_tools.ts";

/** Longest duration of a drop: its rows may be counted once more. */
const longestMs = 55 * 60_000;

/** Throws `conflict` unless `place`, the name of a step's leaf, is still that of the table that was detached. */
async function refuseOther(sql: Sql, step: Step, place = leafTable(step)): Promise<void> {
  const found = await presentTable(sql, place);
  if (found?.oid !== step.oid || found?.attached) {
    throw new HoldfastError(
      "conflict",
      `${leafText(step)} is not the table that was detached any more`,
    );
  }
}

/** Returns where a step moves its leaf. */
const movedTable = (step: Step): TableName => ({
  schema: step.policy?.retention?.schema ?? step.partition.schema,
  table: step.partition.name,
});

/** Drops or moves a detached leaf, if it is still the table that was detached and `check` succeeds under its lock. */
export function createRemoval(
  { pool, clock, limitLocks, refuseChanged, withRetries, entry }: Omit<
    StepTools,
    "steadyPool" | "context"
  >,
) {
  /** Calls `giveUp` with an error that persists after the check, which is not repeated for it. */
  async function change(
    step: Step,
    check: LockedCheck | undefined,
    giveUp: (error: unknown) => void,
  ): Promise<void> {
    await pool.transaction(async (sql) => {
      const started = performance.now();
      await limitLocks(sql, step.heavy);
      await refuseOther(sql, step);
      if (step.action === "drop") {
        await refuseOdd(sql, step);
        await lockWhole(sql, leafTable(step));
        // Whoever had the lock may have attached the leaf again, or replaced it.
        await refuseOther(sql, step);
        await refuseOdd(sql, step);
        await check?.(sql);
      }
      await refuseChanged(sql, step);
      // Only the lock of another table can be in the way here: what was checked above stays locked.
      await withRetries(step, () =>
        behindSavepoint(sql, async () => {
          await runStatements(sql, step.statements);
        })).catch((error) => {
          giveUp(error);
          throw error;
        });
      if (step.action === "move") {
        // Only the statement can lock a foreign table. Whoever had the lock may have attached the leaf again, or replaced it.
        await refuseOther(sql, step, movedTable(step));
        await refuseChanged(sql, step);
      }
      const outcome = step.action === "drop" ? "dropped" : "moved";
      if (step.detached) await endDetached(sql, step.detached.id, outcome, clock.now());
      await logMaintenance(sql, [entry(step, started, undefined)]);
    }, { deadlineMs: longestMs });
  }

  async function remove(step: Step, check: LockedCheck | undefined): Promise<void> {
    let final: { error: unknown } | undefined;
    await withRetries(step, async () => {
      try {
        await change(step, check, (error) => final = { error });
      } catch (error) {
        if (!final) throw error;
      }
    });
    if (final) throw final.error;
  }

  return (step: Step, check: LockedCheck | void): Promise<void> =>
    withStatistics(pool, step, () => remove(step, check ?? undefined));
}
