import { detachStatement } from "../../../db/partitions/ddl.ts";
import { reconcileDetached, rememberDetach } from "../../../db/partitions/records/detached.ts";
import { isPending } from "../../../db/partitions/catalogue/leaves.ts";
import { logMaintenance, type MaintenanceEntry } from "../../../db/partitions/records/log.ts";
import { sendOutsideTransaction } from "../../../db/partitions/outside.ts";
import { runStatements } from "../../../db/partitions/run.ts";
import type { Step } from "../planning/step.ts";
import { toTheEnd } from "../../requests/work.ts";
import { leafTable, leafText, outsideLimits, type StepTools } from "./step_tools.ts";

/** Logs a step and updates the records of detached leaves; `trusted`: a cool-down may begin now. */
export async function logStep(
  { steadyPool: pool, clock }: StepTools,
  entry: MaintenanceEntry,
  trusted: boolean,
): Promise<void> {
  await pool.run(async (sql) => {
    await logMaintenance(sql, [entry]);
    await reconcileDetached(sql, { at: clock.now(), trusted });
  });
}

/** Detaches outside of a transaction. A detach that was interrupted is finalised, whatever the step says. */
async function detachConcurrently(
  { steadyPool: pool, context }: StepTools,
  step: Step,
): Promise<void> {
  const [statement] = step.statements;
  const why = `the detach of ${leafText(step)} runs to its end: cancelled, it would hide the ` +
    "rows of the partition and make other detaches fail";
  await toTheEnd(context, why, () =>
    pool.run(async (sql) => {
      const pending = step.oid !== undefined && await isPending(sql, step.oid);
      const text = pending
        ? detachStatement(step.parent, leafTable(step), "finalize")
        : statement?.sql ?? "";
      await sendOutsideTransaction(pool, sql, text, outsideLimits);
    }));
}

/** Records that retention detaches a leaf, before it does. */
async function recordDetach(
  { steadyPool: pool, clock, refuseChanged }: StepTools,
  step: Step,
): Promise<void> {
  const { oid, bound = "", retention } = step;
  if (oid === undefined || retention === undefined) return;
  await pool.run(async (sql) => {
    await refuseChanged(sql, step);
    await rememberDetach(sql, {
      parent: step.parent,
      leaf: leafTable(step),
      oid,
      bound,
      action: retention,
      withinBrake: step.confirmed !== true,
      at: clock.now(),
    });
  });
}

/** Detaches a leaf, or finalises its detach. */
export async function detachLeaf(
  tools: StepTools,
  step: Step,
  isTrusted: () => boolean,
): Promise<void> {
  const { steadyPool: pool, limitLocks, withRetries, entry } = tools;
  const started = performance.now();
  await recordDetach(tools, step);
  await withRetries(step, () =>
    step.transaction
      ? pool.transaction(async (sql) => {
        await limitLocks(sql, step.heavy, step.distributed);
        await runStatements(sql, step.statements);
      })
      : detachConcurrently(tools, step));
  await logStep(tools, entry(step, started, undefined), isTrusted());
}
