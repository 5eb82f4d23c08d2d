import type { View } from "../../monitor/signals/signal.ts";
import type { Snapshot } from "../../monitor/snapshot.ts";
import type { Cure, Evidence } from "../alert.ts";
import { shippedRules } from "./catalog/list.ts";
import type { Rule } from "./rule.ts";

/** Statements of one alert at most. */
const curesMax = 5;

const definitions = new Map(shippedRules.map((rule) => [rule.name, rule]));

/** Returns the facts that support an alert of `rule` in `scope`; the value of one that is not known at present is null. */
export const evidenceFor = (rule: Rule, scope: string, snapshot: Snapshot): Evidence[] =>
  (definitions.get(rule.name)?.evidence?.(snapshot, scope) ?? [])
    .map(({ name, value = null }) => ({ name, value }));

/**
 * Returns the statements that cure an alert of `rule` in `scope`, with the names of what it is about. Where these are
 * unknown, returns the rule's own statements, which find them.
 */
export function curesFor(rule: Rule, scope: string, view: View): readonly Cure[] {
  const named = definitions.get(rule.name)?.cureFor?.(view, scope);
  return named && named.length > 0 ? named.slice(0, curesMax) : rule.cure;
}
