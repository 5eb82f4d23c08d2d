import { z } from "zod";

// Each schema here and its type share a name. The API, live events, deliveries and the listing derive theirs from these.

export const Time = z.iso.datetime({ offset: true }).meta({ example: "2026-01-31T09:30:00Z" });

export const Severity = z.enum(["warning", "critical"]);
export type Severity = z.infer<typeof Severity>;

/** One statement that cures an alert, or finds what causes it. */
export const Cure = z.object({ sql: z.string(), lock: z.string(), risk: z.string() });
export type Cure = z.infer<typeof Cure>;

/** A fact that supports an alert: a figure, or a row. */
export const Evidence = z.object({ name: z.string(), value: z.unknown() });
export type Evidence = z.infer<typeof Evidence>;

/** One alert, from its first bad value to its end. Times are RFC 3339. */
export const Alert = z.object({
  id: z.uuid(),
  rule: z.string(),
  alert_type: z.string().meta({ example: "connection_pool_warning" }),
  severity: Severity,
  peak_severity: Severity.meta({ description: "Worst severity that the alert had" }),
  state: z.enum(["pending", "firing", "resolved"]),
  message: z.string().meta({ example: "Connection pool utilization high: 80%" }),
  value: z.number().nullable(),
  threshold: z.number().nullable(),
  scope: z.string().meta({
    description: "The table or other object that the alert is about; empty for the whole server",
  }),
  instance: z.string().meta({
    description:
      "The instance that evaluates a rule about itself; empty for rules that one instance evaluates for all",
  }),
  started_at: Time,
  resolved_at: Time.nullable(),
  acknowledged_at: Time.nullable(),
  acknowledged_by: z.string().nullable().meta({
    description: 'Name and role: "marta, admin"; the role is "open" where no token is set',
  }),
  flapping: z.boolean().meta({
    description:
      "The alert fired so often within an hour that it stays open until its value has been clear for 15 minutes",
  }),
  unknown_since: Time.nullable().meta({
    description:
      "Since when the value is unknown; until it is known again, the alert neither ends nor changes",
  }),
  silenced_by: z.uuid().nullable().meta({
    description: "The silence that suppresses the alert's notifications",
  }),
  inhibited_by: z.string().nullable().meta({
    description:
      "The firing rule of which this alert is a consequence; channels are notified of that rule only",
  }),
  notified_at: Time.nullable().meta({
    description: "When channels were last notified of the alert",
  }),
  notified_severity: Severity.nullable(),
  evidence: z.array(Evidence),
  cause: z.string(),
  cure: z.array(Cure).readonly(),
  runbook: z.string().meta({
    description: "Address of the rule's section in the runbook, which this Holdfast serves",
    example: "/docs/runbook#lock_wait",
  }),
});
export type Alert = z.infer<typeof Alert>;

/** A value that rules judge: of the whole server (scope "") or of one object, such as a table. */
export interface MetricValue {
  metric: string;
  scope: string;
  value: number | null;
  /**
   * The lower bound of an unknown value. It is enough to fire an alert, and to end one that fired by a bound; it never
   * proves that a value is good.
   */
  floor?: number | undefined;
}

/** Returns the address of a rule's section in the runbook, relative to this Holdfast. */
export const runbookOf = (rule: string) => `/docs/runbook#${rule}`;

/** Returns the key of an alert: one alert is open per rule and scope. */
export const keyOf = (rule: string, scope: string) => `${rule}\n${scope}`;
