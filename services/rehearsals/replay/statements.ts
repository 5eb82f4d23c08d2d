import type { Sql } from "../../../db/connection.ts";
import { describeDatabaseError, isUnreachable } from "../../../db/errors.ts";
import { explainStatement, timeStatement } from "../../../db/rehearsals/replay.ts";
import { type Estimate, improvementOf, type Interval } from "../../benchmarks/statistics.ts";
import type { StatementResult } from "../rehearsal.ts";
import type { ReplayStatement } from "../workload/variants.ts";
import { charge, judgeStatement } from "./judge.ts";
import { describeDifference, type ReadPlan, readPlan } from "./plan_text.ts";
import type { RehearsalProfile } from "./profiles.ts";
import { compareArms, type Sessions, tookTooLong } from "./replay.ts";

/** A statement that runs on the copy, with its measurements before the change. */
export interface Rehearsed extends ReplayStatement {
  /** Milliseconds of one run through all variants before the change. */
  runMs: number;
  /** Difference of the two copies before the change. */
  before: Estimate | null;
  /** Nodes of its generic plan before the change; null where there is none. */
  genericPlan: string | null;
  /** The planner's estimate of what it costs. */
  genericCost: number | null;
  beforeMs: number | null;
}

/** Limits of a phase, the same for every statement. */
export interface PhaseOptions {
  profile: RehearsalProfile;
  seed: number;
  /** Error of each interval, so that all together hold with 95 %. */
  alpha: number;
  signal: AbortSignal;
}

/**
 * Runs a statement's variants on both copies, which shows that they work and warms the caches, and keeps as many as fit
 * into the time of one run. Returns the reason when none can be used, and why some are left out.
 */
export async function tryStatement(
  sessions: Sessions,
  statement: ReplayStatement,
  { profile, signal }: Pick<PhaseOptions, "profile" | "signal">,
): Promise<{ rehearsed: Rehearsed; left: string | undefined } | { reason: string }> {
  const kept: string[] = [];
  let runMs = 0;
  let failed = 0;
  let problem = "";
  for (const text of statement.variants) {
    signal.throwIfAborted();
    if (runMs > profile.runMs) break;
    try {
      await timeStatement(sessions.baseline, text, statement.kind);
      await timeStatement(sessions.candidate, text, statement.kind);
      runMs += await timeStatement(sessions.baseline, text, statement.kind);
      kept.push(text);
    } catch (error) {
      signal.throwIfAborted();
      if (isUnreachable(error)) throw error;
      failed++;
      problem = tookTooLong(error)
        ? `it takes longer than ${profile.statementMs / 1000} s on the copy`
        : `the copy refuses it: ${describeDatabaseError(error).slice(0, 300)}`;
    }
  }
  if (kept.length === 0) return { reason: problem };
  return {
    left: failed > 0
      ? `${failed} of ${statement.variants.length} sets of values are left out: ${problem}`
      : undefined,
    rehearsed: {
      ...statement,
      variants: kept,
      runMs,
      before: null,
      beforeMs: null,
      genericPlan: null,
      genericCost: null,
    },
  };
}

/** Returns a function that runs all variants once on one of the copies. */
const runAll =
  (sessions: Sessions, { variants, kind }: ReplayStatement) =>
  async (role: "baseline" | "candidate") => {
    let elapsedMs = 0;
    for (const text of variants) elapsedMs += await timeStatement(sessions[role], text, kind);
    return { units: variants.length, elapsedMs };
  };

/** Measures the difference of the two copies before the change; unknown where a busy machine exceeds the timeout. */
export async function measureBefore(
  sessions: Sessions,
  statement: Rehearsed,
  { profile, seed, alpha, signal }: PhaseOptions,
): Promise<void> {
  statement.beforeMs = statement.runMs / statement.variants.length;
  const comparing = compareArms(runAll(sessions, statement), {
    measuring: profile.before,
    seed,
    alpha,
    before: null,
    expectedMs: statement.runMs,
    signal,
  });
  const found = await comparing.catch(unlessTooLong);
  if (!found) return;
  statement.before = found.estimate;
  statement.beforeMs = found.median_ms.baseline;
}

