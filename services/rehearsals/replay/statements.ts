import type { Sql } from "../../../db/connection.ts";
import { describeDatabaseError, isUnreachable } from "../../../db/errors.ts";
import { explainPlan } from "../../../db/rehearsals/probe.ts";
import { type Estimate, improvementOf, type Interval } from "../../benchmarks/statistics.ts";
import type { StatementResult } from "../rehearsal.ts";
import type { ReplayStatement } from "../workload/variants.ts";
import { judgeStatement } from "./judge.ts";
import { describeDifference, type ReadPlan, readPlan } from "./plan_text.ts";
import type { RehearsalProfile } from "./profiles.ts";
import { compareArms, runOnce, type Sessions, tookTooLong } from "./replay.ts";

/** A statement that runs on the copy, with what was found before the change. */
export interface Rehearsed extends ReplayStatement {
  /** Milliseconds of one run through all variants, on the copy as it was. */
  runMs: number;
  /** The copies against each other before the change. */
  before: Estimate | null;
  beforeMs: number | null;
}

/** Limits of a phase, the same for every statement. */
export interface PhaseOptions {
  profile: RehearsalProfile;
  seed: number;
  /** What each interval may err by, so that all together hold with 95 %. */
  alpha: number;
  signal: AbortSignal;
}

/**
 * Runs a statement's variants once on both copies: proves that they run, warms the caches, and keeps as many of them as
 * one run has time for. Answers why none can be used.
 */
export async function tryStatement(
  sessions: Sessions,
  statement: ReplayStatement,
  { profile, signal }: Pick<PhaseOptions, "profile" | "signal">,
): Promise<{ rehearsed: Rehearsed } | { reason: string }> {
  const kept: string[] = [];
  let runMs = 0;
  let problem = "";
  for (const text of statement.variants) {
    signal.throwIfAborted();
    if (runMs > profile.runMs) break;
    try {
      await runOnce(sessions.baseline, text, statement.kind);
      await runOnce(sessions.candidate, text, statement.kind);
      runMs += await runOnce(sessions.baseline, text, statement.kind);
      kept.push(text);
    } catch (error) {
      signal.throwIfAborted();
      if (isUnreachable(error)) throw error;
      problem = tookTooLong(error)
        ? `it takes longer than ${profile.statementMs / 1000} s on the copy`
        : `the copy refuses it: ${describeDatabaseError(error).slice(0, 300)}`;
    }
  }
  if (kept.length === 0) return { reason: problem };
  return {
    rehearsed: { ...statement, variants: kept, runMs, before: null, beforeMs: null },
  };
}

/** One run through all variants on one of the copies. */
const runAll =
  (sessions: Sessions, { variants, kind }: ReplayStatement) =>
  async (role: "baseline" | "candidate") => {
    let elapsedMs = 0;
    for (const text of variants) elapsedMs += await runOnce(sessions[role], text, kind);
    return { units: variants.length, elapsedMs };
  };

/** Measures the two copies against each other while they are the same. */
export async function measureBefore(
  sessions: Sessions,
  statement: Rehearsed,
  { profile, seed, alpha, signal }: PhaseOptions,
): Promise<void> {
  const found = await compareArms(runAll(sessions, statement), {
    measuring: profile.before,
    seed,
    alpha,
    before: null,
    expectedMs: statement.runMs,
    signal,
  });
  statement.before = found.estimate;
  statement.beforeMs = found.median_ms.baseline;
}

/** The plans of a statement on both copies, for all its variants. */
interface Plans {
  before: ReadPlan | undefined;
  after: ReadPlan | undefined;
  changed: boolean;
  relations: Set<string>;
}

async function planOf(sql: Sql, text: string, analyse: boolean): Promise<ReadPlan | undefined> {
  // A plan that is executed may write: like every replay it is rolled back.
  await sql.unsafe("begin");
  try {
    return readPlan(await explainPlan(sql, text, { analyse }));
  } finally {
    await sql.unsafe("rollback");
  }
}

