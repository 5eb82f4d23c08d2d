import type { Change } from "../../../db/history/changes.ts";
import type { CollectorName } from "../../../db/collectors/list.ts";
import { levelOf, type Rule } from "../../alerts/rules/rule.ts";
import type { Changes } from "../diagnosis/changes.ts";
import { metricValues } from "./metric_values.ts";
import { judgeMissing } from "../diagnosis/indexes.ts";
import { blockingTree } from "../diagnosis/locks.ts";
import type { Snapshot } from "../snapshot.ts";

/** Whether a report rests on what was read lately, and why not. */
export interface ReportState {
  status: "known" | "unknown";
  detail: string;
  checked_at: string | null;
  age_ms: number | null;
}

/** How far what a collector read can be relied on. Stale or partly hidden is unknown. */
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

/** Who blocks whom, from the roots down. */
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

/** What changed in the hour before a statement got dearer, and a little after: the most likely causes first. */
function suspects(since: number, query: string | null, changes: Pick<Changes, "between">) {
  const words = new Set(query?.toLowerCase().match(word));
  const names = ({ kind, subject }: Change) =>
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

/** Words that tell nothing of which table is meant. */
const keywords = new Set(
  "select from where insert into update delete table index public create drop alter column using order group and values"
    .split(" "),
);

/** The dearest statements, by what they cost of late or in all; those that got dearer with what changed around then. */
export function queriesReport(
  snapshot: Snapshot,
  changes: Pick<Changes, "between">,
  limit: number,
  order: "recent" | "total",
) {
  const state = stateOf(snapshot, "statements");
  const hidden = state.status === "known" && !snapshot.view.seesAll;
  return {
    ...state,
    // What is there is true, if not all.
    ...(hidden ? { detail: "only this role's statements are seen: grant pg_monitor to it" } : {}),
    queries: snapshot.statements.report(limit, order).map((one) => ({
      ...one,
      regressions: one.regressions.map(({ query_id: _id, since, ...rest }) => ({
        ...rest,
        since: new Date(since).toISOString(),
        changes: suspects(since, one.query, changes),
      })),
    })),
  };
}

/** Every index with what is wrong with it, and those that are missing. */
export function indexesReport(snapshot: Snapshot) {
  return {
    ...stateOf(snapshot, "indexes"),
    indexes: snapshot.view.indexes?.all ?? [],
    missing: judgeMissing(snapshot.view.rows("missing_indexes") ?? []),
  };
}

/** One value as rules see it: bad when a rule in force calls it so. */
export interface MetricReport {
  name: string;
  scope: string;
  value: number | null;
  status: "known" | "bad" | "unknown";
}

/** Every present value, of the whole server and of single tables, slots and so on. */
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
