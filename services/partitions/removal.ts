import { endDetached } from "../../db/partitions/detached.ts";
import { presentTable } from "../../db/partitions/leaves.ts";
import { logMaintenance } from "../../db/partitions/log.ts";
import { lockWhole } from "../../db/partitions/storage.ts";
import { HoldfastError } from "../../errors.ts";
import type { Step } from "./planning/step.ts";
import { refuseOdd, withStatistics } from "./seal/ordinary.ts";
import { leafTable, leafText, type LockedCheck, type StepTools } from "./tools.ts";

/** Longest that a drop may take: its rows may be counted once more. */
const longestMs = 55 * 60_000;

/** Drops and moves detached leaves, each if it is still the one that was detached and `check` holds under its lock. */
export function createRemoval({ pool, clock, send, limitLocks, patiently, entry }: StepTools) {
  async function change(step: Step, check?: LockedCheck): Promise<void> {
    await pool.transaction(async (sql) => {
      const started = performance.now();
      await limitLocks(sql, step.heavy);
      const found = await presentTable(sql, leafTable(step));
      if (found?.oid !== step.oid || found?.attached) {
        throw new HoldfastError("conflict", `${leafText(step)} is not what was detached any more`);
      }
      if (step.action === "drop") {
        await refuseOdd(sql, step);
        await lockWhole(sql, leafTable(step));
        await refuseOdd(sql, step);
        await check?.(sql);
      }
      for (const { sql: statement } of step.statements) await send(sql, statement);
      const outcome = step.action === "drop" ? "dropped" : "moved";
      if (step.detached) await endDetached(sql, step.detached.id, outcome, clock.now());
      await logMaintenance(sql, [entry(step, started, undefined)]);
    }, { deadlineMs: longestMs });
  }

  return (step: Step, check: LockedCheck | void): Promise<void> =>
    withStatistics(pool, step, () => patiently(step, () => change(step, check ?? undefined)));
}
