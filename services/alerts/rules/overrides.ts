import type { ChannelSetting } from "../../../config/channels.ts";
import type { AlertOverride } from "../../../config/config.ts";
import { StartError } from "../../../errors.ts";
import { suggestion } from "../../../lib/text/nearest.ts";
import { shippedRules } from "./catalog/list.ts";
import type { Profile, RuleDefinition } from "./definition.ts";
import { Rule, type RuleLevels, ruleProblems } from "./rule.ts";

type Changes = Partial<RuleLevels>;

const levelNames = [
  "warning",
  "critical",
  "clear",
  "for_seconds",
  "keep_firing_seconds",
  "cooldown_seconds",
] as const;

/** Returns a rule with changed levels. `clear` moves along where the change would leave it on the bad side of them. */
export function withChanges(rule: Rule, changes: Changes): Rule {
  const changed = { ...rule, ...changes };
  const first = changed.warning ?? changed.critical;
  if (first === null || changes.clear !== undefined) return changed;
  const wrong = changed.direction === "above" ? changed.clear >= first : changed.clear <= first;
  // Just beyond the level: with no hysteresis, but the alert can end.
  const step = Math.max(Math.abs(first) * 0.01, Number.EPSILON);
  return wrong
    ? { ...changed, clear: changed.direction === "above" ? first - step : first + step }
    : changed;
}

/** Parses the number that an override sets a level to; undefined where it is none, or out of range. */
function levelValue(level: (typeof levelNames)[number], text: string): number | undefined {
  const value = text.trim() === "" ? NaN : Number(text);
  const [min, max] = level.endsWith("_seconds") ? [0, 86_400] : [-Infinity, Infinity];
  return Number.isFinite(value) && value >= min && value <= max ? value : undefined;
}

interface ParsedOverride {
  rule: string;
  changes: Changes;
  given: AlertOverride;
}

function parseOverride(given: AlertOverride): ParsedOverride {
  const { name, value } = given;
  const words = name.slice("HOLDFAST_ALERT_".length).toLowerCase();
  for (const rule of shippedRules) {
    if (words === `${rule.name}_enabled` && /^(0|1|true|false)$/.test(value)) {
      return { rule: rule.name, changes: { enabled: value === "1" || value === "true" }, given };
    }
    for (const level of levelNames) {
      const number = levelValue(level, value);
      if (words === `${rule.name}_${level}` && number !== undefined) {
        return { rule: rule.name, changes: { [level]: number }, given };
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

/** Throws a StartError for levels with which the rule cannot work, as a request for them is refused. */
function checkLevels(rule: Rule, overrides: readonly ParsedOverride[]): void {
  const [problem] = ruleProblems(rule);
  const [first] = overrides;
  if (!problem || !first) return;
  const { given } = overrides.find(({ changes }) => problem.path in changes) ?? first;
  throw new StartError(
    `${given.name} is ${
      JSON.stringify(given.value)
    }; allowed: levels with which the rule ${rule.name} can work: ${problem.message}`,
  );
}

/** Throws a StartError for a channel that is limited to a rule that does not exist: nobody would miss its notices. */
export function checkChannelRules(
  channels: readonly Pick<ChannelSetting, "name" | "rules">[],
): void {
  const known = shippedRules.map(({ name }) => name);
  for (const { name: channel, rules = [] } of channels) {
    const unknown = rules.find((rule) => !known.includes(rule));
    if (unknown === undefined) continue;
    throw new StartError(
      `HOLDFAST_CHANNELS limits the channel ${channel} to the rule ${JSON.stringify(unknown)}${
        suggestion(unknown, known)
      }; allowed: ${known.join(", ")}`,
    );
  }
}

const profileChanges = ({ profiles }: RuleDefinition, profile: Profile): Changes =>
  (profile === "production" ? undefined : profiles?.[profile]) ?? {};

/** Returns the rules at the start: as shipped, changed by the profile, then by the overrides. Throws StartError. */
export function buildRules(profile: Profile, overrides: readonly AlertOverride[]): Rule[] {
  const parsed = overrides.map(parseOverride);
  return shippedRules.map((definition) => {
    const own = parsed.filter(({ rule }) => rule === definition.name);
    // Parsing drops what only the definition has.
    const rule = withChanges(Rule.parse(definition), profileChanges(definition, profile));
    const changed = withChanges(rule, Object.assign({}, ...own.map(({ changes }) => changes)));
    checkLevels(changed, own);
    return changed;
  });
}
