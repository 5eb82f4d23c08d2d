import { levelOf, type Rule, type Severity } from "./rule.ts";

/** Where one rule stands in one scope. Times are milliseconds since 1970. */
export interface RuleState {
  phase: "ok" | "pending" | "firing";
  severity: Severity | undefined;
  /** Since when the value has been bad (pending). */
  badSince: number | undefined;
  firingSince: number | undefined;
  /** Since when a firing rule's value has been clear. */
  clearSince: number | undefined;
  lastResolvedAt: number | undefined;
}

export type Transition =
  | { kind: "fired"; severity: Severity; since: number }
  | { kind: "escalated"; severity: Severity }
  | { kind: "eased"; severity: Severity }
  | { kind: "resolved" };

export const calm: RuleState = {
  phase: "ok",
  severity: undefined,
  badSince: undefined,
  firingSince: undefined,
  clearSince: undefined,
  lastResolvedAt: undefined,
};

/**
 * One step of a rule's life: ok → pending → firing → ok. Pure. An unknown value (null) changes nothing: missing
 * data neither fires nor resolves.
 */
export function step(
  rule: Rule,
  state: RuleState,
  value: number | null,
  now: number,
): { state: RuleState; transition: Transition | undefined } {
  if (value === null || !rule.enabled && state.phase !== "firing") {
    return { state, transition: undefined };
  }
  const level = rule.enabled ? levelOf(rule, value) : "clear";
  return state.phase === "firing"
    ? stepFiring(rule, state, level, now)
    : stepQuiet(rule, state, level, now);
}

function stepQuiet(
  rule: Rule,
  state: RuleState,
  level: Severity | "clear" | undefined,
  now: number,
): { state: RuleState; transition: Transition | undefined } {
  if (level === "clear" || level === undefined) {
    return { state: { ...calm, lastResolvedAt: state.lastResolvedAt }, transition: undefined };
  }
  const badSince = state.badSince ?? now;
  const cooled = state.lastResolvedAt === undefined ||
    now - state.lastResolvedAt >= rule.cooldown_seconds * 1000;
  if (now - badSince < rule.for_seconds * 1000 || !cooled) {
    return {
      state: { ...state, phase: "pending", severity: level, badSince },
      transition: undefined,
    };
  }
  return {
    state: {
      ...state,
      phase: "firing",
      severity: level,
      badSince,
      firingSince: now,
      clearSince: undefined,
    },
    transition: { kind: "fired", severity: level, since: badSince },
  };
}

function stepFiring(
  rule: Rule,
  state: RuleState,
  level: Severity | "clear" | undefined,
  now: number,
): { state: RuleState; transition: Transition | undefined } {
  if (level === "clear") {
    const clearSince = state.clearSince ?? now;
    if (now - clearSince < rule.keep_firing_seconds * 1000) {
      return { state: { ...state, clearSince }, transition: undefined };
    }
    return { state: { ...calm, lastResolvedAt: now }, transition: { kind: "resolved" } };
  }
  const next = { ...state, clearSince: undefined };
  if (level === "critical" && state.severity === "warning") {
    return {
      state: { ...next, severity: level },
      transition: { kind: "escalated", severity: level },
    };
  }
  if (level === "warning" && state.severity === "critical") {
    return { state: { ...next, severity: level }, transition: { kind: "eased", severity: level } };
  }
  return { state: next, transition: undefined };
}
