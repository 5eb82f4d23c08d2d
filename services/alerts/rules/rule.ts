/** An alert rule as data: what is watched, from which level on, and for how long. */
export interface RuleLevels {
  /** Level of a warning, in the metric's unit; null for none. */
  warning: number | null;
  critical: number | null;
  /** Level at which a firing alert counts as over; between it and `warning` nothing changes (hysteresis). */
  clear: number;
  /** How long a level must hold before it fires. */
  for_seconds: number;
  /** How long the value must be clear before a firing alert resolves. */
  keep_firing_seconds: number;
  /** Least time from a resolved alert to the next firing of the same rule and scope. */
  cooldown_seconds: number;
  enabled: boolean;
}

export type Severity = "warning" | "critical";

/** A flag is 0 or 1 and needs no figure in its message; times is a multiple of what is usual. */
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
export type RuleUnit = (typeof ruleUnits)[number];

export interface Cure {
  sql: string;
  lock: string;
  risk: string;
}

export interface Rule extends RuleLevels {
  name: string;
  title: string;
  metric: string;
  unit: RuleUnit;
  /** Whether high or low values are bad. */
  direction: "above" | "below";
  /** First words of the message, such as "Connection pool utilization high". */
  phrase: string;
  cause: string;
  cure: readonly Cure[];
  /** What each Holdfast sees of itself alone, such as its pool; the rest one of them judges for all. */
  local?: boolean;
}

/** A rule's level for a value: critical, warning, clear, or undefined in the band between. */
export function levelOf(rule: Rule, value: number): Severity | "clear" | undefined {
  const beyond = (limit: number | null) =>
    limit !== null && (rule.direction === "above" ? value >= limit : value <= limit);
  if (beyond(rule.critical)) return "critical";
  if (beyond(rule.warning)) return "warning";
  const cleared = rule.direction === "above" ? value <= rule.clear : value >= rule.clear;
  return cleared ? "clear" : undefined;
}

function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

function size(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let at = 0;
  while (Math.abs(bytes) >= 1024 && at < units.length - 1) {
    bytes /= 1024;
    at++;
  }
  return `${Math.round(bytes * 10) / 10} ${units[at]}`;
}

/** A value in a person's words. */
export function showValue(unit: Rule["unit"], value: number): string {
  switch (unit) {
    case "ratio":
      return `${Math.round(value * 1000) / 10}%`;
    case "seconds":
      return duration(value);
    case "milliseconds":
      return `${Math.round(value)} ms`;
    case "bytes":
      return size(value);
    case "bytes_per_second":
      return `${size(value)} per second`;
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

/** E.g. "Connection pool utilization high: 80%". */
export function messageFor(rule: Rule, value: number, scope: string): string {
  const where = `${rule.phrase}${scope ? ` on ${scope}` : ""}`;
  return rule.unit === "flag" ? where : `${where}: ${showValue(rule.unit, value)}`;
}

/** What keeps a rule from working: levels in the wrong order, or none at all. */
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
