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

export interface Cure {
  sql: string;
  lock: string;
  risk: string;
}

export interface Rule extends RuleLevels {
  name: string;
  title: string;
  metric: string;
  unit: "ratio" | "seconds" | "milliseconds" | "count" | "per_minute";
  /** Whether high or low values are bad. */
  direction: "above" | "below";
  /** First words of the message, such as "Connection pool utilization high". */
  phrase: string;
  cause: string;
  cure: readonly Cure[];
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

/** A value in a person's words. */
export function showValue(unit: Rule["unit"], value: number): string {
  switch (unit) {
    case "ratio":
      return `${Math.round(value * 1000) / 10}%`;
    case "seconds":
      return duration(value);
    case "milliseconds":
      return `${Math.round(value)} ms`;
    case "per_minute":
      return `${Math.round(value * 10) / 10} per minute`;
    case "count":
      return String(Math.round(value * 100) / 100);
  }
}

/** E.g. "Connection pool utilization high: 80%". */
export function messageFor(rule: Rule, value: number, scope: string): string {
  return `${rule.phrase}${scope ? ` on ${scope}` : ""}: ${showValue(rule.unit, value)}`;
}
