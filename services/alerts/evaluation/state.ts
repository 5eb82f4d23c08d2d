import { randomUUID } from "node:crypto";
import type { StateRecord } from "../../../db/alerts/alerts.ts";
import { type Alert, keyOf, type MetricValue } from "../alert.ts";
import type { Rule } from "../rules/rule.ts";
import { type Change, describe, type Explain, judgeValue, newAlert } from "./judgement.ts";
import { afterAbsence, calm, isWorthKeeping, type RuleState } from "./step.ts";

/** Explains a pending alert: without evidence, and with the rule's own cure. */
const bare: Explain = { evidence: () => [], cure: (rule) => rule.cure };

const ruleNamed = (rules: readonly Rule[], name: string) =>
  rules.find((rule) => rule.name === name);

/**
 * Returns a value for each of `scopes` that has none among those `given`. A scope, such as a slot or a table, that no longer
 * exists cannot be bad: its value is clear. Where the scopes are not all known, its value is unknown. Pure.
 */
function unlisted(
  rule: Rule,
  scopes: readonly string[],
  { given, complete }: { given: readonly MetricValue[]; complete: ReadonlySet<string> },
): MetricValue[] {
  const listed = new Set(given.map(({ scope }) => scope));
  const { metric, clear } = rule;
  return scopes.filter((scope) => !listed.has(scope)).map((scope) => ({
    metric,
    scope,
    value: scope !== "" && complete.has(metric) ? clear : null,
  }));
}

/** The state of every rule in every scope that is not calm, and the open alerts; in memory, without I/O. */
export class AlertState {
  readonly #instance: string;
  readonly #flapFirings: number | undefined;
  readonly #states = new Map<string, { rule: Rule; scope: string; state: RuleState }>();
  readonly #open = new Map<string, Alert>();
  readonly #pendingIds = new Map<string, string>();
  /** The states as `changedStates` last returned them, as JSON. */
  readonly #saved = new Map<string, string>();

  /** `flapFirings`: firings within an hour that are flapping; 0 for never. */
  constructor(
    { instance, flapFirings }: { instance: string; flapFirings?: number | undefined },
  ) {
    this.#instance = instance;
    this.#flapFirings = flapFirings;
  }

