import type { MaintenanceEntry } from "../../../db/partitions/records/log.ts";
import type { HoldRow } from "../../../db/partitions/records/restraint.ts";
import type { Outcome } from "../execution/outcome.ts";
import type { Step } from "../planning/step.ts";
import { type Policy, tableOf } from "../policy.ts";
import { leafText } from "../execution/step_tools.ts";

/** Returns only the name of a table. */
export const pickName = ({ schema, table }: { schema: string; table: string }) => ({
  schema,
  table,
});

/** Returns a hold as a reason for people. */
export const holdText = (hold: HoldRow) => ({
  table: tableOf(hold),
  reason: hold.kind === "leaf" ? hold.reason : `retention is held back: ${hold.reason}`,
});

/** Returns the leaf of a step that is left out because it would fail again; empty for steps that prove nothing. */
export function leftUnproven(step: Step, reason: string): Outcome["unproven"] {
  const { table, action } = step;
  return ["seal", "archive", "drop"].includes(action)
    ? [{ table, partition: leafText(step), reason }]
    : [];
}

/** Returns a hold as an entry of the maintenance log: an error, so that it does not count as a rotation. */
export function holdEntry(hold: HoldRow): MaintenanceEntry {
  return {
    action: "hold",
    table: tableOf(hold),
    partition: hold.partition === "" ? null : hold.partition,
    reason: hold.kind === "leaf" ? "its rows cannot be read and counted" : "retention is held back",
    duration_ms: 0,
    error: hold.reason,
    sql: null,
  };
}

/** Returns the holds of a plan and those of leaves that could not be proven, one for each leaf: the first reason counts. */
export function mergeHolds(
  policies: readonly Policy[],
  holds: readonly HoldRow[],
  unproven: Outcome["unproven"],
): HoldRow[] {
  const all = new Map<string, HoldRow>();
  const add = (hold: HoldRow) => {
    const key = JSON.stringify([tableOf(hold), hold.kind, hold.partition]);
    if (!all.has(key)) all.set(key, hold);
  };
  for (const hold of holds) add(hold);
  for (const { table, partition, reason } of unproven) {
    const policy = policies.find((one) => tableOf(one) === table);
    if (policy) add({ ...pickName(policy), kind: "leaf", partition, partitions: 1, reason });
  }
  return [...all.values()];
}
