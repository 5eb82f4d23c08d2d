import type { AlertOverride, Config } from "../../../config/config.ts";
import { StartError } from "../../../errors.ts";
import type { Rule, RuleLevels } from "./rule.ts";
import { shippedRules } from "./catalog/essential.ts";

type Changes = Partial<RuleLevels>;

const profiles: Record<Config["HOLDFAST_PROFILE"], Record<string, Changes>> = {
  production: {},
  staging: {
    connection_pool: { for_seconds: 20 },
    long_transaction: { warning: 600, critical: 3_600, clear: 300 },
  },
  development: {
    connection_pool: { for_seconds: 10 },
    pool_wait: { for_seconds: 10 },
    connections: { for_seconds: 10 },
    long_transaction: { warning: 1_800, critical: 7_200, clear: 900 },
  },
};

const levelNames = [
  "warning",
  "critical",
  "clear",
  "for_seconds",
  "keep_firing_seconds",
  "cooldown_seconds",
] as const;

/** Moves `clear` to the good side of the levels when a change would leave it on the bad side. */
export function withChanges(rule: Rule, changes: Changes): Rule {
  const changed = { ...rule, ...changes };
  const first = changed.warning ?? changed.critical;
  if (first === null || changes.clear !== undefined) return changed;
  const wrong = changed.direction === "above" ? changed.clear >= first : changed.clear <= first;
  // Just beyond the level: a hysteresis of nothing rather than an alert that can never end.
  const step = Math.max(Math.abs(first) * 0.01, Number.EPSILON);
  return wrong
    ? { ...changed, clear: changed.direction === "above" ? first - step : first + step }
    : changed;
}

/** The number an override sets a level to; undefined when it is none, or no length of time where one is asked for. */
function levelValue(level: (typeof levelNames)[number], text: string): number | undefined {
  const value = text.trim() === "" ? NaN : Number(text);
  const [min, max] = level.endsWith("_seconds") ? [0, 86_400] : [-Infinity, Infinity];
  return Number.isFinite(value) && value >= min && value <= max ? value : undefined;
}

function parseOverride({ name, value }: AlertOverride): { rule: string; changes: Changes } {
  const words = name.slice("HOLDFAST_ALERT_".length).toLowerCase();
  for (const rule of shippedRules) {
    if (words === `${rule.name}_enabled` && /^(0|1|true|false)$/.test(value)) {
      return { rule: rule.name, changes: { enabled: value === "1" || value === "true" } };
    }
    for (const level of levelNames) {
      const number = levelValue(level, value);
      if (words === `${rule.name}_${level}` && number !== undefined) {
        return { rule: rule.name, changes: { [level]: number } };
      }
    }
  }
  throw new StartError(
    `${name} is ${JSON.stringify(value)}; allowed: HOLDFAST_ALERT_<RULE>_<${
      [...levelNames, "enabled"].map((level) => level.toUpperCase()).join("|")
    }> with a number (ENABLED: 0 or 1), for the rules ${
      shippedRules.map((rule) => rule.name).join(", ")
    }`,
  );
}

/** The rules that hold at the start: shipped, then the profile's, then those set from outside. */
export function buildRules(
  profile: Config["HOLDFAST_PROFILE"],
  overrides: readonly AlertOverride[],
): Rule[] {
  const outside = overrides.map(parseOverride);
  return shippedRules.map((rule) => {
    const changes = outside.filter((one) => one.rule === rule.name).map((one) => one.changes);
    return withChanges(
      withChanges(rule, profiles[profile][rule.name] ?? {}),
      Object.assign({}, ...changes),
    );
  });
}
