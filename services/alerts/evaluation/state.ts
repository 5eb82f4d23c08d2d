import { randomUUID } from "node:crypto";
import type { StateRecord } from "../../../db/alerts/alerts.ts";
import { type Alert, type Evidence, keyOf, type MetricValue } from "../alert.ts";
import { afterAbsence, calm, isFlapping, isWorthKeeping, type RuleState, step } from "./step.ts";
import { keepEqual } from "./facts.ts";
import { type Cure, levelOf, messageFor, type Rule } from "../rules/rule.ts";

export type ChangeKind = "fired" | "escalated" | "eased" | "resolved";

export interface Change {
  kind: ChangeKind;
  alert: Alert;
}

/** What an alert says for itself; asked for at each judgement of an open alert, so it must be cheap. */
export interface Explain {
  evidence(rule: Rule, scope: string): Evidence[];
  cure(rule: Rule, scope: string): readonly Cure[];
}

const iso = (ms: number) => new Date(ms).toISOString();

/** Of a value that is only known to be no lower: null while that says nothing. */
function judgedLowerBound(
  rule: Rule,
  { phase }: RuleState,
  floor: number | undefined,
): number | null {
  if (floor === undefined || rule.direction !== "above") return null;
  const level = levelOf(rule, floor);
  return phase !== "ok" || level === "warning" || level === "critical" ? floor : null;
}

