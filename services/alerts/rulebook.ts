import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import { type Rule, type RuleLevels, ruleProblems } from "./rule.ts";
import { withChanges } from "./rules.ts";
import type { AlertStore } from "./store.ts";

/** A rule sent back as it was read, with one level changed, changes that level alone. */
function differences(rule: Rule, changes: Partial<RuleLevels>): Partial<RuleLevels> {
  return Object.fromEntries(
    Object.entries(changes).filter(([name, value]) => rule[name as keyof RuleLevels] !== value),
  );
}

/** The rules in force: those of the start, with what was changed at run time and lasts in the database. */
export function createRulebook(
  { initial, store, log }: {
    initial: readonly Rule[];
    store: Pick<AlertStore, "ruleChanges" | "saveRule">;
    log: Logger;
  },
) {
  let rules = [...initial];
  let last: Promise<unknown> = Promise.resolve();

  /** One reading or change after the other: what was read before a change must not be taken up after it. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = last.then(work, work);
    last = done.catch(() => {});
    return done;
  }

  function find(name: string): { shipped: Rule; present: Rule } {
    const shipped = initial.find((one) => one.name === name);
    if (!shipped) throw new HoldfastError("not_found", `No rule is named ${name}`);
    return { shipped, present: rules.find((one) => one.name === name) ?? shipped };
  }

  /** The rule with these levels, from as it was at the start: what an earlier change moved along moves back with it. */
  function tried(name: string, merged: Partial<RuleLevels>): Rule {
    const changed = withChanges(find(name).shipped, merged);
    const problems = ruleProblems(changed);
    if (problems.length > 0) {
      throw new HoldfastError(
        "invalid_request",
        `The rule ${name} would not work: ${problems[0]?.message}`,
        { problems },
      );
    }
    return changed;
  }

  return {
    rules: (): readonly Rule[] => rules,
    find: (name: string): Rule => find(name).present,
    /** What a rule would be with other levels; changes nothing. */
    tryLevels: (name: string, changes: Partial<RuleLevels>): Rule =>
      tried(name, { ...pick(find(name).present), ...changes }),
    /** Takes up what was changed at run time, here or by another Holdfast. */
    refresh: (): Promise<void> =>
      inTurn(async () => {
        const changes = await store.ruleChanges();
        rules = initial.map((rule) => withChanges(rule, changes.get(rule.name) ?? {}));
      }),
    /** Changes levels of a rule, or takes back every change; lasts over restarts. */
    change: (name: string, changes: Partial<RuleLevels> | "reset"): Promise<Rule> =>
      inTurn(async () => {
        const { present } = find(name);
        const before = await store.ruleChanges();
        const merged = changes === "reset"
          ? {}
          : { ...before.get(name), ...differences(present, changes) };
        const changed = tried(name, merged);
        await store.saveRule(name, merged);
        rules = rules.map((one) => one.name === name ? changed : one);
        log.info("alert_rule_changed", { rule: name, changes });
        return changed;
      }),
  };
}

const pick = (rule: Rule): Partial<RuleLevels> => ({
  warning: rule.warning,
  critical: rule.critical,
  for_seconds: rule.for_seconds,
  keep_firing_seconds: rule.keep_firing_seconds,
  cooldown_seconds: rule.cooldown_seconds,
  enabled: rule.enabled,
});

export type Rulebook = ReturnType<typeof createRulebook>;
