import { type SQL, sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  customType,
  doublePrecision,
  integer,
  pgSchema,
  text,
  timestamp,
  uuid,
} from "drizzle-orm/pg-core";

/** JSON as text with a cast: postgres.js would write the text of a jsonb parameter as a JSON string. */
const jsonb = customType<{ data: unknown; driverData: SQL }>({
  dataType: () => "jsonb",
  toDriver: (value) => sql`${JSON.stringify(value)}::text::jsonb`,
});

/** Holdfast's own records as drizzle tables; db/migrations is what makes them. */
const holdfast = pgSchema("holdfast");

const time = (name: string) => timestamp(name, { withTimezone: true, mode: "date" });

export const alertRecords = holdfast.table("alerts", {
  id: uuid().primaryKey(),
  rule: text().notNull(),
  scope: text().notNull(),
  alert_type: text().notNull(),
  severity: text().notNull(),
  state: text().notNull(),
  message: text().notNull(),
  value: doublePrecision(),
  threshold: doublePrecision(),
  started_at: time("started_at").notNull(),
  fired_at: time("fired_at"),
  resolved_at: time("resolved_at"),
  acknowledged_at: time("acknowledged_at"),
  evidence: jsonb().notNull().default([]),
  cause: text().notNull().default(""),
  cure: jsonb().notNull().default([]),
  instance: text().notNull().default(""),
  peak_severity: text(),
  flapping: boolean().notNull().default(false),
  acknowledged_by: text(),
  notified_at: time("notified_at"),
  notified_severity: text(),
});

export const silenceRecords = holdfast.table("alert_silences", {
  id: uuid().primaryKey(),
  rule: text(),
  scope: text(),
  reason: text().notNull(),
  created_by: text().notNull(),
  created_at: time("created_at").notNull(),
  starts_at: time("starts_at").notNull(),
  ends_at: time("ends_at").notNull(),
});

export const deliveryRecords = holdfast.table("alert_deliveries", {
  id: uuid().primaryKey(),
  channel: text().notNull(),
  owner: text().notNull(),
  state: text().notNull(),
  summary: text().notNull(),
  notices: jsonb().notNull(),
  attempts: integer().notNull(),
  created_at: time("created_at").notNull(),
  next_attempt_at: time("next_attempt_at"),
  ended_at: time("ended_at"),
  error: text(),
});

export const ruleRecords = holdfast.table("alert_rules", {
  name: text().primaryKey(),
  changes: jsonb().notNull(),
  updated_at: time("updated_at").notNull().defaultNow(),
});

export const benchmarkRuns = holdfast.table("benchmark_runs", {
  id: uuid().primaryKey(),
  profile: text().notNull(),
  status: text().notNull(),
  started_at: time("started_at").notNull(),
  finished_at: time("finished_at"),
  seed: bigint({ mode: "number" }).notNull(),
  environment: jsonb().notNull().default({}),
  results: jsonb().notNull().default([]),
  error: text(),
});

export const rehearsalRecords = holdfast.table("rehearsals", {
  id: uuid().primaryKey(),
  status: text().notNull(),
  recommendation: text(),
  created_at: time("created_at").notNull(),
  finished_at: time("finished_at"),
  body: jsonb().notNull(),
});
