import { z } from "zod";
import type { Alert } from "../alert.ts";
import { type Rule, showValue } from "../rules/rule.ts";

/** `why` are sentences: the value and its level, for how long, and when it ends. `runbook` is what to do, in order. */
export const Explanation = z.object({
  meaning: z.string(),
  why: z.array(z.string()),
  runbook: z.string(),
});
export type Explanation = z.infer<typeof Explanation>;

const seconds = (count: number) => showValue("seconds", count);

/** Explains in words why an alert fires (or fired) and what to do. Pure. */
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
      ? ["It fired too often within an hour. It stays open until 15 minutes were quiet."]
      : []),
    ...(alert.unknown_since
      ? [
        `Its value has been unknown since ${alert.unknown_since}. Meanwhile it can neither end nor change.`,
      ]
      : []),
    ...(alert.silenced_by
      ? [`Channels get no notifications of it because of silence ${alert.silenced_by}.`]
      : []),
    ...(alert.inhibited_by
      ? [
        `Channels get no notifications of it because it is a consequence of ${alert.inhibited_by}, which fires.`,
      ]
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
