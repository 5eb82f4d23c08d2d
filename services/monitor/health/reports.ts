import type { Change } from "../../../db/history/changes.ts";
import type { CollectorName } from "../../../db/collectors/list.ts";
import { levelOf, type Rule } from "../../alerts/rules/rule.ts";
import type { Changes } from "../diagnosis/changes.ts";
import type { StatementOrder, StatementReport } from "../diagnosis/statements.ts";
import { metricValues } from "./metric_values.ts";
import { judgeMissing } from "../diagnosis/indexes.ts";
import { blockingTree } from "../diagnosis/locks.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether a report is based on a fresh reading, and if not, why. */
export interface ReportState {
  status: "known" | "unknown";
  detail: string;
  checked_at: string | null;
  age_ms: number | null;
}

/** Returns whether the reading of a collector is fresh. */
function stateOf(snapshot: Snapshot, name: CollectorName): ReportState {
  const { unreachable, view, readings, now } = snapshot;
  const reading = readings[name];
  const why = unreachable
    ? "the database cannot be reached"
    : reading.missing ?? (view.rows(name) ? undefined : reading.error ?? "not read lately");
  return {
    status: why === undefined ? "known" : "unknown",
    detail: why ?? "",
    checked_at: reading.at === undefined ? null : new Date(reading.at).toISOString(),
    age_ms: reading.at === undefined ? null : Math.max(0, now - reading.at),
  };
}

const hiddenDetail = "sessions of other roles are hidden: grant pg_monitor to Holdfast's role";

/** Returns which sessions block which, as trees from the root blockers. */
export function locksReport(snapshot: Snapshot) {
  const state = stateOf(snapshot, "locks");
  const hidden = state.status === "known" && snapshot.metrics.blocked_sessions === null;
  return {
    ...state,
    ...(hidden ? { status: "unknown" as const, detail: hiddenDetail } : {}),
    roots: blockingTree(snapshot.readings.locks.value ?? []),
  };
}

const hour = 3_600_000;
const changesShown = 10;
const word = /[a-z_][a-z0-9_]+/g;

/** Returns the changes from an hour before a statement became slower to a quarter of an hour after, likely causes first. */
function suspects(since: number, query: string | null, changes: Pick<Changes, "between">) {
  const words = new Set(query?.toLowerCase().match(word));
  const text = query?.replaceAll(/\s+/g, " ").trim();
  const names = ({ kind, subject }: Change) =>
    kind === "plan" && text?.startsWith(subject) ||
    (kind === "ddl" || kind === "index") &&
      (subject.toLowerCase().replace(/^.* on /, "").match(word) ?? []).some((one) =>
        one.length > 3 && words.has(one) && !keywords.has(one)
      );
  return changes.between(since - hour, since + hour / 4)
    .map((change) => ({
      ...change,
      at: new Date(change.at).toISOString(),
      same_table: names(change),
    }))
    .sort((a, b) => Number(b.same_table) - Number(a.same_table) || b.at.localeCompare(a.at))
    .slice(0, changesShown);
}

/** Words of SQL and of schemas that do not name a table. */
const keywords = new Set(
  "select from where insert into update delete table index public create drop alter column using order group and values"
    .split(" "),
);

/** Returns whether the statements are known, and a statement with the changes around the beginning of its regressions. */
function statementParts(snapshot: Snapshot, changes: Pick<Changes, "between">) {
  const state = stateOf(snapshot, "statements");
  const hidden = state.status === "known" && !snapshot.view.seesAll;
  return {
    ...state,
    // What is shown is correct but not complete, so its status stays known.
    ...(hidden
      ? { detail: "statements of other roles are hidden: grant pg_monitor to Holdfast's role" }
      : {}),
    shown: (one: StatementReport) => ({
      ...one,
      regressions: one.regressions.map(({ query_id: _id, since, ...rest }) => ({
        ...rest,
        since: new Date(since).toISOString(),
        changes: suspects(since, one.query, changes),
      })),
    }),
  };
}

/** Returns the most expensive statements first, by what they did of late or in total. */
export function queriesReport(
  snapshot: Snapshot,
  changes: Pick<Changes, "between">,
  order: "recent" | "total",
  by: StatementOrder,
) {
  const { shown, ...state } = statementParts(snapshot, changes);
  return { ...state, queries: snapshot.statements.report(Infinity, order, by).map(shown) };
}

/** Returns one statement, or null where the statistics have none with that id. */
export function statementReport(
  snapshot: Snapshot,
  changes: Pick<Changes, "between">,
  id: string,
) {
  const { shown, ...state } = statementParts(snapshot, changes);
  const found = snapshot.statements.report(Infinity, "total").find(({ query_id }) =>
    query_id === id
  );
  return { ...state, statement: found ? shown(found) : null };
}

/** Returns every index with its problems, and the indexes that foreign keys lack. */
export function indexesReport(snapshot: Snapshot) {
  return {
    ...stateOf(snapshot, "indexes"),
    indexes: snapshot.view.indexes?.all ?? [],
    missing: judgeMissing(snapshot.view.rows("missing_indexes") ?? []),
  };
}

/** One value; `bad` when it is beyond a level of an enabled rule. */
export interface MetricReport {
  name: string;
  scope: string;
  value: number | null;
  status: "known" | "bad" | "unknown";
}

/** Returns every present value of the server and of single tables, slots and so on. */
export function metricsReport(snapshot: Snapshot, rules: readonly Rule[]): MetricReport[] {
  return metricValues(snapshot).map(({ metric, scope, value }) => {
    const bad = value !== null && rules.some((rule) => {
      const level = rule.metric === metric && rule.enabled ? levelOf(rule, value) : "clear";
      return level === "warning" || level === "critical";
    });
    return {
      name: metric,
      scope,
      value,
      status: value === null ? "unknown" : bad ? "bad" : "known",
    };
  });
}
