import { attachedNames } from "../../../db/partitions/catalogue/leaves.ts";
import { lockPartitionChanges } from "../../../db/partitions/lock.ts";
import { logMaintenance } from "../../../db/partitions/records/log.ts";
import { runStatements } from "../../../db/partitions/run.ts";
import type { Step } from "../planning/step.ts";
import type { StepTools } from "./step_tools.ts";

/** Attaches several leaves of one table in one transaction. Those that are attached already are left out. */
export async function attachLeaves(
  { pool, limitLocks, withRetries, entry }: StepTools,
  steps: readonly Step[],
): Promise<void> {
  const [first] = steps;
  if (!first) return;
  await withRetries(first, () =>
    pool.transaction(async (sql) => {
      await limitLocks(sql, first.heavy, first.distributed);
      await lockPartitionChanges(sql);
      // An upload, or another Holdfast, may have made some of them since the plan.
      const present = new Set(await attachedNames(sql, first.parent));
      const started = performance.now();
      const missing = steps.filter(({ partition }) => !present.has(partition.name));
      for (const { statements } of missing) await runStatements(sql, statements);
      const duration_ms = (performance.now() - started) / missing.length;
      await logMaintenance(
        sql,
        missing.map((step) => ({ ...entry(step, started, undefined), duration_ms })),
      );
    }));
}
