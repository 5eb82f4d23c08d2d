import type { MaintenanceEntry } from "../../../db/partitions/log.ts";
import type { HoldRow } from "../../../db/partitions/restraint.ts";
import type { Outcome } from "../execution/outcome.ts";
import type { Step } from "../planning/step.ts";
import { tableOf } from "../policy.ts";
import { leafText } from "../execution/step_tools.ts";

export const pickName = ({ schema, table }: { schema: string; table: string }) => ({
  schema,
  table,
});
/** What is held back of a table, in words. */
export const holdText = (hold: HoldRow) => ({
  table: tableOf(hold),
  reason: hold.kind === "leaf" ? hold.reason : `retention is held back: ${hold.reason}`,
});

/** A step that would fail again, as what it leaves unproven. */
export function leftUnproven(step: Step, reason: string): Outcome["unproven"] {
  const { table, action } = step;
  return ["seal", "archive", "drop"].includes(action)
    ? [{ table, partition: leafText(step), reason }]
    : [];
}

/** A hold as the maintenance log has it: a failure, so that it is no rotation. */
export function holdEntry(hold: HoldRow): MaintenanceEntry {
  return {
    action: "hold",
    table_name: tableOf(hold),
    partition_name: hold.partition === "" ? null : hold.partition,
    reason: hold.kind === "leaf" ? "its rows cannot be read and counted" : "retention is held back",
    duration_ms: 0,
    error: hold.reason,
    sql: null,
  };
}
