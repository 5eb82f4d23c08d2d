import type { Severity } from "../alert.ts";
import { levelOf, type Rule } from "../rules/rule.ts";

/** The state of one rule in one scope. Times are milliseconds since 1970. */
export interface RuleState {
  phase: "ok" | "pending" | "firing";
  severity: Severity | undefined;
  /** Since when the value is bad; the time in which it was unknown is left out. */
  badSince: number | undefined;
  firingSince: number | undefined;
  /** Since when a firing rule's value is clear. */
  clearSince: number | undefined;
  /** When a firing rule's value was last critical. */
  criticalAt: number | undefined;
  lastResolvedAt: number | undefined;
  /** Since when the value has been unknown. */
  unknownSince: number | undefined;
  /** When it fired within the last hour. */
  firings: readonly number[];
}

export type Transition =
  | { kind: "fired"; severity: Severity; since: number }
  | { kind: "escalated"; severity: Severity }
  | { kind: "eased"; severity: Severity }
  | { kind: "resolved" };

export interface Step {
  state: RuleState;
  transition: Transition | undefined;
}

export const calm: RuleState = {
  phase: "ok",
  severity: undefined,
  badSince: undefined,
  firingSince: undefined,
  clearSince: undefined,
  criticalAt: undefined,
  lastResolvedAt: undefined,
  unknownSince: undefined,
  firings: [],
};

const hourMs = 3_600_000;
/** This many firings within an hour are flapping: the last alert then stays open until 15 minutes were quiet. */
export const defaultFlapFirings = 4;
const flapQuietMs = hourMs / 4;

/** Returns whether a rule flaps; with a limit of 0 it never does. */
export const isFlapping = (state: RuleState, limit = defaultFlapFirings): boolean =>
  limit > 0 && state.firings.length >= limit;

/** Returns the state after its value became good. */
function quiet(state: RuleState, lastResolvedAt = state.lastResolvedAt): RuleState {
  return { ...calm, lastResolvedAt, firings: state.firings };
}

/** Returns the state with no time in the future: after a clock that was ahead, such times count as now. */
function notAfter(state: RuleState, now: number): RuleState {
  const past = (at: number | undefined) => at === undefined ? undefined : Math.min(at, now);
  return {
    ...state,
    badSince: past(state.badSince),
    firingSince: past(state.firingSince),
    clearSince: past(state.clearSince),
    criticalAt: past(state.criticalAt),
    lastResolvedAt: past(state.lastResolvedAt),
    unknownSince: past(state.unknownSince),
    firings: state.firings.map((at) => Math.min(at, now)),
  };
}

/**
 * Steps a rule by one value: ok → pending → firing → ok. An unknown value (null) neither fires nor resolves, and its time
 * counts neither as bad nor as clear. Pure.
 */
export function step(
  rule: Rule,
  known: RuleState,
  value: number | null,
  now: number,
  flapFirings = defaultFlapFirings,
): Step {
  const before = notAfter(known, now);
  if (!rule.enabled && before.phase !== "firing") {
    return { state: quiet(before), transition: undefined };
  }
  if (value === null && rule.enabled) {
    return {
      state: { ...before, unknownSince: before.unknownSince ?? now, clearSince: undefined },
      transition: undefined,
    };
  }
  const unseenMs = before.unknownSince === undefined ? 0 : now - before.unknownSince;
  const state: RuleState = {
    ...before,
    unknownSince: undefined,
    badSince: before.badSince === undefined || before.phase === "firing"
      ? before.badSince
      : before.badSince + unseenMs,
    firings: before.firings.filter((at) => now - at < hourMs),
  };
  const level = rule.enabled && value !== null ? levelOf(rule, value) : "clear";
  return state.phase === "firing"
    ? stepFiring(rule, state, level, now, isFlapping(state, flapFirings) ? flapQuietMs : 0)
    : stepQuiet(rule, state, level, now);
}

function stepQuiet(
  rule: Rule,
  state: RuleState,
  level: Severity | "clear" | undefined,
  now: number,
): Step {
  if (level === "clear" || level === undefined) {
    return { state: quiet(state), transition: undefined };
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
      criticalAt: level === "critical" ? now : undefined,
      firings: [...state.firings, now],
    },
    transition: { kind: "fired", severity: level, since: badSince },
  };
}

function stepFiring(
  rule: Rule,
  state: RuleState,
  level: Severity | "clear" | undefined,
  now: number,
  leastQuietMs: number,
): Step {
  if (level === "clear") {
    const clearSince = state.clearSince ?? now;
    const quietMs = Math.max(rule.keep_firing_seconds * 1000, leastQuietMs);
    if (rule.enabled && now - clearSince < quietMs) {
      return { state: { ...state, clearSince }, transition: undefined };
    }
    return { state: quiet(state, now), transition: { kind: "resolved" } };
  }
  const next = {
    ...state,
    clearSince: undefined,
    criticalAt: level === "critical" ? now : state.criticalAt,
  };
  if (level === "critical" && state.severity === "warning") {
    return {
      state: { ...next, severity: level },
      transition: { kind: "escalated", severity: level },
    };
  }
  // Easing waits, as an end does: a value that swings around the critical level causes one notice, not many.
  const easesMs = Math.max(rule.keep_firing_seconds, rule.cooldown_seconds) * 1000;
  const eased = level === "warning" && state.severity === "critical" &&
    now - (state.criticalAt ?? now) >= easesMs;
  if (eased) {
    return { state: { ...next, severity: level }, transition: { kind: "eased", severity: level } };
  }
  return { state: next, transition: undefined };
}

/** Returns a state that was read back after `seenAt`, the last judgement: the time since then counts as unknown. */
export function afterAbsence(state: RuleState, seenAt: number): RuleState {
  return {
    ...state,
    clearSince: undefined,
    criticalAt: state.severity === "critical" ? state.criticalAt ?? seenAt : undefined,
    unknownSince: state.unknownSince ?? seenAt,
  };
}

/** Returns whether a state must outlast the process. */
export function isWorthKeeping(rule: Rule, state: RuleState, now: number): boolean {
  const cooling = state.lastResolvedAt !== undefined &&
    now - state.lastResolvedAt < rule.cooldown_seconds * 1000;
  return state.phase !== "ok" || cooling || state.firings.some((at) => now - at < hourMs);
}