/** The plans of a statement on both copies, for all its variants. */
interface Plans {
  before: ReadPlan | undefined;
  after: ReadPlan | undefined;
  changed: boolean;
  /** Whether every variant was executed in the same way, as far as plans show it. */
  sameExecution: boolean;
  relations: Set<string>;
}

/** Returns a statement's plan; without its execution where that, which EXPLAIN slows down, takes too long. */
async function planOf(sql: Sql, text: string, analyse: boolean): Promise<ReadPlan | undefined> {
  try {
    return readPlan(await explainStatement(sql, text, { analyse }));
  } catch (error) {
    if (!analyse || !tookTooLong(error)) throw error;
    return await planOf(sql, text, false);
  }
}

/** Compares the plans of all variants; executes the first, or all with `executeAll`. */
async function comparePlans(
  sessions: Sessions,
  { variants }: Rehearsed,
  { executeAll }: { executeAll: boolean },
): Promise<Plans> {
  const plans: Plans = {
    before: undefined,
    after: undefined,
    changed: false,
    sameExecution: executeAll,
    relations: new Set(),
  };
  for (const [at, text] of variants.entries()) {
    const before = await planOf(sessions.baseline, text, executeAll || at === 0);
    const after = await planOf(sessions.candidate, text, executeAll || at === 0);
    for (const name of [...before?.relations ?? [], ...after?.relations ?? []]) {
      plans.relations.add(name);
    }
    const differs = before?.shape !== after?.shape;
    const sameExecution = before !== undefined && before.buffers !== null &&
      before.execution === after?.execution;
    // Shows the first variant's plans, or the first that differ.
    const telling = differs && !plans.changed ||
      executeAll && !plans.changed && plans.sameExecution && !sameExecution;
    if (at === 0 || telling) Object.assign(plans, { before, after });
    plans.changed ||= differs;
    plans.sameExecution &&= sameExecution;
  }
  return plans;
}

/** What the change can have done to a statement besides changing its plan. */
export type Reach =
  /** It rewrote tables and indexes, by name. */
  | { kind: "files"; wasRewritten(relation: string): boolean }
  /** It changed settings; `shownByPlans` when plans show all that they do. */
  | { kind: "settings"; shownByPlans: boolean }
  /** It changed rows or functions, so that the same plan may cost something else. */
  | { kind: "content" }
  /** It replaced the server by another version, which executes the same plan with other code. */
  | { kind: "version" };

/** Returns whether a statement is executed as before the change, so that the change cannot have made it faster or slower. */
function isUntouched({ kind }: Rehearsed, plans: Plans, reach: Reach): boolean {
  if (reach.kind === "version" || reach.kind === "content") return false;
  if (kind !== "read" || plans.changed || plans.before === undefined) return false;
  if (reach.kind === "settings") return reach.shownByPlans && plans.sameExecution;
  return ![...plans.relations].some(reach.wasRewritten);
}

/** Handles a timeout, which concerns one statement only; throws any other error. */
function unlessTooLong(error: unknown): undefined {
  if (!tookTooLong(error)) throw error;
}

/** Measures a statement after the change and judges it. The caller fills in `share`. */
export async function measureAfter(
  sessions: Sessions,
  statement: Rehearsed,
  options: PhaseOptions & { reach: Reach },
): Promise<StatementResult> {
  const { profile, seed, alpha, signal, reach } = options;
  const run = runAll(sessions, statement);
  let slowestMs = statement.runMs;
  try {
    // The first run also fills the caches of servers that were just started: the second one decides.
    await run("candidate").catch(unlessTooLong);
    slowestMs = Math.max(slowestMs, (await run("candidate")).elapsedMs);
  } catch (error) {
    signal.throwIfAborted();
    if (isUnreachable(error)) throw error;
    return {
      ...unmeasured(statement),
      ...tookTooLong(error)
        ? judgeTimeout(await slowestVariant(sessions.baseline, statement), profile.statementMs)
        : failedAfter(error),
    };
  }
  const plans = await comparePlans(sessions, statement, {
    executeAll: reach.kind === "settings" && reach.shownByPlans,
  });
  const untouched = isUntouched(statement, plans, reach);
  const comparing = compareArms(run, {
    // An untouched statement only confirms that nothing differs: as few blocks as before the change are enough.
    measuring: untouched ? { ...profile.after, analyses: profile.before.analyses } : profile.after,
    seed,
    alpha,
    before: statement.before,
    expectedMs: slowestMs,
    signal,
  });
  const found = await comparing.catch(unlessTooLong);
  if (!found) {
    return {
      ...unmeasured(statement),
      ...shownPlans(plans),
      why: `It exceeded ${profile.statementMs / 1000} s while it was measured`,
    };
  }
  const interval = improvementInterval(found.estimate && charge(found.estimate, statement.before));
  return {
    ...unmeasured(statement),
    ...judgeStatement(found.estimate, {
      before: statement.before,
      untouched: untouched && reach.kind !== "version" && reach.kind !== "content" && reach.kind,
      sufficient: found.sufficient,
    }),
    before_ms: found.median_ms.baseline,
    after_ms: found.median_ms.candidate,
    improvement: found.estimate && improvementOf(found.estimate.value),
    ci_low: interval?.low ?? null,
    ci_high: interval?.high ?? null,
    ...shownPlans(plans),
  };
}

