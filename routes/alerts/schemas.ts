import { z } from "@hono/zod-openapi";
import { ruleUnits } from "../../services/alerts/rules/rule.ts";
import { inputObject, nextCursor, Time } from "../common/shared.ts";

export const Cure = z.object({ sql: z.string(), lock: z.string(), risk: z.string() }).openapi(
  "Cure",
);

export const Alert = z.object({
  id: z.uuid(),
  rule: z.string(),
  alert_type: z.string().openapi({ example: "connection_pool_warning" }),
  severity: z.enum(["warning", "critical"]),
  peak_severity: z.enum(["warning", "critical"]).openapi({ description: "The worst it has been" }),
  state: z.enum(["pending", "firing", "resolved"]),
  message: z.string().openapi({ example: "Connection pool utilization high: 80%" }),
  value: z.number().nullable(),
  threshold: z.number().nullable(),
  scope: z.string().openapi({ description: "The table it is about; empty for the whole server" }),
  instance: z.string().openapi({
    description: "The Holdfast that sees it, when others do not; empty for what all see alike",
  }),
  started_at: Time,
  resolved_at: Time.nullable(),
  acknowledged_at: Time.nullable(),
  acknowledged_by: z.string().nullable().openapi({
    description: 'Who, and with which role: "marta, admin"; role "open": no token is set',
  }),
  flapping: z.boolean(),
  unknown_since: Time.nullable().openapi({
    description: "Since when its value is not known: it can neither end nor change",
  }),
  silenced_by: z.uuid().nullable(),
  inhibited_by: z.string().nullable().openapi({
    description: "The rule that fires and from which this follows",
  }),
  notified_at: Time.nullable().openapi({ description: "When channels were last told" }),
  notified_severity: z.enum(["warning", "critical"]).nullable(),
  evidence: z.array(z.object({ name: z.string(), value: z.unknown() })),
  cause: z.string(),
  cure: z.array(Cure),
}).openapi("Alert");

export const Acknowledgement = inputObject({
  by: z.string().trim().regex(/^[^\0]{1,100}$/, "1 to 100 characters").optional().openapi({
    description: "Who is on it; kept beside the role that asked",
  }),
});

export const AlertList = z.object({
  alerts: z.array(Alert),
  next_cursor: nextCursor,
  complete: z.boolean().openapi({
    description:
      "False while the database is away: what fires is told from memory, what ended is not there",
  }),
}).openapi("AlertList");

export const ExplainedAlert = Alert.extend({
  explanation: z.object({
    meaning: z.string(),
    why: z.array(z.string()),
    runbook: z.string(),
  }),
}).openapi("ExplainedAlert");

const levels = {
  warning: z.number().nullable(),
  critical: z.number().nullable(),
  clear: z.number(),
  for_seconds: z.number().min(0).max(86_400),
  keep_firing_seconds: z.number().min(0).max(86_400),
  cooldown_seconds: z.number().min(0).max(86_400),
  enabled: z.boolean(),
};

export const AlertRule = z.object({
  name: z.string(),
  title: z.string(),
  metric: z.string(),
  unit: z.enum(ruleUnits),
  direction: z.enum(["above", "below"]),
  ...levels,
  phrase: z.string(),
  cause: z.string(),
  cure: z.array(Cure),
  local: z.boolean().optional().openapi({
    description: "Each Holdfast judges it by itself; else one does for all on a database",
  }),
}).openapi("AlertRule");

export const RuleList = z.object({ rules: z.array(AlertRule), next_cursor: nextCursor }).openapi(
  "AlertRuleList",
);

/** Levels to change. The other fields of a rule may come along, as they were read, and change nothing. */
export const RuleChange = inputObject({
  ...AlertRule.partial().shape,
  name: z.string().min(1).max(64),
  reset: z.boolean().optional().openapi({ description: "Take back every change made at run time" }),
}).openapi("AlertRuleChange");

export const RuleChanges = inputObject({
  rules: z.array(RuleChange).min(1).max(200),
  next_cursor: nextCursor.optional(),
}).openapi("AlertRuleChanges");

