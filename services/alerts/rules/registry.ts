import { HoldfastError } from "../../../errors.ts";
import { createSerialQueue } from "../../../lib/serial_queue.ts";
import type { Logger } from "../../../log.ts";
import type { AlertStore } from "../storage/store.ts";
import { planChanges, type RuleChange, withLevels } from "./changes.ts";
import { withChanges } from "./overrides.ts";
import type { Rule, RuleLevels } from "./rule.ts";

export type RuleRegistry = ReturnType<typeof createRuleRegistry>;

/** Returns the levels of a rule that other levels can be tried with; `clear` follows from them. */
const levelsOf = (rule: Rule): Partial<RuleLevels> => ({
  warning: rule.warning,
  critical: rule.critical,
  for_seconds: rule.for_seconds,
  keep_firing_seconds: rule.keep_firing_seconds,
  cooldown_seconds: rule.cooldown_seconds,
  enabled: rule.enabled,
});

/** Creates the rules in force: those at the start, with the changes made at run time, which the database keeps. */
export function createRuleRegistry(
  { initial, store, log }: {
    initial: readonly Rule[];
    store: Pick<AlertStore, "ruleChanges" | "saveRules">;
    log: Logger;
  },
) {
  let rules = [...initial];
  // One read or change at a time: rules read before a change must not replace it.
  const queue = createSerialQueue();

  function find(name: string): { shipped: Rule; present: Rule } {
    const shipped = initial.find((one) => one.name === name);
    if (!shipped) throw new HoldfastError("not_found", `No rule is named ${name}`);
    return { shipped, present: rules.find((one) => one.name === name) ?? shipped };
  }

  const withStored = (changed: ReadonlyMap<string, Partial<RuleLevels>>): Rule[] =>
    initial.map((rule) => withChanges(rule, changed.get(rule.name) ?? {}));

  async function changeRules(
    wanted: readonly RuleChange[],
    check: ((present: readonly Rule[]) => void) | undefined,
  ): Promise<void> {
    // A single unknown rule is refused before the database is asked; of several, the error names all problems.
    if (wanted.length === 1) wanted.forEach(({ name }) => find(name));
    const changed = await store.ruleChanges();
    check?.(withStored(changed));
    const planned = planChanges(wanted, { find, changed });
    if (!await store.saveRules(planned.levels, check && changed)) {
      throw new HoldfastError(
        "precondition_failed",
        "Nothing was changed: the rules were changed meanwhile; read them again",
      );
    }
    rules = rules.map((one) => planned.rules.get(one.name) ?? one);
    for (const { name, changes } of wanted) log.info("alert_rule_changed", { rule: name, changes });
  }

  return {
    rules: (): readonly Rule[] => rules,
    /** Returns a rule in force. Throws `not_found`. */
    find: (name: string): Rule => find(name).present,
    /** Returns a rule with other levels, without changing it. Throws `not_found` and `invalid_request`. */
    tryLevels(name: string, changes: Partial<RuleLevels>): Rule {
      const { shipped, present } = find(name);
      return withLevels(shipped, { ...levelsOf(present), ...changes });
    },
    /** Reads the changes made at run time, by this Holdfast or another. */
    refresh: (): Promise<void> =>
      queue.run(async () => {
        rules = withStored(await store.ruleChanges());
      }),
    /**
     * Makes all changes or none; they outlast a restart. `check` gets the present rules, and prevents the change by
     * throwing. Throws `precondition_failed` where another Holdfast changes the rules meanwhile.
     */
    change: (
      wanted: readonly RuleChange[],
      check?: (present: readonly Rule[]) => void,
    ): Promise<void> => queue.run(() => changeRules(wanted, check)),
  };
}
