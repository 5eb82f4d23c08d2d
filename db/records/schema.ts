import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  doublePrecision,
  integer,
  numeric,
  pgSchema,
  primaryKey,
  real,
  smallint,
  text,
  uuid,
} from "drizzle-orm/pg-core";
import type { RewriteOutcome, RewritePhase, RewriteSpec } from "../partitions/rewrite/spec.ts";
import { countedId, jsonb, oid, time, utcTime } from "./columns.ts";

/** Holdfast's own records as drizzle tables; db/migrations is what makes them. */
const holdfast = pgSchema("holdfast");

const count = (name: string) => bigint(name, { mode: "number" });

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

/** `dead`: it failed permanently. */
export const deliveryStates = ["queued", "delivered", "dead"] as const;

export const deliveryRecords = holdfast.table("alert_deliveries", {
  id: uuid().primaryKey(),
  channel: text().notNull(),
  owner: text().notNull(),
  state: text({ enum: deliveryStates }).notNull(),
  summary: text().notNull(),
  notices: jsonb().notNull(),
  attempts: integer().notNull(),
  created_at: utcTime().notNull(),
  next_attempt_at: utcTime(),
  ended_at: utcTime(),
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

export const stateRecords = holdfast.table("alert_states", {
  rule: text().notNull(),
  scope: text().notNull(),
  instance: text().notNull(),
  state: jsonb().notNull(),
  updated_at: time("updated_at").notNull().defaultNow(),
}, (table) => [primaryKey({ columns: [table.rule, table.scope, table.instance] })]);

/** One row. */
export const leaseRecords = holdfast.table("alert_lease", {
  one: boolean().primaryKey().default(true),
  holder: text().notNull(),
  renewed_at: utcTime().notNull(),
  until: utcTime().notNull(),
});

export const watcherRecords = holdfast.table("alert_watchers", {
  name: text().primaryKey(),
  seen_at: utcTime().notNull(),
});

export const canaryRecords = holdfast.table("canary", {
  name: text().primaryKey(),
  seq: count("seq").notNull(),
  at: utcTime().notNull(),
});

/** Changes made through the API, those alike summed. */
export const auditRecords = holdfast.table("audit_log", {
  id: countedId(),
  request_id: uuid().notNull(),
  instance: text().notNull(),
  at: utcTime().notNull(),
  until: utcTime().notNull(),
  requests: integer().notNull(),
  via: text().notNull(),
  actor: text().notNull(),
  actor_id: text().notNull(),
  scope: text().notNull(),
  operation: text().notNull(),
  method: text().notNull(),
  path: text().notNull(),
  status: smallint().notNull(),
  address: text().notNull(),
});

/** Idempotency keys of uploads of ticks. */
export const uploadKeyRecords = holdfast.table("idempotency_keys", {
  key: text().primaryKey(),
  fingerprint: text(),
  answer: jsonb(),
  created_at: utcTime().notNull(),
});

/** Idempotency keys of all other requests. */
export const requestKeyRecords = holdfast.table("request_keys", {
  path: text().notNull(),
  key: text().notNull(),
  fingerprint: text().notNull(),
  claimed_by: uuid().notNull(),
  claimed_at: time("claimed_at").notNull().defaultNow(),
  status: smallint(),
  headers: jsonb().$type<Record<string, string>>(),
  body: text(),
}, (table) => [primaryKey({ columns: [table.path, table.key] })]);

/** What progress counts. */
export type ProgressUnit = "partitions" | "statements" | "rows" | "bytes";

/** How far a step of a piece of work is: the step in words, and how many units of how many, where that is known. */
export interface OperationProgress {
  step: string;
  done: number;
  of: number | null;
  /** Null: reported by an earlier version. */
  unit: ProgressUnit | null;
}

/** What went wrong, as in a problem document. */
export interface OperationProblem {
  code: string;
  detail: string;
}

export type OperationStatus = "running" | "succeeded" | "failed" | "aborted";

export const operationRecords = holdfast.table("operations", {
  id: uuid().primaryKey(),
  kind: text().notNull(),
  subject: text().notNull(),
  status: text().$type<OperationStatus>().notNull(),
  progress: jsonb().$type<OperationProgress>(),
  result: jsonb().$type<Record<string, unknown>>(),
  problems: jsonb().$type<OperationProblem[]>().notNull(),
  started_at: utcTime().notNull(),
  updated_at: utcTime().notNull(),
  finished_at: utcTime(),
});

/** Rows of uploads that were not stored as ticks. */
export const quarantineRecords = holdfast.table("quarantine", {
  id: countedId(),
  received_at: utcTime().notNull(),
  reason: text().notNull(),
  path: text().notNull(),
  detail: text().notNull(),
  line: count("line"),
  raw: text().notNull(),
  symbol: text(),
});

export const eventRecords = holdfast.table("live_events", {
  /** Where it stands in the one order of all events. */
  position: count("position").primaryKey(),
  /** An event stored twice is one. */
  id: uuid().notNull(),
  type: text().notNull(),
  /** The Holdfast that made it. */
  instance: text().notNull(),
  /** What it tells the state of; of a topic's events, one with the digest of the last is not stored. */
  topic: text(),
  digest: text(),
  /** JSON, as it is sent. */
  data: text().notNull(),
  made_at: utcTime().notNull(),
  stored_at: time("stored_at").notNull(),
});

/** The last position given out; one row. */
export const positionRecord = holdfast.table("live_position", {
  only_one: boolean().primaryKey().default(true),
  last: count("last").notNull(),
});

export const instanceRecords = holdfast.table("instances", {
  name: text().primaryKey(),
  version: text().notNull(),
  since: utcTime().notNull(),
  seen_at: utcTime().notNull(),
});

export const incidentRecords = holdfast.table("incidents", {
  id: uuid().primaryKey(),
  alert_id: uuid().notNull(),
  alert_type: text().notNull(),
  scope: text().notNull(),
  opened_at: utcTime().notNull(),
  closed_at: utcTime(),
  bytes: integer().notNull(),
  report: jsonb().$type<Record<string, unknown>>().notNull(),
});

export const changeKinds = [
  "setting",
  "ddl",
  "index",
  "plan",
  "statistics_reset",
  "server_start",
  "holdfast_start",
  "mark",
] as const;

/** Changes of the server or of Holdfast. */
export const changeRecords = holdfast.table("server_changes", {
  id: countedId(),
  at: time("at").notNull(),
  kind: text({ enum: changeKinds }).notNull(),
  subject: text().notNull(),
  before: text(),
  after: text(),
});

export const seriesRecords = holdfast.table("sample_series", {
  id: integer().generatedAlwaysAsIdentity(),
  name: text().notNull(),
  scope: text().notNull().default(""),
});

export const sampleRecords = holdfast.table("samples", {
  ts: time("ts").notNull(),
  value: doublePrecision().notNull(),
  series: integer().notNull(),
});

const rollup = (name: string) =>
  holdfast.table(name, {
    ts: time("ts").notNull(),
    series: integer().notNull(),
    min: real().notNull(),
    avg: real().notNull(),
    max: real().notNull(),
    last: real().notNull(),
    /** Of how many samples it is the mean; null where that was not counted. */
    samples: integer(),
  });

export const minuteRecords = rollup("samples_1m");
export const quarterRecords = rollup("samples_15m");
export const dayRecords = rollup("samples_1d");

const statementWork = (name: string) =>
  holdfast.table(name, {
    ts: time("ts").notNull(),
    query_id: bigint({ mode: "bigint" }).notNull(),
    seconds: real().notNull(),
    calls: real().notNull(),
    total_ms: real().notNull(),
    rows: real().notNull(),
    blocks_hit: real().notNull(),
    blocks_read: real().notNull(),
    temp_blocks: real().notNull(),
    wal_bytes: real().notNull(),
  });

export const statementMinuteRecords = statementWork("statements_1m");
export const statementQuarterRecords = statementWork("statements_15m");
export const statementDayRecords = statementWork("statements_1d");

/** The tables of history by name, finest first. */
export const historyTables = {
  samples: sampleRecords,
  samples_1m: minuteRecords,
  samples_15m: quarterRecords,
  samples_1d: dayRecords,
  statements_1m: statementMinuteRecords,
  statements_15m: statementQuarterRecords,
  statements_1d: statementDayRecords,
};

/** Until when each table of samples is rolled up from the finer one. */
export const rollupRecords = holdfast.table("sample_rollups", {
  table_name: text().primaryKey(),
  rolled_until: time("rolled_until").notNull(),
});

/** The columns that name a partitioned table. */
const tableColumns = {
  schema: text("schema_name").notNull(),
  table: text("table_name").notNull(),
};

/** The columns by which records name a leaf, with its parent and its bound. */
const leafColumns = {
  id: countedId(),
  ...tableColumns,
  leaf_schema: text().notNull(),
  leaf_name: text().notNull(),
  leaf_oid: oid().notNull(),
  bound: text().notNull(),
};

export const policyRecords = holdfast.table("partition_policies", {
  ...tableColumns,
  interval: text().notNull(),
  sub_interval: text(),
  time_zone: text().notNull(),
  key: text().notNull(),
  premake: integer().notNull(),
  retention: jsonb().$type<{ keep: string; action: string; schema?: string }>(),
  cooldown: text().notNull(),
  seal: boolean().notNull(),
  enabled: boolean().notNull(),
  windows: jsonb().$type<{ days?: number[]; from: string; to: string }[]>(),
  /** Null: the default policy, which nobody has changed. */
  updated_at: time("updated_at"),
}, (table) => [primaryKey({ columns: [table.schema, table.table] })]);

export const maintenanceRecords = holdfast.table("maintenance_log", {
  id: countedId(),
  at: utcTime().notNull().default(sql`now()`),
  action: text().notNull(),
  table: text("table_name").notNull(),
  partition: text("partition_name"),
  reason: text().notNull(),
  duration_ms: doublePrecision().notNull(),
  error: text(),
  sql: text(),
});

/** Leaves that retention detached. */
export const detachedRecords = holdfast.table("detached_partitions", {
  ...leafColumns,
  action: text().notNull(),
  planned_at: utcTime().notNull(),
  detached_at: utcTime(),
  archived_at: utcTime(),
  ended_at: utcTime(),
  outcome: text(),
  within_brake: boolean().notNull().default(false),
});

export const sealRecords = holdfast.table("sealed_partitions", {
  ...leafColumns,
  begun_at: utcTime().notNull(),
  sealed_at: utcTime(),
  sealed_by: text().notNull().default(sql`current_user`),
  manifest: jsonb(),
  held_until: utcTime(),
  verified_at: utcTime(),
  problem: text(),
  ended_at: utcTime(),
  outcome: text(),
});

export const archiveRecords = holdfast.table("partition_archives", {
  ...leafColumns,
  file: text().notNull(),
  file_bytes: count("file_bytes").notNull(),
  file_sha256: text().notNull(),
  rows: count("rows").notNull(),
  content_hash: text().notNull(),
  archived_at: utcTime().notNull(),
  restored_at: utcTime(),
});

/** The highest keys of tables whose key is a number. */
export const keyPositionRecords = holdfast.table("partition_positions", {
  ...tableColumns,
  at: time("at").notNull(),
  position: numeric().notNull(),
}, (table) => [primaryKey({ columns: [table.schema, table.table, table.at] })]);

/** The last rotation under clocks that agreed; one row. */
export const clockRecord = holdfast.table("rotation_clock", {
  only_one: boolean().primaryKey().default(true),
  server_at: time("server_at").notNull(),
  peak_at: time("peak_at").notNull(),
});

export type HoldKind = "clock" | "brake" | "newest" | "leaf";

/** What retention keeps although a policy says otherwise. */
export const holdRecords = holdfast.table("retention_holds", {
  ...tableColumns,
  kind: text().$type<HoldKind>().notNull(),
  /** `schema.name` of one leaf, or empty where all retention of the table is held back. */
  partition: text("partition_name").notNull().default(""),
  partitions: integer().notNull(),
  reason: text().notNull(),
  since: time("since").notNull().defaultNow(),
}, (table) => [
  primaryKey({ columns: [table.schema, table.table, table.kind, table.partition] }),
]);

export const progressRecords = holdfast.table("retention_progress", {
  ...tableColumns,
  seen_at: time("seen_at").notNull(),
  peak_at: time("peak_at").notNull(),
  /** Oids of leaves that expired in the usual numbers. */
  admitted: count("admitted").array().notNull(),
}, (table) => [primaryKey({ columns: [table.schema, table.table] })]);

/** Conversions and drains. */
export const rewriteRecords = holdfast.table("partition_moves", {
  id: countedId(),
  kind: text().$type<"convert" | "drain">().notNull(),
  ...tableColumns,
  spec: jsonb().$type<RewriteSpec>().notNull(),
  phase: text().$type<RewritePhase>().notNull(),
  blocks: count("blocks").notNull(),
  next_block: count("next_block").notNull().default(0),
  rows_copied: count("rows_copied").notNull().default(0),
  changes_applied: count("changes_applied").notNull().default(0),
  direct_xid: text(),
  direct_at: time("direct_at"),
  rows_verified: count("rows_verified"),
  content_hash: text(),
  lock_ms: doublePrecision(),
  /** For people. */
  waits_for: text(),
  error: text(),
  started_at: utcTime().notNull(),
  updated_at: utcTime().notNull(),
  ended_at: utcTime(),
  /** Set while it is being cleaned up, and after. */
  outcome: text().$type<RewriteOutcome>(),
});
