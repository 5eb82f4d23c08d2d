import { randomUUID } from "node:crypto";
import { HoldfastError, messageOf } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../clock.ts";
import type { Publisher } from "../hub.ts";
import type { Alert, Evidence, MetricValue } from "./alert.ts";
import { calm, type RuleState, step, type Transition } from "./engine.ts";
import {
  type Cure,
  levelOf,
  messageFor,
  type Rule,
  type RuleLevels,
  ruleProblems,
} from "./rule.ts";
import { withChanges } from "./rules.ts";
import type { AlertStore } from "./store.ts";

export interface Alerts {
  /** Takes up the alerts that were open, and the rules changed, before this start. */
  load(): Promise<void>;
  /**
   * Judges values by their rules, tells what changed, and keeps it. `complete` names the metrics all of whose
   * scopes are among the values: an alert on one that is not there any more is over.
   */
  evaluate(
    values: readonly MetricValue[],
    evidenceFor: (rule: Rule, scope: string) => Evidence[],
    options?: {
      /** Metrics of which every scope there is is among the values. */
      complete?: ReadonlySet<string>;
      cureFor?: (rule: Rule, scope: string) => readonly Cure[];
    },
  ): void;
  firing(): Alert[];
  list(query: {
    state: string | undefined;
    before: { startedAt: Date; id: string } | undefined;
    limit: number;
  }): Promise<Alert[]>;
  acknowledge(id: string): Alert;
  rules(): readonly Rule[];
  /** Changes levels of a rule, or takes back every change; lasts over restarts. */
  changeRule(name: string, changes: Partial<RuleLevels> | "reset"): Promise<Rule>;
}

const keyOf = (rule: string, scope: string) => `${rule}\n${scope}`;

/** A rule sent back as it was read, with one level changed, changes that level alone. */
function differences(rule: Rule, changes: Partial<RuleLevels>): Partial<RuleLevels> {
  return Object.fromEntries(
    Object.entries(changes).filter(([name, value]) => rule[name as keyof RuleLevels] !== value),
  );
}

