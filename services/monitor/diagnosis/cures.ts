import { quoteIdent, quoteLiteral, quoteTable } from "../../../db/sql.ts";
import type { Cure, Rule } from "../../alerts/rules/rule.ts";
import { judgeMissing } from "./indexes.ts";
import type { View } from "../signals/signal.ts";

/** Statements of one alert at most. */
const curesMax = 5;

/** `schema.table` quoted; undefined when a dot within a name makes it ambiguous. */
function tableOf(scope: string): string | undefined {
  const [schema, table, ...more] = scope.split(".");
  return schema && table && more.length === 0 ? quoteTable(schema, table) : undefined;
}

const vacuum = (options: string, risk: string) => (scope: string): Cure[] | undefined => {
  const table = tableOf(scope);
  return table
    ? [{ sql: `vacuum (${options}) ${table}`, lock: "SHARE UPDATE EXCLUSIVE", risk }]
    : undefined;
};

function widen(scope: string, view: View): Cure[] | undefined {
  const fed = view.rows("sequences")?.find(({ sequence }) => sequence === scope)?.column;
  const [schema, table, column, ...more] = fed?.split(".") ?? [];
  if (!schema || !table || !column || more.length > 0) return undefined;
  return [{
    sql: `alter table ${quoteTable(schema, table)} alter column ${quoteIdent(column)} type bigint`,
    lock: "ACCESS EXCLUSIVE",
    risk: "rewrites the table: on a large one, fill a new column and swap",
  }];
}

const dropSlot = (risk: string) => (scope: string): Cure[] | undefined =>
  scope === ""
    ? undefined
    : [{ sql: `select pg_drop_replication_slot(${quoteLiteral(scope)})`, lock: "none", risk }];

const ofIndexes = (problem: "invalid" | "duplicate" | "unused") => (_scope: string, view: View) =>
  view.indexes?.all.filter(({ problems }) => problems.includes(problem))
    .flatMap(({ cure }) => cure ?? []);

type Fill = (scope: string, view: View) => readonly Cure[] | undefined;

/** How the statements of a rule are made from what the alert is about and what was last read. */
const fills: Readonly<Record<string, Fill>> = {
  autovacuum_lag: vacuum(
    "analyze, verbose",
    "reads and writes; then raise autovacuum_vacuum_cost_limit",
  ),
  freeze_lag: vacuum("freeze, verbose", "reads and writes the whole table"),
  stale_statistics(scope) {
    const table = tableOf(scope);
    return table
      ? [{ sql: `analyze ${table}`, lock: "SHARE UPDATE EXCLUSIVE", risk: "reads a sample" }]
      : undefined;
  },
  sequence: widen,
  sequence_soon: widen,
  slot_inactive: dropSlot("its consumer cannot go on, and must be made anew"),
  slot_lost: dropSlot("none: it is of no use any more; then make its consumer anew"),
  invalid_index: ofIndexes("invalid"),
  duplicate_index: ofIndexes("duplicate"),
  unused_index: ofIndexes("unused"),
  missing_index: (_scope, view) =>
    judgeMissing(view.rows("missing_indexes") ?? []).map(({ cure }) => cure),
  prepared_transaction: (_scope, view) =>
    view.rows("xmin_horizon")?.filter(({ kind }) => kind === "prepared transaction")
      .map(({ name }) => ({
        sql: `rollback prepared ${quoteLiteral(name)}`,
        lock: "none",
        risk: "its work is lost; commit prepared keeps it",
      })),
};

/**
 * Returns the statements that cure an alert of `rule` in `scope`, with the names of what it is about. Where those are
 * not known it returns the rule's own, which find them.
 */
export function curesFor(rule: Rule, scope: string, view: View): readonly Cure[] {
  const own = Object.hasOwn(fills, rule.name) ? fills[rule.name]?.(scope, view) : undefined;
  return own && own.length > 0 ? own.slice(0, curesMax) : rule.cure;
}
