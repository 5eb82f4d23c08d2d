import { HoldfastError, type InputProblem } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import { type Rule, type RuleLevels, ruleProblems } from "./rule.ts";
import { withChanges } from "./overrides.ts";
import type { AlertStore } from "../storage/store.ts";

/** Enough to mend a request by; it may name 200 rules. */
const problemsMax = 50;

/** A rule sent back as it was read, with one level changed, changes that level alone. */
function differences(rule: Rule, changes: Partial<RuleLevels>): Partial<RuleLevels> {
  return Object.fromEntries(
    Object.entries(changes).filter(([name, value]) => rule[name as keyof RuleLevels] !== value),
  );
}

/** What is to change of one rule; "reset" takes back all that was changed at run time. */
export interface RuleChange {
  name: string;
  changes: Partial<RuleLevels> | "reset";
}

/** The rules in force: those of the start, with what was changed at run time and lasts in the database. */
export function createRuleRegistry(
  { initial, store, log }: {
    initial: readonly Rule[];
    store: Pick<AlertStore, "ruleChanges" | "saveRules">;
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

  /**
   * The rules as all changes together would leave them, and what is to be kept of each. Throws one error that names
   * every change that cannot be made.
   */
  function planned(
    wanted: readonly RuleChange[],
    before: ReadonlyMap<string, Partial<RuleLevels>>,
  ): { rules: Map<string, Rule>; kept: Map<string, Partial<RuleLevels>> } {
    const planned = {
      rules: new Map<string, Rule>(),
      kept: new Map<string, Partial<RuleLevels>>(),
    };
    const errors: HoldfastError[] = [];
    const problems: InputProblem[] = [];
    for (const [at, { name, changes }] of wanted.entries()) {
      try {
        const present = planned.rules.get(name) ?? find(name).present;
        const merged = changes === "reset" ? {} : {
          ...(planned.kept.get(name) ?? before.get(name)),
          ...differences(present, changes),
        };
        planned.rules.set(name, tried(name, merged));
        planned.kept.set(name, merged);
      } catch (error) {
        if (!(error instanceof HoldfastError)) throw error;
        errors.push(error);
        const found = error.problems.length > 0
          ? error.problems
          : [{ path: "name", message: error.message }];
        problems.push(
          ...found.map(({ path, message }) => ({
            path: `rules.${at}.${path}`,
            message: `${name}: ${message}`,
          })),
        );
      }
    }
    const [first] = errors;
    if (first && wanted.length === 1) throw first;
    if (first) {
      throw new HoldfastError(
        "invalid_request",
        `Nothing was changed: ${errors.length} of ${wanted.length} changes cannot be made, the first because: ${first.message}`,
        { problems: problems.slice(0, problemsMax) },
      );
    }
    return planned;
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
    /**
     * Makes all changes or none; they last over restarts. `check` judges the rules as they are, and throws to leave them
     * so; throws `precondition_failed` where another Holdfast changes them meanwhile.
     */
    change: (
      wanted: readonly RuleChange[],
      check?: (present: readonly Rule[]) => void,
    ): Promise<void> =>
      inTurn(async () => {
        // Before the database is asked; of several, the refusal names all that is wrong.
        if (wanted.length === 1) wanted.forEach(({ name }) => find(name));
        const before = await store.ruleChanges();
        check?.(initial.map((rule) => withChanges(rule, before.get(rule.name) ?? {})));
        const { rules: changed, kept } = planned(wanted, before);
        const saved = await store.saveRules(kept, check && before);
        if (!saved) {
          throw new HoldfastError(
            "precondition_failed",
            "The rules were changed meanwhile: read them again; nothing was changed",
          );
        }
        rules = rules.map((one) => changed.get(one.name) ?? one);
        for (const { name, changes } of wanted) {
          log.info("alert_rule_changed", { rule: name, changes });
        }
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

export type RuleRegistry = ReturnType<typeof createRuleRegistry>;
