import type { Alert } from "../alert.ts";
import { type Rule, showValue } from "../rules/rule.ts";

export interface Explanation {
  meaning: string;
  /** Sentences: what was seen, against which level, for how long, and what holds it where it is. */
  why: string[];
  /** What to do, in order, as text. */
  runbook: string;
}

const seconds = (count: number) => showValue("seconds", count);

/** Why an alert fires (or fired) and what to do, in words. Pure. */
export function explain(rule: Rule, alert: Alert): Explanation {
  const show = (value: number) =>
    rule.unit === "flag" ? String(value) : showValue(rule.unit, value);
  const side = rule.direction === "above" ? "or more" : "or less";
  const why = [
    ...(alert.value === null || alert.threshold === null ? [] : [
      `${rule.metric} is ${show(alert.value)}; ${alert.severity} begins at ${
        show(alert.threshold)
      } ${side}.`,
    ]),
    `The alert began at ${alert.started_at}${
      rule.for_seconds > 0 ? `; a level must hold for ${seconds(rule.for_seconds)} to fire` : ""
    }.`,
    alert.resolved_at === null
      ? `It ends once it is ${show(rule.clear)} or ${
        rule.direction === "above" ? "less" : "more"
      } for ${seconds(rule.keep_firing_seconds)}.`
      : `It ended at ${alert.resolved_at}.`,
    ...(alert.flapping
      ? ["It fired too often within an hour: it stays open until a quarter of an hour was quiet."]
      : []),
    ...(alert.unknown_since
      ? [
        `Its value has not been known since ${alert.unknown_since}: it can neither end nor change.`,
      ]
      : []),
    ...(alert.silenced_by ? [`Channels are not told: silence ${alert.silenced_by}.`] : []),
    ...(alert.inhibited_by
      ? [`Channels are not told: it follows from ${alert.inhibited_by}, which fires.`]
      : []),
  ];
  const steps = alert.cure.map(({ sql, lock, risk }, at) =>
    `${at + 1}. ${sql}\n   lock: ${lock}; ${risk}`
  );
  return {
    meaning: rule.title,
    why,
    runbook: [`Likely cause: ${alert.cause}`, ...steps].join("\n"),
  };
}
