import { randomUUID } from "node:crypto";
import { type Alert, type Cure, type Evidence, type MetricValue, runbookOf } from "../alert.ts";
import { levelOf, messageFor, type Rule } from "../rules/rule.ts";
import { keepEqual } from "./facts.ts";
import { isFlapping, type RuleState, step } from "./step.ts";

export type ChangeKind = "fired" | "escalated" | "eased" | "resolved";

export interface Change {
  kind: ChangeKind;
  alert: Alert;
}

/** Supplies the evidence and the cure of an alert. Called at each judgement of an open alert, so it must be cheap. */
export interface Explain {
  evidence(rule: Rule, scope: string): Evidence[];
  cure(rule: Rule, scope: string): readonly Cure[];
}

/** One rule in one scope. */
export interface Standing {
  state: RuleState;
  /** The open alert. */
  alert: Alert | undefined;
  /** The id that the alert gets when it fires; set while it is pending. */
  pendingId: string | undefined;
}

/** What a judgement needs besides the rule and the value. */
export interface JudgementContext {
  /** Milliseconds since 1970. */
  now: number;
  /** Name of this Holdfast; local rules carry it. */
  instance: string;
  flapFirings: number | undefined;
  explain: Explain;
}

const iso = (ms: number) => new Date(ms).toISOString();

/**
 * Returns the lower bound of an unknown value where it can be judged in place of the value: when it fires the rule, or
 * keeps it from ending. Otherwise returns null. Pure.
 */
function judgedLowerBound(
  rule: Rule,
  { phase }: RuleState,
  lowerBound: number | undefined,
): number | null {
  if (lowerBound === undefined || rule.direction !== "above") return null;
  const level = levelOf(rule, lowerBound);
  return phase !== "ok" || level === "warning" || level === "critical" ? lowerBound : null;
}

/** Returns the fields of an alert that follow from its present value. */
export function describe(
  rule: Rule,
  scope: string,
  value: number,
  state: RuleState,
  { flapFirings, explain }: Pick<JudgementContext, "flapFirings" | "explain">,
) {
  const severity = state.severity ?? "warning";
  return {
    severity,
    alert_type: `${rule.name}_${severity}`,
    message: messageFor(rule, value, scope),
    value,
    threshold: severity === "critical" ? rule.critical : rule.warning,
    flapping: isFlapping(state, flapFirings),
    evidence: explain.evidence(rule, scope),
    cure: explain.cure(rule, scope),
  };
}

/** Returns a new alert, except for its state. `since` is when its value became bad (ms since 1970). */
export function newAlert(
  rule: Rule,
  { id, scope, since, instance, described }: {
    id: string;
    scope: string;
    since: number;
    instance: string;
    described: ReturnType<typeof describe>;
  },
): Omit<Alert, "state"> {
  return {
    ...described,
    id,
    rule: rule.name,
    scope,
    instance: rule.local ? instance : "",
    peak_severity: described.severity,
    started_at: iso(since),
    resolved_at: null,
    acknowledged_at: null,
    acknowledged_by: null,
    unknown_since: null,
    silenced_by: null,
    inhibited_by: null,
    notified_at: null,
    notified_severity: null,
    cause: rule.cause,
    runbook: runbookOf(rule.name),
  };
}

/**
 * Returns an alert that still fires with its present value and facts. While the value is clear or unknown it keeps its
 * last bad value. Facts that did not change stay the same objects.
 */
function refresh(
  rule: Rule,
  alert: Alert,
  value: number | null,
  state: RuleState,
  context: JudgementContext,
): Alert {
  const unknown_since = state.unknownSince === undefined ? null : iso(state.unknownSince);
  const shown = { ...alert, unknown_since, flapping: isFlapping(state, context.flapFirings) };
  if (value === null || levelOf(rule, value) === "clear") return shown;
  const described = describe(rule, alert.scope, value, state, context);
  return { ...shown, ...described, ...keepEqual(alert, described), cause: rule.cause };
}

/** Judges one value by one rule. Returns the new standing, and what changed. */
export function judgeValue(
  rule: Rule,
  { scope, value: known, floor }: MetricValue,
  before: Standing,
  context: JudgementContext,
): Standing & { change: Change | undefined } {
  const { now, flapFirings, instance } = context;
  const value = known ?? judgedLowerBound(rule, before.state, floor);
  const { state, transition } = step(rule, before.state, value, now, flapFirings);
  const { alert } = before;
  const pendingId = state.phase === "pending" ? before.pendingId ?? randomUUID() : undefined;
  if (transition?.kind === "fired" && value !== null) {
    const described = describe(rule, scope, value, state, context);
    const id = before.pendingId ?? randomUUID();
    const parts = { id, scope, since: transition.since, instance, described };
    const fired: Alert = { ...newAlert(rule, parts), state: "firing" };
    return { state, alert: fired, pendingId, change: { kind: "fired", alert: fired } };
  }
  if (!alert) return { state, alert, pendingId, change: undefined };
  if (transition?.kind === "resolved") {
    const resolved: Alert = {
      ...alert,
      state: "resolved",
      resolved_at: iso(now),
      unknown_since: null,
    };
    return { state, alert: undefined, pendingId, change: { kind: "resolved", alert: resolved } };
  }
  if (!transition || value === null) {
    const refreshed = refresh(rule, alert, value, state, context);
    return { state, alert: refreshed, pendingId, change: undefined };
  }
  const described = describe(rule, scope, value, state, context);
  const changed: Alert = {
    ...alert,
    ...described,
    unknown_since: null,
    peak_severity: described.severity === "critical" ? "critical" : alert.peak_severity,
  };
  return { state, alert: changed, pendingId, change: { kind: transition.kind, alert: changed } };
}
