import { bytesText, durationText } from "../../../lib/text/format.ts";
import { z } from "zod";
import { Cure, type Severity } from "../alert.ts";

/** A flag is 0 or 1 and is not shown in messages; `times` is a multiple of the usual value. */
export const ruleUnits = [
  "ratio",
  "times",
  "seconds",
  "milliseconds",
  "bytes",
  "bytes_per_second",
  "count",
  "per_minute",
  "per_hour",
  "flag",
] as const;

const Seconds = z.number().min(0).max(86_400);

/** What may be changed of a rule. Levels are in the metric's unit. */
export const RuleLevels = z.object({
  warning: z.number().nullable().meta({ description: "Level of a warning; null for none" }),
  critical: z.number().nullable().meta({
    description: "Level of a critical alert; null for none",
  }),
  clear: z.number().meta({
    description:
      "Level at which a firing alert ends; between this level and `warning` nothing changes",
  }),
  for_seconds: Seconds.meta({ description: "How long a level must hold before the rule fires" }),
  keep_firing_seconds: Seconds.meta({
    description: "How long the value must be clear before the alert ends",
  }),
  cooldown_seconds: Seconds.meta({
    description: "Minimum time from the end of an alert to the next one of the same rule and scope",
  }),
  enabled: z.boolean(),
});
export type RuleLevels = z.infer<typeof RuleLevels>;

/** A rule in force. `rules/definition.ts` describes shipped rules. */
export const Rule = z.object({
  name: z.string(),
  title: z.string(),
  metric: z.string(),
  unit: z.enum(ruleUnits),
  direction: z.enum(["above", "below"]).meta({
    description: "Whether high or low values are bad",
  }),
  ...RuleLevels.shape,
  phrase: z.string().meta({ description: "The first words of the alert's message" }),
  cause: z.string(),
  cure: z.array(Cure).readonly(),
  local: z.boolean().optional().meta({
    description:
      "true: each instance evaluates the rule for itself; false: one instance evaluates it for all on the database",
  }),
});
export type Rule = z.infer<typeof Rule>;

/** Returns a rule's level for a value: critical, warning, clear, or undefined between `clear` and the first level. */
export function levelOf(rule: Rule, value: number): Severity | "clear" | undefined {
  const beyond = (limit: number | null) =>
    limit !== null && (rule.direction === "above" ? value >= limit : value <= limit);
  if (beyond(rule.critical)) return "critical";
  if (beyond(rule.warning)) return "warning";
  const cleared = rule.direction === "above" ? value <= rule.clear : value >= rule.clear;
  return cleared ? "clear" : undefined;
}

/** Formats a value for people, such as "80%" or "5 min". */
export function showValue(unit: Rule["unit"], value: number): string {
  switch (unit) {
    case "ratio":
      return `${Math.round(value * 1000) / 10}%`;
    case "seconds":
      return durationText(value);
    case "milliseconds":
      return `${Math.round(value)} ms`;
    case "bytes":
      return bytesText(value);
    case "bytes_per_second":
      return `${bytesText(value)} per second`;
    case "times":
      return `${Math.round(value * 10) / 10} times`;
    case "per_hour":
      return `${Math.round(value * 10) / 10} per hour`;
    case "per_minute":
      return `${Math.round(value * 10) / 10} per minute`;
    case "flag":
    case "count":
      return String(Math.round(value * 100) / 100);
  }
}

/** Returns an alert's message, such as "Connection pool utilization high: 80%". */
export function messageFor(rule: Rule, value: number, scope: string): string {
  const where = `${rule.phrase}${scope ? ` on ${scope}` : ""}`;
  return rule.unit === "flag" ? where : `${where}: ${showValue(rule.unit, value)}`;
}

/** Returns why a rule cannot work: its levels are negative, in the wrong order, or missing. */
export function ruleProblems(rule: Rule): { path: string; message: string }[] {
  const { warning, critical, clear, direction } = rule;
  const worse = (a: number, b: number) => direction === "above" ? a >= b : a <= b;
  const side = direction === "above" ? "below" : "above";
  const first = warning ?? critical;
  return [
    ...[["warning", warning], ["critical", critical], ["clear", clear]].flatMap(([path, level]) =>
      typeof level === "number" && level < 0
        ? [{ path: String(path), message: `${path} must not be negative` }]
        : []
    ),
    ...(warning !== null && critical !== null && !worse(critical, warning)
      ? [{
        path: "critical",
        message: `critical (${critical}) must be worse than warning (${warning})`,
      }]
      : []),
    ...(first === null
      ? [{ path: "warning", message: "a rule needs a warning or a critical level" }]
      : worse(clear, first)
      ? [{ path: "clear", message: `clear (${clear}) must be ${side} the first level (${first})` }]
      : []),
  ];
}