  /** Judges values by rules. Returns what changed. A metric in `complete` has each of its scopes among `values`. */
  judge(
    rules: readonly Rule[],
    values: readonly MetricValue[],
    { now, complete, explain }: { now: number; complete: ReadonlySet<string>; explain: Explain },
  ): Change[] {
    const byMetric = Map.groupBy(values, ({ metric }) => metric);
    const troubled = Map.groupBy(
      [...this.#states.values()].filter(({ state }) => state.phase !== "ok"),
      ({ rule }) => rule.name,
    );
    return rules.flatMap((rule) => {
      const given = byMetric.get(rule.metric) ?? [];
      const scopes = troubled.get(rule.name)?.map(({ scope }) => scope) ?? [];
      return [...given, ...unlisted(rule, scopes, { given, complete })].flatMap((value) =>
        this.#judgeOne(rule, value, now, explain) ?? []
      );
    });
  }

  /** Returns the open alerts. */
  open(): Alert[] {
    return [...this.#open.values()];
  }

  /** Returns the open alert with this id. */
  find(id: string): Alert | undefined {
    return this.open().find((alert) => alert.id === id);
  }

  /** Replaces an open alert, or adds it. */
  put(alert: Alert): void {
    this.#open.set(keyOf(alert.rule, alert.scope), alert);
  }

  /** Returns the alerts whose values are bad, but not yet for long enough to fire. */
  pending(): Alert[] {
    const context = { flapFirings: this.#flapFirings, explain: bare };
    return [...this.#states].flatMap(([key, { rule, scope, state }]): Alert[] => {
      if (state.phase !== "pending" || state.badSince === undefined) return [];
      const level = state.severity === "critical" ? rule.critical : rule.warning;
      const described = describe(rule, scope, level ?? rule.clear, state, context);
      const alert = newAlert(rule, {
        id: this.#pendingIds.get(key) ?? randomUUID(),
        scope,
        since: state.badSince,
        instance: this.#instance,
        described,
      });
      return [{ ...alert, state: "pending", value: null }];
    });
  }

  /**
   * Adopts the states and open alerts of a Holdfast that stopped judging at `seenAt` (ms since 1970). Returns the alerts
   * that got the adopted alert's id, each with the id that it had before.
   */
  adopt(
    rules: readonly Rule[],
    alerts: readonly Alert[],
    records: readonly StateRecord[],
    seenAt: number,
  ): { from: string; alert: Alert }[] {
    for (const { rule: name, scope, state } of records) {
      const rule = ruleNamed(rules, name);
      const key = keyOf(name, scope);
      if (!rule || this.#states.get(key)?.state.phase === "firing") continue;
      const read = { ...calm, ...state as Partial<RuleState> };
      this.#states.set(key, { rule, scope, state: afterAbsence(read, seenAt) });
      this.#saved.set(key, JSON.stringify(state));
    }
    return alerts.flatMap((alert) => this.#adoptAlert(rules, alert, seenAt) ?? []);
  }

  /**
   * Forgets the shared alerts of which another Holdfast has newer forms, all but those that `isUnsaved`. Returns the ends of
   * those that are not among the `stored` open ones.
   */
  forgetCopies(
    stored: readonly Alert[],
    { isUnsaved, now }: { isUnsaved: (id: string) => boolean; now: number },
  ): Change[] {
    const present = new Set(stored.map(({ id }) => id));
    const resolved_at = new Date(now).toISOString();
    return this.open().flatMap((alert): Change[] => {
      if (alert.instance !== "" || isUnsaved(alert.id)) return [];
      const key = keyOf(alert.rule, alert.scope);
      this.#open.delete(key);
      this.#states.delete(key);
      this.#saved.delete(key);
      if (present.has(alert.id)) return [];
      return [{ kind: "resolved", alert: { ...alert, state: "resolved", resolved_at } }];
    });
  }

  /** Replaces the shared alerts by those that another Holdfast judges. Returns the differences as changes. */
  follow(rules: readonly Rule[], alerts: readonly Alert[], now: number): Change[] {
    const shared = new Set(rules.filter(({ local }) => !local).map(({ name }) => name));
    const before = this.open().filter(({ rule }) => shared.has(rule));
    const present = new Set(alerts.map(({ id }) => id));
    const changes: Change[] = [];
    for (const [key, { rule }] of this.#states) {
      if (!shared.has(rule.name)) continue;
      this.#states.delete(key);
      this.#saved.delete(key);
    }
    for (const alert of before) {
      this.#open.delete(keyOf(alert.rule, alert.scope));
      if (present.has(alert.id)) continue;
      const resolved_at = new Date(now).toISOString();
      changes.push({ kind: "resolved", alert: { ...alert, state: "resolved", resolved_at } });
    }
    for (const alert of alerts) {
      const known = before.find(({ id }) => id === alert.id);
      this.put(alert);
      if (!known) changes.push({ kind: "fired", alert });
      else if (known.severity !== alert.severity) {
        changes.push({ kind: alert.severity === "critical" ? "escalated" : "eased", alert });
      }
    }
    return changes;
  }

  /** Returns the states that changed since the last call; `state` is null where the row is to be deleted. */
  changedStates(now: number): StateRecord[] {
    return [...this.#states].flatMap(([key, { rule, scope, state }]): StateRecord[] => {
      // `criticalAt` changes with every value: saving it would cost a write each time.
      const { criticalAt: _, ...rest } = state;
      const text = isWorthKeeping(rule, state, now) ? JSON.stringify(rest) : undefined;
      // Without anything to keep it is as calm as one that was never judged. Scopes come and go.
      if (text === undefined) this.#states.delete(key);
      if (this.#saved.get(key) === text) return [];
      if (text === undefined) this.#saved.delete(key);
      else this.#saved.set(key, text);
      const instance = rule.local ? this.#instance : "";
      return [{ rule: rule.name, scope, instance, state: text ? rest : null }];
    });
  }

  #judgeOne(rule: Rule, value: MetricValue, now: number, explain: Explain): Change | undefined {
    const { scope } = value;
    const key = keyOf(rule.name, scope);
    const { state, alert, pendingId, change } = judgeValue(rule, value, {
      state: this.#states.get(key)?.state ?? calm,
      alert: this.#open.get(key),
      pendingId: this.#pendingIds.get(key),
    }, { now, instance: this.#instance, flapFirings: this.#flapFirings, explain });
    // While nothing can be saved, only the states that are worth it, or are yet to be deleted, wait.
    if (this.#saved.has(key) || isWorthKeeping(rule, state, now)) {
      this.#states.set(key, { rule, scope, state });
    } else this.#states.delete(key);
    if (alert) this.#open.set(key, alert);
    else this.#open.delete(key);
    if (pendingId) this.#pendingIds.set(key, pendingId);
    else this.#pendingIds.delete(key);
    return change;
  }

  #adoptAlert(
    rules: readonly Rule[],
    alert: Alert,
    seenAt: number,
  ): { from: string; alert: Alert } | undefined {
    const key = keyOf(alert.rule, alert.scope);
    const early = this.#open.get(key);
    if (early && early.id !== alert.id) {
      // It fired again before the database could be read: one alert, not two.
      const { id, started_at, notified_at, notified_severity } = alert;
      const wasCritical = [early, alert].some((one) => one.peak_severity === "critical");
      const acknowledged = early.acknowledged_at === null ? alert : early;
      const one: Alert = {
        ...early,
        id,
        started_at,
        peak_severity: wasCritical ? "critical" : "warning",
        acknowledged_at: acknowledged.acknowledged_at,
        acknowledged_by: acknowledged.acknowledged_by,
      };
      const both = early.notified_at ? one : { ...one, notified_at, notified_severity };
      this.#open.set(key, both);
      return { from: early.id, alert: both };
    }
    if (!early) this.#open.set(key, alert);
    const rule = ruleNamed(rules, alert.rule);
    const before = this.#states.get(key)?.state ?? calm;
    if (!rule || before.phase === "firing") return undefined;
    const since = Date.parse(alert.started_at);
    const state: RuleState = {
      ...before,
      phase: "firing",
      severity: alert.severity,
      badSince: since,
      firingSince: since,
      clearSince: undefined,
      criticalAt: alert.severity === "critical" ? seenAt : undefined,
    };
    this.#states.set(key, { rule, scope: alert.scope, state: afterAbsence(state, seenAt) });
    return undefined;
  }
}
