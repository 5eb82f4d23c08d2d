import { z } from "@hono/zod-openapi";
import { rehearsalVerdicts } from "../../services/rehearsals/rehearsal.ts";
import { Alert } from "../alerts/schemas.ts";
import { BackupHealth } from "../backups/schemas.ts";
import { PartitionTable } from "../partitions/schemas.ts";
import { nextCursor, orNull, Time } from "../common/shared.ts";

export const Status = z.enum(["healthy", "degraded", "unhealthy", "unknown"]).openapi("Status");

const known = (about: string) =>
  z.number().nullable().openapi({ description: `${about}; null: not known` });

export const Check = z.object({
  name: z.string(),
  status: Status,
  detail: z.string(),
  observed_at: Time.nullable(),
}).openapi("HealthCheck");

const WriteMode = z.enum(["writing", "read_only", "watch_only"]).openapi("WriteMode", {
  description:
    "writing: all is served; read_only: a primary that takes no writes; watch_only: a standby",
});

export const HealthResponse = z.object({
  status: Status,
  role: z.enum(["primary", "standby"]).nullable().openapi({
    description: "What the server is; null: not asked yet",
  }),
  mode: WriteMode,
  version: z.string(),
  uptime_seconds: z.number(),
  checked_at: Time.nullable(),
  age_ms: known("Age of what this says"),
  checks: z.array(Check),
}).openapi("HealthResponse");

export const ConnectionPool = z.object({
  size: z.int(),
  active: z.int(),
  idle: z.int(),
  waiting: z.int(),
  utilization: z.number().min(0).max(1),
  acquire_wait_ms: z.object({ p50: z.number(), p95: z.number(), p99: z.number() }),
}).openapi("ConnectionPool");

export const DatabasePerformanceMetrics = z.object({
  connections_used: known("Client sessions on the server"),
  connections_limit: known("Sessions the server allows ordinary roles"),
  connections_utilization: known("Used over limit, 0 to 1"),
  connections_by_state: z.record(z.string(), z.number()).nullable(),
  transactions_per_second: known("Commits and rollbacks per second"),
  rollbacks_per_second: known("Rollbacks per second"),
  rollback_ratio: known("Rollbacks over all transactions, 0 to 1"),
  inserts_per_second: known("Rows inserted per second, whole database"),
  ticks_per_second: known("Ticks this Holdfast stored per second"),
  cache_hit_ratio: known("Block reads served from shared buffers, 0 to 1"),
  index_hit_ratio: known("The same for indexes since the statistics' reset"),
  deadlocks_per_minute: known("Deadlocks per minute"),
  temp_files_per_second: known("Temporary files finished per second"),
  temp_bytes_per_second: known("Bytes written to temporary files per second"),
  blocked_sessions: known("Sessions waiting for a lock"),
  longest_lock_wait_seconds: known("Longest present wait for a lock"),
  longest_transaction_seconds: known("Age of the oldest open transaction"),
  longest_idle_in_transaction_seconds: known("Longest present idling inside a transaction"),
  xid_age: known("Age of the oldest unfrozen transaction id"),
  checksum_failures: known("Pages whose checksum was wrong"),
  database_size_bytes: known("Size on disk of this database"),
  server_version: z.string().nullable(),
  server_uptime_seconds: known("Since the server's start"),
}).openapi("DatabasePerformanceMetrics");

export const PartitionHealthMetrics = z.object({
  checked_at: Time.nullable(),
  tables_managed: known("Tables with a policy"),
  partitions: known("Leaves of these tables"),
  runway_seconds: known("Shortest time until inserts find no partition"),
  holes: known("Gaps between leaves where rows may come"),
  default_rows: known("Rows in default partitions, counted up to 1,000 each, then estimated"),
  problems: z.array(z.string()),
}).openapi("PartitionHealthMetrics");

export const Recommendation = z.object({
  id: z.string().openapi({ description: "The same as long as it says the same" }),
  title: z.string(),
  detail: z.string(),
  sql: z.string().optional(),
  lock: z.string().optional(),
  risk: z.string().optional(),
  rehearsal: orNull(
    z.object({
      id: z.uuid(),
      finished_at: Time,
      verdict: z.enum(rehearsalVerdicts),
      summary: z.string(),
    }).openapi("AdviceRehearsal"),
  ).openapi({ description: "What was found when it was last rehearsed; null: it was not" }),
}).openapi("Recommendation");

const feedCounts = {
  accepted: z.int().openapi({ description: "Ticks stored" }),
  quarantined: z.int(),
  by_reason: z.record(z.string(), z.int()),
};

export const Feed = z.object({
  symbol: z.string(),
  ...feedCounts,
  last_tick_at: Time.nullable().openapi({ description: "Time of its newest tick" }),
  last_received_at: Time.openapi({ description: "When rows of it last came" }),
  age_seconds: known("Age of its newest tick"),
}).openapi("Feed");

const since = Time.openapi({ description: "Since when is counted: the start of this process" });

export const FeedsHealthResponse = z.object({
  since,
  feeds: z.array(Feed).openapi({
    description: "One per symbol, by last activity; at most 1,000 are kept apart",
  }),
  other: z.object(feedCounts).openapi({ description: "Feeds beyond those, in one sum" }),
  unreadable: z.object(feedCounts).openapi({
    description: "Rows whose symbol could not be read",
  }),
  next_cursor: nextCursor,
}).openapi("FeedsHealthResponse");

export const DatabaseHealthResponse = z.object({
  overall_status: Status,
  checked_at: Time.nullable(),
  age_ms: known("Age of what this says"),
  checks: z.array(Check),
  connection_pool: ConnectionPool,
  performance_metrics: DatabasePerformanceMetrics,
  partition_health: PartitionHealthMetrics,
  ingest: z.object({
    accepted: z.int(),
    quarantined: z.int(),
    quarantined_by_reason: z.record(z.string(), z.int()),
    uploads_active: z.int(),
    uploads_waiting: z.int(),
    since,
    feeds: z.array(Feed).openapi({
      description: "The 50 of last activity; all of them at /api/health/feeds",
    }),
  }),
  backups: BackupHealth,
  alerts: z.array(Alert),
  recommendations: z.array(Recommendation),
}).openapi("DatabaseHealthResponse");

export const PartitionHealthResponse = z.object({
  overall_status: Status,
  checked_at: Time.nullable(),
  tables: z.array(PartitionTable),
}).openapi("PartitionHealthResponse");

export const Liveness = z.object({
  status: z.enum(["alive", "ready", "starting", "unavailable"]),
  mode: WriteMode.optional(),
  detail: z.string(),
})
  .openapi("Liveness");