/** Returns the result of a statement before anything was measured after the change. */
function unmeasured(statement: Rehearsed): StatementResult {
  const before = improvementInterval(statement.before);
  return {
    query: statement.query,
    query_id: statement.query_id,
    kind: statement.kind,
    share: 0,
    params: statement.params,
    variants: statement.variants.length,
    before_ms: statement.beforeMs,
    after_ms: null,
    improvement: null,
    ci_low: null,
    ci_high: null,
    null_ci_low: before?.low ?? null,
    null_ci_high: before?.high ?? null,
    verdict: "not_measured",
    why: "",
    plan_before: null,
    plan_after: null,
    plan_changed: false,
    plan_difference: [],
    generic_plan: statement.genericPlan,
    generic_cost: statement.genericCost,
    buffers_before: null,
    buffers_after: null,
  };
}

type Failed = Pick<StatementResult, "verdict" | "improvement" | "why">;

/** Judges a statement that fails after the change. */
const failedAfter = (error: unknown): Failed => ({
  verdict: "worse",
  improvement: -1,
  why: `It fails after the change: ${describeDatabaseError(error).slice(0, 300)}`,
});

/** Returns the milliseconds of the slowest variant; undefined where it exceeds the timeout. */
async function slowestVariant(
  sql: Sql,
  { variants, kind }: ReplayStatement,
): Promise<number | undefined> {
  try {
    let slowestMs = 0;
    for (const text of variants) {
      slowestMs = Math.max(slowestMs, await timeStatement(sql, text, kind));
    }
    return slowestMs;
  } catch (error) {
    return unlessTooLong(error);
  }
}

/** A statement that exceeds the timeout is proven slower only where the unchanged copy stays this far below it. */
const nearLimit = 1.1;

/**
 * Judges a statement that exceeds `limitMs` after the change, by the time of its slowest variant on the unchanged copy at the
 * same moment; undefined where that exceeds it too. Pure.
 */
export function judgeTimeout(unchangedMs: number | undefined, limitMs: number): Failed {
  const limit = `${limitMs / 1000} s`;
  if (unchangedMs === undefined) {
    return {
      verdict: "not_measured",
      improvement: null,
      why: `It exceeds ${limit} on both copies`,
    };
  }
  const took = `It takes ${
    unchangedMs.toFixed(1)
  } ms on the unchanged copy, and more than ${limit}`;
  return unchangedMs * nearLimit > limitMs
    ? { verdict: "unclear", improvement: null, why: `${took} on the changed one: too near to tell` }
    : {
      verdict: "worse",
      improvement: unchangedMs / limitMs - 1,
      why: `${took} on the changed one`,
    };
}

const shownPlans = ({ before, after, changed }: Plans) => ({
  plan_before: before?.text ?? null,
  plan_after: after?.text ?? null,
  plan_changed: changed,
  plan_difference: before && after ? describeDifference(before, after) : [],
  buffers_before: before?.buffers ?? null,
  buffers_after: after?.buffers ?? null,
});

const improvementInterval = (interval: Interval | null) =>
  interval && { low: improvementOf(interval.low), high: improvementOf(interval.high) };