export const RehearsalInput = inputObject({
  rule: z.string().min(1).max(64),
  scope: z.string().max(200).default(""),
  from: Time.optional().openapi({ description: "Default: 7 days before `to`" }),
  to: Time.optional().openapi({ description: "Default: now" }),
  days: z.number().positive().max(366).optional().openapi({ description: "Instead of `from`" }),
  changes: inputObject(levels).omit({ enabled: true }).partial().default({}).openapi({
    description: "Levels to try instead of those in force",
  }),
}).openapi("AlertRehearsalRequest");

export const Rehearsal = z.object({
  rule: z.string(),
  scope: z.string(),
  from: Time,
  to: Time,
  known_from: Time.nullable(),
  known_to: Time.nullable(),
  points: z.int(),
  unknown_seconds: z.int(),
  would_have_fired: z.int(),
  notices: z.int(),
  firings: z.array(z.object({
    started_at: Time,
    fired_at: Time,
    resolved_at: Time.nullable(),
    severity: z.enum(["warning", "critical"]),
    worst_value: z.number(),
    message: z.string(),
  })),
  summary: z.string().openapi({ example: "would have fired 3 times between … and …" }),
}).openapi("AlertRehearsal");

export const Silence = z.object({
  id: z.uuid(),
  rule: z.string().nullable().openapi({ description: "null: every rule" }),
  scope: z.string().nullable().openapi({ description: "null: every scope" }),
  reason: z.string(),
  created_by: z.string(),
  created_at: Time,
  starts_at: Time,
  ends_at: Time,
}).openapi("AlertSilence");

export const SilenceList = z.object({ silences: z.array(Silence), next_cursor: nextCursor })
  .openapi("AlertSilenceList");

export const SilenceInput = inputObject({
  rule: z.string().min(1).max(64).nullable().default(null),
  scope: z.string().max(200).nullable().default(null),
  reason: z.string().trim().min(1).max(500),
  starts_at: Time.optional().openapi({ description: "Later than now for a maintenance window" }),
  ends_at: Time.optional(),
  duration_seconds: z.number().positive().max(366 * 86_400).optional(),
}).refine(
  ({ ends_at, duration_seconds }) => (ends_at === undefined) !== (duration_seconds === undefined),
  { path: ["ends_at"], message: "give ends_at or duration_seconds, and not both" },
).openapi("AlertSilenceRequest");

export const Channel = z.object({
  name: z.string(),
  type: z.enum(["websocket", "log", "webhook", "slack", "pagerduty", "alertmanager"]),
  host: z.string().nullable().openapi({ description: "All that is shown of its address" }),
  min_severity: z.enum(["warning", "critical"]),
  rules: z.array(z.string()).nullable().openapi({ description: "null: all" }),
  waiting: z.int(),
}).openapi("AlertChannel");

export const ChannelList = z.object({ channels: z.array(Channel), next_cursor: nextCursor })
  .openapi("AlertChannelList");

export const ChannelTest = z.object({
  channel: z.string(),
  delivered: z.boolean(),
  error: z.string().nullable(),
  duration_ms: z.number(),
}).openapi("AlertChannelTest");

export const Delivery = z.object({
  id: z.uuid(),
  channel: z.string(),
  state: z.enum(["queued", "delivered", "dead"]),
  summary: z.string(),
  attempts: z.int(),
  created_at: Time,
  next_attempt_at: Time.nullable(),
  ended_at: Time.nullable(),
  error: z.string().nullable(),
  events: z.array(z.object({
    kind: z.enum(["fired", "escalated", "eased", "acknowledged", "reminder", "resolved"]),
    rule: z.string(),
    scope: z.string(),
    state: z.enum(["queued", "delivered", "dead"]),
    error: z.string().nullable(),
  })).openapi({ description: "Each with its own fate; a delivery is dead when any of them is" }),
}).openapi("AlertDelivery");

export const DeliveryList = z.object({ deliveries: z.array(Delivery), next_cursor: nextCursor })
  .openapi("AlertDeliveryList");
