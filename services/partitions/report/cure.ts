import type { Cure } from "../../alerts/alert.ts";
import type { PlanContext } from "../planning/facts.ts";
import { planTable } from "../planning/planner.ts";
import { tableOf } from "../policy.ts";
import type { TableReading } from "./report.ts";

const rulesCured = new Set([
  "partition_runway",
  "partition_cover",
  "partition_holes",
  "default_rows",
  "drain_failed",
]);
/** At most so many leaves, and statements of one leaf, are in an alert; the plan has all. */
const leavesMax = 20;
const statementsMax = 50;

/** Makes what answers the statements that cure an alert about a table's partitions; each reading is planned once. */
export function createPartitionCures() {
  const planned = new WeakMap<TableReading, Cure[]>();

  /** Returns the exact statements, from what was last read; undefined for a rule or table that has none. */
  return function partitionCure(
    rule: string,
    table: string,
    readings: readonly TableReading[],
    context: PlanContext,
  ): Cure[] | undefined {
    if (!rulesCured.has(rule)) return undefined;
    const found = readings.find(({ facts }) => tableOf(facts.policy) === table);
    if (!found) return undefined;
    // Monitoring does not read which rows the default holds: they may have to be moved first.
    if (found.defaultRows !== 0) return [byPlan(table)];
    const cures = planned.get(found) ?? planCures(found, context);
    planned.set(found, cures);
    return cures;
  };
}

function planCures({ facts }: TableReading, context: PlanContext): Cure[] {
  const { steps } = planTable(facts, context);
  return steps.filter(({ action }) => action === "finalize" || action === "attach")
    .slice(0, leavesMax)
    .map(({ statements, transaction }) => {
      const sql = statements.map((statement) => `${statement.sql};`).join("\n");
      const whole = transaction ? `begin;\n${sql}\ncommit;` : sql;
      return {
        sql: statements.length > statementsMax
          ? `-- ${statements.length} statements in one transaction: POST /api/partitions/plan lists them, POST /api/partitions/apply with its digest carries them out`
          : whole,
        lock: [...new Set(statements.map(({ lock }) => lock))].join("; "),
        risk:
          "POST /api/partitions/plan and /api/partitions/apply do the same with lock timeouts, and check first that the names are free",
      };
    });
}

/** Returns a cure that refers to the plan, which reads the table itself. */
function byPlan(table: string): Cure {
  const body = JSON.stringify({ table });
  return {
    sql:
      `-- POST /api/partitions/plan ${body} lists the statements, or why there are none; POST /api/partitions/apply with its digest and the same table carries them out`,
    lock: "see the plan, for each statement",
    risk:
      "rows of the default go into partitions of their own, in batches, while readers and writers work on",
  };
}