/** Where every rule stands in every scope, and which alerts are open. In memory; asks nobody. */
export function createAlertState(
  { instance, flapFirings }: { instance: string; flapFirings?: number | undefined },
) {
  const states = new Map<string, { rule: Rule; scope: string; state: RuleState }>();
  const open = new Map<string, Alert>();
  /** The states as they were last handed out to be kept. */
  const kept = new Map<string, string>();
  const pendingIds = new Map<string, string>();

  const instanceOf = (rule: Rule) => rule.local ? instance : "";

  function describe(rule: Rule, scope: string, value: number, state: RuleState, explain: Explain) {
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

  function newAlert(
    rule: Rule,
    scope: string,
    since: number,
    described: ReturnType<typeof describe>,
  ) {
    const key = keyOf(rule.name, scope);
    const id = pendingIds.get(key) ?? randomUUID();
    return {
      ...described,
      id,
      rule: rule.name,
      scope,
      instance: instanceOf(rule),
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
    };
  }

  /**
   * What still fires says how it is and why now, not how it began; the last bad value and its facts stay when it is over.
   * Facts that are as before stay the same objects.
   */
  function refresh(
    rule: Rule,
    alert: Alert,
    value: number | null,
    state: RuleState,
    explain: Explain,
  ): Alert {
    const unknown_since = state.unknownSince === undefined ? null : iso(state.unknownSince);
    const shown = { ...alert, unknown_since, flapping: isFlapping(state, flapFirings) };
    if (value === null || levelOf(rule, value) === "clear") return shown;
    const described = describe(rule, alert.scope, value, state, explain);
    return { ...shown, ...described, ...keepEqual(alert, described), cause: rule.cause };
  }

  function judgeOne(
    rule: Rule,
    { scope, value: known, floor }: MetricValue,
    now: number,
    explain: Explain,
  ): Change | undefined {
    const key = keyOf(rule.name, scope);
    const before = states.get(key)?.state ?? calm;
    const value = known ?? judgedLowerBound(rule, before, floor);
    const { state, transition } = step(
      rule,
      before,
      value,
      now,
      flapFirings,
    );
    states.set(key, { rule, scope, state });
    if (state.phase === "pending") pendingIds.set(key, pendingIds.get(key) ?? randomUUID());
    const alert = open.get(key);
    if (transition?.kind === "fired" && value !== null) {
      const described = describe(rule, scope, value, state, explain);
      const fresh: Alert = {
        ...newAlert(rule, scope, transition.since, described),
        state: "firing",
      };
      open.set(key, fresh);
      pendingIds.delete(key);
      return { kind: "fired", alert: fresh };
    }
    if (state.phase === "ok") pendingIds.delete(key);
    if (!alert) return undefined;
    if (transition?.kind === "resolved") {
      open.delete(key);
      return {
        kind: "resolved",
        alert: { ...alert, state: "resolved", resolved_at: iso(now), unknown_since: null },
      };
    }
    if (!transition || value === null) {
      open.set(key, refresh(rule, alert, value, state, explain));
      return undefined;
    }
    const described = describe(rule, scope, value, state, explain);
    const changed: Alert = {
      ...alert,
      ...described,
      unknown_since: null,
      peak_severity: described.severity === "critical" ? "critical" : alert.peak_severity,
    };
    open.set(key, changed);
    return { kind: transition.kind, alert: changed };
  }

  /** What was dropped cannot be bad: a clear value for each open alert on a slot, table … that is no more. */
  function gone(
    rules: readonly Rule[],
    present: readonly MetricValue[],
    complete: ReadonlySet<string>,
  ): MetricValue[] {
    return [...states.values()].flatMap(({ rule: { name }, scope, state }): MetricValue[] => {
      const rule = rules.find((one) => one.name === name);
      if (!rule || scope === "" || state.phase === "ok" || !complete.has(rule.metric)) return [];
      const there = present.some((one) => one.metric === rule.metric && one.scope === scope);
      return there ? [] : [{ metric: rule.metric, scope, value: rule.clear }];
    });
  }

  return {
    /** Judges values by rules; answers what changed. Metrics in `complete` have every scope there is in `values`. */
    judge(
      rules: readonly Rule[],
      values: readonly MetricValue[],
      { now, complete, explain }: { now: number; complete: ReadonlySet<string>; explain: Explain },
    ): Change[] {
      const byMetric = Map.groupBy(
        [...values, ...gone(rules, values, complete)],
        ({ metric }) => metric,
      );
      return rules.flatMap((rule) =>
        (byMetric.get(rule.metric) ?? []).flatMap((value) =>
          judgeOne(rule, value, now, explain) ?? []
        )
      );
    },
    open: () => [...open.values()],
    find: (id: string) => [...open.values()].find((alert) => alert.id === id),
    put: (alert: Alert) => void open.set(keyOf(alert.rule, alert.scope), alert),
    /** What is bad, but not yet for long enough. */
    pending(): Alert[] {
      const bare: Explain = { evidence: () => [], cure: (rule) => rule.cure };
      return [...states].flatMap(([key, { rule, scope, state }]): Alert[] => {
        if (state.phase !== "pending" || state.badSince === undefined) return [];
        const level = state.severity === "critical" ? rule.critical : rule.warning;
        const described = describe(rule, scope, level ?? rule.clear, state, bare);
        const alert = newAlert(rule, scope, state.badSince, { ...described, value: level ?? 0 });
        return [{ ...alert, id: pendingIds.get(key) ?? alert.id, state: "pending", value: null }];
      });
    },
    /** Takes up what was open and pending when nobody watched any more, at `seenAt`; answers who changed their id. */
    adopt(
      rules: readonly Rule[],
      alerts: readonly Alert[],
      records: readonly StateRecord[],
      seenAt: number,
    ): { from: string; alert: Alert }[] {
      const renamed: { from: string; alert: Alert }[] = [];
      for (const { rule: name, scope, state } of records) {
        const rule = rules.find((one) => one.name === name);
        const key = keyOf(name, scope);
        if (!rule || states.get(key)?.state.phase === "firing") continue;
        states.set(key, {
          rule,
          scope,
          state: afterAbsence({ ...calm, ...state as Partial<RuleState> }, seenAt),
        });
        kept.set(key, JSON.stringify(state));
      }
      for (const alert of alerts) {
        const key = keyOf(alert.rule, alert.scope);
        const early = open.get(key);
        const rule = rules.find((one) => one.name === alert.rule);
        if (early && early.id !== alert.id) {
          // It fired again before the database could be asked: one alert, not two.
          const { id, started_at, notified_at, notified_severity } = alert;
          const one = { ...early, id, started_at };
          const both = early.notified_at ? one : { ...one, notified_at, notified_severity };
          open.set(key, both);
          renamed.push({ from: early.id, alert: both });
          continue;
        }
        if (!early) open.set(key, alert);
        if (!rule || states.get(key)?.state.phase === "firing") continue;
        const since = Date.parse(alert.started_at);
        const before = states.get(key)?.state ?? calm;
        const state: RuleState = {
          ...before,
          phase: "firing",
          severity: alert.severity,
          badSince: since,
          firingSince: since,
          clearSince: undefined,
          criticalAt: alert.severity === "critical" ? seenAt : undefined,
        };
        states.set(key, { rule, scope: alert.scope, state: afterAbsence(state, seenAt) });
      }
      return renamed;
    },
    /** Shows what another Holdfast judges; answers how that differs from what was shown before. */
    follow(rules: readonly Rule[], alerts: readonly Alert[], now: number): Change[] {
      const shared = new Set(rules.filter(({ local }) => !local).map(({ name }) => name));
      const before = [...open.values()].filter(({ rule }) => shared.has(rule));
      const theirs = new Map(alerts.map((alert) => [alert.id, alert]));
      const changes: Change[] = [];
      for (const [key, { rule }] of states) {
        if (!shared.has(rule.name)) continue;
        states.delete(key);
        kept.delete(key);
      }
      for (const alert of before) {
        open.delete(keyOf(alert.rule, alert.scope));
        if (theirs.has(alert.id)) continue;
        const resolved: Alert = { ...alert, state: "resolved", resolved_at: iso(now) };
        changes.push({ kind: "resolved", alert: resolved });
      }
      for (const alert of alerts) {
        const known = before.find(({ id }) => id === alert.id);
        open.set(keyOf(alert.rule, alert.scope), alert);
        if (!known) changes.push({ kind: "fired", alert });
        else if (known.severity !== alert.severity) {
          const kind = alert.severity === "critical" ? "escalated" : "eased";
          changes.push({ kind, alert });
        }
      }
      return changes;
    },
    /** States that changed since they were last handed out; null for those that need no row any more. */
    changedStates(now: number): StateRecord[] {
      return [...states].flatMap(([key, { rule, scope, state }]): StateRecord[] => {
        // When it was last critical moves with every look, and is not worth a write each time.
        const { criticalAt: _, ...rest } = state;
        const text = isWorthKeeping(rule, state, now) ? JSON.stringify(rest) : undefined;
        if (kept.get(key) === text) return [];
        if (text === undefined) kept.delete(key);
        else kept.set(key, text);
        return [{ rule: rule.name, scope, instance: instanceOf(rule), state: text ? rest : null }];
      });
    },
  };
}

export type Book = ReturnType<typeof createAlertState>;
