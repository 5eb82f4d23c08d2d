import type { ChangedPlan, PlanOfBackup } from "../monitor/diagnosis/plan_changes.ts";
import { median } from "../benchmarks/statistics.ts";
import type { Rehearsal, StatementResult } from "./rehearsal.ts";

/** What is read of a rehearsal. */
export type PlannedRehearsal = Pick<
  Rehearsal,
  "status" | "source" | "copy" | "statements" | "created_at"
>;

/** A plan is compared with those of backups up to this much older; milliseconds. After that it counts as the usual one. */
const comparedMs = 7 * 24 * 3_600_000;
/** Statements with unchanged plans that must show how fast the machine was, for measured times to be compared. */
const unchangedMin = 3;
const plansMax = 50;
const scopeMax = 80;
const statementMax = 2_000;
const planMax = 4_000;

/** A statement's generic plan on the unchanged copy of a backup. */
interface Planned {
  statement: StatementResult;
  plan: string;
  copy: { backup: string; taken_at: string };
  of: PlannedRehearsal;
}

const shorten = (text: string, max: number) =>
  text.length > max ? `${text.slice(0, max - 1)}…` : text;

/** Lists the plans of completed rehearsals of backups, in their order; an upgrade's copies have other statistics. */
function plansOf(rehearsals: readonly PlannedRehearsal[]): Planned[] {
  return rehearsals.flatMap((of) => {
    const { status, source, copy, statements } = of;
    if (status !== "done" || source === "upgrade" || !copy?.backup) return [];
    const place = { backup: copy.backup, taken_at: copy.taken_at };
    return statements.flatMap((statement) =>
      statement.generic_plan === null
        ? []
        : [{ statement, plan: statement.generic_plan, copy: place, of }]
    );
  });
}

/** Returns after / before where both are known and positive. */
const ratio = (before: number | null, after: number | null): number | null =>
  before !== null && after !== null && before > 0 ? after / before : null;

/**
 * Returns how many times as long the statements with unchanged plans took in the later rehearsal: the machine, and not the
 * plans, made this difference. Null where too few were measured in both.
 */
function machineRatio(before: PlannedRehearsal, after: PlannedRehearsal): number | null {
  const ratios = after.statements.flatMap((one) => {
    const same = before.statements.find(({ query, generic_plan }) =>
      query === one.query && generic_plan !== null && generic_plan === one.generic_plan
    );
    return ratio(same?.before_ms ?? null, one.before_ms) ?? [];
  });
  return ratios.length < unchangedMin ? null : median(ratios);
}

/** Compares measured times where the machine's speed is known in both rehearsals, otherwise the planner's estimates. */
function costTimes(before: Planned, after: Planned): Pick<ChangedPlan, "times" | "by"> | null {
  const machine = machineRatio(before.of, after.of);
  const measured = ratio(before.statement.before_ms, after.statement.before_ms);
  // A faster machine does not make a plan more expensive.
  if (machine !== null && measured !== null) {
    return { times: measured / Math.max(1, machine), by: "measured" };
  }
  const estimated = ratio(before.statement.generic_cost, after.statement.generic_cost);
  return estimated === null ? null : { times: estimated, by: "estimated" };
}

const shown = ({ statement, plan, copy }: Planned): PlanOfBackup => ({
  ...copy,
  plan: shorten(plan, planMax),
  estimated_cost: statement.generic_cost,
  measured_ms: statement.before_ms,
});

/** Compares a statement's plan with the newest earlier one that differs; undefined where nothing can be compared. */
function compare(after: Planned, older: readonly Planned[]): ChangedPlan | undefined {
  const { query, query_id } = after.statement;
  const before = older.find(({ statement, plan }) =>
    statement.query === query && plan !== after.plan
  );
  const cost = before && costTimes(before, after);
  if (!cost) return undefined;
  return {
    scope: shorten(query.replaceAll(/\s+/g, " ").trim(), scopeMax),
    statement: shorten(query, statementMax),
    query_id,
    ...cost,
    before: shown(before),
    after: shown(after),
  };
}

/** Keeps one change per key. */
function oneEach(
  changes: readonly ChangedPlan[],
  keyOf: (one: ChangedPlan) => string,
  isBetter: (one: ChangedPlan, kept: ChangedPlan) => boolean,
): ChangedPlan[] {
  const found = new Map<string, ChangedPlan>();
  for (const one of changes) {
    const kept = found.get(keyOf(one));
    if (!kept || isBetter(one, kept)) found.set(keyOf(one), one);
  }
  return [...found.values()];
}

/**
 * Returns the statements of pg_stat_statements whose plan on the newest rehearsed backup differs from that on a backup of the
 * seven days before and costs more, the most expensive changes first, 50 at most. `rehearsals` are newest first. Pure.
 */
export function findChangedPlans(rehearsals: readonly PlannedRehearsal[]): ChangedPlan[] {
  const planned = plansOf(rehearsals);
  const at = ({ copy }: Planned) => Date.parse(copy.taken_at);
  const newest = Math.max(...planned.map(at));
  const older = planned.filter((one) => at(one) < newest && at(one) >= newest - comparedMs)
    .sort((a, b) => at(b) - at(a));
  // A statement that was given may hold values, which no alert should show.
  const present = planned.filter((one) => at(one) === newest && one.statement.query_id !== null);
  const changes = present.flatMap((one) => compare(one, older) ?? []);
  // Several rehearsals of one backup measured the same statement: what all of them show counts.
  const ofStatements = oneEach(
    changes,
    ({ statement }) => statement,
    (one, kept) => one.times < kept.times,
  );
  const ofScopes = oneEach(
    ofStatements,
    ({ scope }) => scope,
    (one, kept) => one.times > kept.times,
  );
  return ofScopes.filter(({ times }) => times > 1).sort((a, b) => b.times - a.times).slice(
    0,
    plansMax,
  );
}