/** The alert engine's shell: holds the state of every rule and scope, publishes and stores transitions. */
export function createAlerts(
  { rules: initial, store, hub, clock, log, onChange = () => {} }: {
    rules: readonly Rule[];
    store: AlertStore;
    hub: Publisher;
    clock: Clock;
    log: Logger;
    onChange?: () => void;
  },
): Alerts {
  let rules = [...initial];
  const states = new Map<string, RuleState>();
  const open = new Map<string, Alert>();
  let loaded = false;

  function flush(): void {
    if (!loaded) return;
    store.flush().catch((error) => log.warn("alerts_not_saved", { error: messageOf(error) }));
  }

  function announce(alert: Alert, change: Transition["kind"] | "acknowledged"): void {
    store.save(alert);
    hub.publish("performance_alert", { ...alert, change });
    const level = alert.state === "resolved"
      ? "info"
      : alert.severity === "critical"
      ? "error"
      : "warn";
    log[level]("alert", {
      alert_type: alert.alert_type,
      state: alert.state,
      change,
      message: alert.message,
      scope: alert.scope,
    });
    onChange();
    flush();
  }

  function describe(rule: Rule, scope: string, value: number, evidence: Evidence[]) {
    const severity = states.get(keyOf(rule.name, scope))?.severity ?? "warning";
    return {
      severity,
      alert_type: `${rule.name}_${severity}`,
      message: messageFor(rule, value, scope),
      value,
      threshold: severity === "critical" ? rule.critical : rule.warning,
      evidence,
    };
  }

  function apply(
    rule: Rule,
    scope: string,
    value: number,
    transition: Transition,
    evidence: () => Evidence[],
    cure: () => readonly Cure[],
  ): void {
    const key = keyOf(rule.name, scope);
    const now = clock.now().toISOString();
    if (transition.kind === "fired") {
      const alert: Alert = {
        id: randomUUID(),
        rule: rule.name,
        scope,
        state: "firing",
        started_at: new Date(transition.since).toISOString(),
        resolved_at: null,
        acknowledged_at: null,
        cause: rule.cause,
        cure: cure(),
        ...describe(rule, scope, value, evidence()),
      };
      open.set(key, alert);
      announce(alert, transition.kind);
      return;
    }
    const alert = open.get(key);
    if (!alert) return;
    if (transition.kind === "resolved") {
      open.delete(key);
      announce({ ...alert, state: "resolved", resolved_at: now }, transition.kind);
      return;
    }
    const changed = { ...alert, cure: cure(), ...describe(rule, scope, value, evidence()) };
    open.set(key, changed);
    announce(changed, transition.kind);
  }

  /** What still fires says how it is now, not how it began; the last bad value stays when it is over. */
  function refresh(rule: Rule, scope: string, value: number): void {
    const key = keyOf(rule.name, scope);
    const alert = open.get(key);
    if (!alert || levelOf(rule, value) === "clear") return;
    open.set(key, { ...alert, value, message: messageFor(rule, value, scope) });
  }

  /** What was dropped cannot be bad: a clear value for each open alert on a slot, table … that is no more. */
  function gone(present: readonly MetricValue[], complete: ReadonlySet<string>): MetricValue[] {
    return [...open.values()].flatMap(({ rule: name, scope }): MetricValue[] => {
      const rule = rules.find((one) => one.name === name);
      if (!rule || scope === "" || !complete.has(rule.metric)) return [];
      const there = present.some((one) => one.metric === rule.metric && one.scope === scope);
      return there ? [] : [{ metric: rule.metric, scope, value: rule.clear }];
    });
  }

  return {
    async load() {
      if (loaded) return;
      const changes = await store.ruleChanges();
      rules = rules.map((rule) => withChanges(rule, changes.get(rule.name) ?? {}));
      for (const alert of await store.open()) {
        const key = keyOf(alert.rule, alert.scope);
        const since = new Date(alert.started_at).getTime();
        const early = open.get(key);
        if (early) {
          // It fired again before the database could be asked: one alert, not two.
          store.drop(early.id);
          open.set(key, { ...early, id: alert.id, started_at: alert.started_at });
          store.save({ ...early, id: alert.id, started_at: alert.started_at });
          continue;
        }
        open.set(key, alert);
        states.set(key, {
          ...calm,
          phase: "firing",
          severity: alert.severity,
          badSince: since,
          firingSince: since,
        });
      }
      loaded = true;
      flush();
    },
    evaluate(present, evidenceFor, { complete = new Set<string>(), cureFor } = {}) {
      const now = clock.now().getTime();
      const values = [...present, ...gone(present, complete)];
      for (const rule of rules) {
        for (const { metric, scope, value } of values) {
          if (metric !== rule.metric) continue;
          const key = keyOf(rule.name, scope);
          const { state, transition } = step(rule, states.get(key) ?? calm, value, now);
          states.set(key, state);
          if (value === null) continue;
          if (transition) {
            const evidence = () => evidenceFor(rule, scope);
            apply(
              rule,
              scope,
              value,
              transition,
              evidence,
              () => cureFor?.(rule, scope) ?? rule.cure,
            );
          } else refresh(rule, scope, value);
        }
      }
      flush();
    },
    firing: () =>
      [...open.values()].sort((a, b) =>
        a.severity === b.severity
          ? b.started_at.localeCompare(a.started_at)
          : a.severity === "critical"
          ? -1
          : 1
      ),
    async list(query) {
      const present = new Map([...open.values()].map((alert) => [alert.id, alert]));
      return (await store.list(query)).map((alert) => present.get(alert.id) ?? alert);
    },
    acknowledge(id) {
      for (const [key, alert] of open) {
        if (alert.id !== id) continue;
        const changed = {
          ...alert,
          acknowledged_at: alert.acknowledged_at ?? clock.now().toISOString(),
        };
        open.set(key, changed);
        announce(changed, "acknowledged");
        return changed;
      }
      throw new HoldfastError("not_found", `No open alert has the id ${id}`);
    },
    rules: () => rules,
    async changeRule(name, changes) {
      const rule = initial.find((one) => one.name === name);
      if (!rule) throw new HoldfastError("not_found", `No rule is named ${name}`);
      const present = rules.find((one) => one.name === name) ?? rule;
      const before = await store.ruleChanges();
      const merged = changes === "reset"
        ? {}
        : { ...before.get(name), ...differences(present, changes) };
      // From the rule as it was at the start: what an earlier change moved along moves back with it.
      const changed = withChanges(rule, merged);
      const problems = ruleProblems(changed);
      if (problems.length > 0) {
        throw new HoldfastError(
          "invalid_request",
          `The rule ${name} would not work: ${problems[0]?.message}`,
          {
            problems,
          },
        );
      }
      await store.saveRule(name, merged);
      rules = rules.map((one) => one.name === name ? changed : one);
      log.info("alert_rule_changed", { rule: name, changes });
      return changed;
    },
  };
}
