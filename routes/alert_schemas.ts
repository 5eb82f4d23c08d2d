import { z } from "@hono/zod-openapi";
import { ruleUnits } from "../services/alerts/rule.ts";
import { nextCursor, Time } from "./shared.ts";

export const Cure = z.object({ sql: z.string(), lock: z.string(), risk: z.string() }).openapi(
  "Cure",
);

export const Alert = z.object({
  id: z.uuid(),
  rule: z.string(),
  alert_type: z.string().openapi({ example: "connection_pool_warning" }),
  severity: z.enum(["warning", "critical"]),
  state: z.enum(["firing", "resolved"]),
  message: z.string().openapi({ example: "Connection pool utilization high: 80%" }),
  value: z.number().nullable(),
  threshold: z.number().nullable(),
  scope: z.string().openapi({ description: "The table it is about; empty for the whole server" }),
  started_at: Time,
  resolved_at: Time.nullable(),
  acknowledged_at: Time.nullable(),
  evidence: z.array(z.object({ name: z.string(), value: z.unknown() })),
  cause: z.string(),
  cure: z.array(Cure),
}).openapi("Alert");

export const AlertList = z.object({ alerts: z.array(Alert), next_cursor: nextCursor }).openapi(
  "AlertList",
);

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
}).openapi("AlertRule");

export const RuleList = z.object({ rules: z.array(AlertRule), next_cursor: nextCursor }).openapi(
  "AlertRuleList",
);

/** Levels to change. The other fields of a rule may come along, as they were read, and change nothing. */
export const RuleChange = z.strictObject({
  ...AlertRule.partial().shape,
  name: z.string().min(1).max(64),
  reset: z.boolean().optional().openapi({ description: "Take back every change made at run time" }),
}).openapi("AlertRuleChange");

export const RuleChanges = z.strictObject({
  rules: z.array(RuleChange).min(1).max(200),
  next_cursor: nextCursor.optional(),
}).openapi("AlertRuleChanges");