async function comparePlans(sessions: Sessions, { variants }: Rehearsed): Promise<Plans> {
  const plans: Plans = {
    before: undefined,
    after: undefined,
    changed: false,
    relations: new Set(),
  };
  for (const [at, text] of variants.entries()) {
    const before = await planOf(sessions.baseline, text, at === 0);
    const after = await planOf(sessions.candidate, text, at === 0);
    for (const name of [...before?.relations ?? [], ...after?.relations ?? []]) {
      plans.relations.add(name);
    }
    const differs = before?.shape !== after?.shape;
    // Where the first plan stayed, one that did not is shown instead.
    if (at === 0 || differs && !plans.changed) Object.assign(plans, { before, after });
    plans.changed ||= differs;
  }
  return plans;
}

/** Which tables and indexes are other files in the changed copy. */
export type WasRewritten = (relation: string) => boolean;

/** Measures a statement after the change and judges it. `share` is filled in by the caller. */
export async function measureAfter(
  sessions: Sessions,
  statement: Rehearsed,
  { profile, seed, alpha, signal, wasRewritten, settingsChanged }: PhaseOptions & {
    wasRewritten: WasRewritten;
    settingsChanged: boolean;
  },
): Promise<StatementResult> {
  const result: StatementResult = {
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
    null_ci_low: shown(statement.before)?.low ?? null,
    null_ci_high: shown(statement.before)?.high ?? null,
    verdict: "not_measured",
    why: "",
    plan_before: null,
    plan_after: null,
    plan_changed: false,
    plan_difference: [],
    buffers_before: null,
    buffers_after: null,
  };
  const run = runAll(sessions, statement);
  let slowestMs = statement.runMs;
  try {
    await run("candidate");
    slowestMs = Math.max(slowestMs, (await run("candidate")).elapsedMs);
  } catch (error) {
    signal.throwIfAborted();
    if (isUnreachable(error)) throw error;
    const limitMs = profile.statementMs;
    const slow = tookTooLong(error);
    const perRun = statement.runMs / statement.variants.length;
    return {
      ...result,
      verdict: "worse",
      improvement: slow ? Math.min(perRun / limitMs - 1, 0) : -1,
      why: slow
        ? `It took ${perRun.toFixed(1)} ms before the change, and more than ${
          limitMs / 1000
        } s after it`
        : `It fails after the change: ${describeDatabaseError(error).slice(0, 300)}`,
    };
  }
  const plans = await comparePlans(sessions, statement);
  const untouched = !settingsChanged && !plans.changed && statement.kind === "read" &&
    plans.before !== undefined && ![...plans.relations].some(wasRewritten);
  const measuring = untouched
    ? { ...profile.after, analyses: profile.after.analyses.slice(0, 1) }
    : profile.after;
  const found = await compareArms(run, {
    measuring,
    seed,
    alpha,
    before: statement.before,
    expectedMs: slowestMs,
    signal,
  });
  const interval = shown(found.estimate);
  return {
    ...result,
    ...judgeStatement(found.estimate, {
      before: statement.before,
      untouched,
      sufficient: found.sufficient,
    }),
    before_ms: found.median_ms.baseline,
    after_ms: found.median_ms.candidate,
    improvement: found.estimate && improvementOf(found.estimate.value),
    ci_low: interval?.low ?? null,
    ci_high: interval?.high ?? null,
    plan_before: plans.before?.text ?? null,
    plan_after: plans.after?.text ?? null,
    plan_changed: plans.changed,
    plan_difference: plans.before && plans.after && plans.changed
      ? describeDifference(plans.before, plans.after)
      : [],
    buffers_before: plans.before?.buffers ?? null,
    buffers_after: plans.after?.buffers ?? null,
  };
}

const shown = (interval: Interval | null) =>
  interval && { low: improvementOf(interval.low), high: improvementOf(interval.high) };
