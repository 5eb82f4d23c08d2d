import { HoldfastError, type InputProblem } from "../../../errors.ts";
import { withChanges } from "./overrides.ts";
import { type Rule, type RuleLevels, ruleProblems } from "./rule.ts";

type Levels = Partial<RuleLevels>;

/** A change of one rule; "reset" undoes every change made at run time. */
export interface RuleChange {
  name: string;
  changes: Levels | "reset";
}

/** What is known of the rules before a change. */
export interface RulesBefore {
  /** The rules at the start. Throws `not_found`. */
  find(name: string): { shipped: Rule; present: Rule };
  /** The levels changed at run time, by rule. */
  changed: ReadonlyMap<string, Levels>;
}

/** What all changes together lead to. */
export interface PlannedChanges {
  rules: Map<string, Rule>;
  /** The levels to save, by rule. */
  levels: Map<string, Levels>;
}

/** Problems in an error at most: a request may name 200 rules. */
const problemsMax = 50;

/** Returns the levels that differ from the rule's: a rule sent back as it was read changes nothing. */
function differences(rule: Rule, changes: Levels): Levels {
  return Object.fromEntries(
    Object.entries(changes).filter(([name, value]) => rule[name as keyof RuleLevels] !== value),
  );
}

/**
 * Returns a rule as it was at the start, with these levels: a `clear` that an earlier change moved moves back with it.
 * Throws `invalid_request` for levels with which the rule cannot work. Pure.
 */
export function withLevels(shipped: Rule, levels: Levels): Rule {
  const changed = withChanges(shipped, levels);
  const problems = ruleProblems(changed);
  if (problems.length === 0) return changed;
  throw new HoldfastError(
    "invalid_request",
    `The rule ${shipped.name} would not work: ${problems[0]?.message}`,
    { problems },
  );
}

/** Returns what is wrong with the change at place `at` of a request. */
function problemsOf(error: HoldfastError, name: string, at: number): InputProblem[] {
  const found = error.problems.length > 0
    ? error.problems
    : [{ path: "name", message: error.message }];
  return found.map(({ path, message }) => ({
    path: `rules.${at}.${path}`,
    message: `${name}: ${message}`,
  }));
}

/** Plans changes, all or none. Throws one error that names every change that cannot be made. Pure. */
export function planChanges(wanted: readonly RuleChange[], before: RulesBefore): PlannedChanges {
  const planned: PlannedChanges = { rules: new Map(), levels: new Map() };
  const errors: HoldfastError[] = [];
  const problems: InputProblem[] = [];
  for (const [at, { name, changes }] of wanted.entries()) {
    try {
      const { shipped, present } = before.find(name);
      const levels = changes === "reset" ? {} : {
        ...(planned.levels.get(name) ?? before.changed.get(name)),
        ...differences(planned.rules.get(name) ?? present, changes),
      };
      planned.rules.set(name, withLevels(shipped, levels));
      planned.levels.set(name, levels);
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      errors.push(error);
      problems.push(...problemsOf(error, name, at));
    }
  }
  const [first] = errors;
  if (!first) return planned;
  if (wanted.length === 1) throw first;
  throw new HoldfastError(
    "invalid_request",
    `Nothing was changed: ${errors.length} of ${wanted.length} changes cannot be made, the first because: ${first.message}`,
    { problems: problems.slice(0, problemsMax) },
  );
}
