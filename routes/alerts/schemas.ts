import { z } from "@hono/zod-openapi";
import { deliveryStates } from "../../db/alerts/deliveries.ts";
import * as alerts from "../../services/alerts/alert.ts";
import { noticeKinds } from "../../services/alerts/notify/due.ts";
import * as silences from "../../services/alerts/notify/silences.ts";
import * as explanation from "../../services/alerts/evaluation/explanation.ts";
import * as rehearsal from "../../services/alerts/evaluation/rehearsal.ts";
import * as rules from "../../services/alerts/rules/rule.ts";
import { inputObject, nextCursor, Time } from "../common/shared.ts";

export const Cure = z.object(alerts.Cure.shape).openapi("Cure");

export const Alert = z.object({ ...alerts.Alert.shape, cure: z.array(Cure) }).openapi("Alert");

export const Acknowledgement = inputObject({
  by: z.string().trim().regex(/^[^\0]{1,100}$/, "1 to 100 characters").optional().openapi({
    description: "Who acknowledges it; stored with the role of the request",
  }),
});

const database = z.string().openapi({
  description: "The database that the alert is about: `default` if there is only one",
  example: "default",
});

export const ListedAlert = Alert.extend({ database }).openapi("ListedAlert");

export const AlertList = z.object({
  alerts: z.array(ListedAlert),
  next_cursor: nextCursor,
  complete: z.boolean().openapi({
    description:
      "false: a database is unreachable; its firing alerts come from memory, its ended ones are missing",
  }),
}).openapi("AlertList");

export const ExplainedAlert = ListedAlert.extend({ explanation: explanation.Explanation })
  .openapi("ExplainedAlert");

export const AlertRule = z.object({ ...rules.Rule.shape, cure: z.array(Cure) })
  .openapi("AlertRule");

export const RuleList = z.object({ rules: z.array(AlertRule), next_cursor: nextCursor }).openapi(
  "AlertRuleList",
);

/** Levels to change. A rule may be sent back whole, as it was read: its other fields change nothing. */
export const RuleChange = inputObject({
  ...AlertRule.partial().shape,
  name: z.string().min(1).max(64),
  reset: z.boolean().optional().openapi({ description: "Undo every change made at run time" }),
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
  days: z.number().positive().max(366).optional().openapi({
    description: "Length of the range, instead of `from`",
  }),
  changes: inputObject(rules.RuleLevels.shape).omit({ enabled: true }).partial().default({})
    .openapi({
      description: "Levels to try instead of those in force",
    }),
}).openapi("AlertRehearsalRequest");

export const Rehearsal = z.object(rehearsal.Rehearsal.shape).openapi("AlertRehearsal");

export const Silence = z.object(silences.Silence.shape).openapi("AlertSilence");

export const SilenceList = z.object({ silences: z.array(Silence), next_cursor: nextCursor })
  .openapi("AlertSilenceList");

export const SilenceInput = inputObject({
  rule: z.string().min(1).max(64).nullable().default(null),
  scope: z.string().max(200).nullable().default(null),
  reason: z.string().trim().min(1).max(500),
  starts_at: Time.optional().openapi({
    description: "Start; default: now. A later time is for a maintenance window",
  }),
  ends_at: Time.optional(),
  duration_seconds: z.number().positive().max(366 * 86_400).optional(),
}).refine(
  ({ ends_at, duration_seconds }) => (ends_at === undefined) !== (duration_seconds === undefined),
  { path: ["ends_at"], message: "give ends_at or duration_seconds, and not both" },
).openapi("AlertSilenceRequest");

export const Channel = z.object({
  name: z.string(),
  type: z.enum(["websocket", "log", "webhook", "slack", "pagerduty", "alertmanager"]),
  host: z.string().nullable().openapi({
    description: "Host of the channel's address; the rest is not shown",
  }),
  min_severity: alerts.Severity,
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
  state: z.enum(deliveryStates),
  summary: z.string(),
  attempts: z.int(),
  created_at: Time,
  next_attempt_at: Time.nullable(),
  ended_at: Time.nullable(),
  error: z.string().nullable(),
  events: z.array(z.object({
    kind: z.enum(noticeKinds),
    rule: z.string(),
    scope: z.string(),
    state: z.enum(deliveryStates),
    error: z.string().nullable(),
  })).openapi({
    description: "Each event with its own outcome; a delivery is dead if any of its events is",
  }),
}).openapi("AlertDelivery");

export const DeliveryList = z.object({ deliveries: z.array(Delivery), next_cursor: nextCursor })
  .openapi("AlertDeliveryList");
