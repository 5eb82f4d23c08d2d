import { z } from "@hono/zod-openapi";
import { type Refusal as RefusalName, refusals } from "../../services/market/reads/freshness.ts";
import { unmanagedStates } from "../../services/monitor/unmanaged/unmanaged.ts";
import { rehearsalVerdicts } from "../../services/rehearsals/rehearsal.ts";
import { ListedAlert } from "../alerts/schemas.ts";
import { BackupHealth } from "../backups/schemas.ts";
import { PartitionTable } from "../partitions/schemas.ts";
import { nextCursor, orNull, Time } from "../common/shared.ts";

export const Status = z.enum(["healthy", "degraded", "unhealthy", "unknown"]).openapi("Status");

const known = (about: string) =>
  z.number().nullable().openapi({ description: `${about}; null: unknown` });

export const Check = z.object({
  name: z.string(),
  status: Status,
  detail: z.string(),
  observed_at: Time.nullable(),
}).openapi("HealthCheck");

const WriteMode = z.enum(["writing", "read_only", "watch_only"]).openapi("WriteMode", {
  description:
    "writing: all requests are served; read_only: a primary that does not accept writes; watch_only: a standby",
});

export const HealthResponse = z.object({
  status: Status,
  role: z.enum(["primary", "standby"]).nullable().openapi({
    description: "Role of the server; null: not polled yet",
  }),
  mode: WriteMode,
  version: z.string(),
  uptime_seconds: z.number(),
  checked_at: Time.nullable(),
  age_ms: known("Age of the reading"),
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
  connections_limit: known("Sessions that roles without superuser rights may open"),
  connections_utilization: known("Share of the limit in use, 0 to 1"),
  connections_by_state: z.record(z.string(), z.number()).nullable(),
  transactions_per_second: known("Commits and rollbacks per second"),
  rollbacks_per_second: known("Rollbacks per second"),
  rollback_ratio: known("Share of transactions that were rolled back, 0 to 1"),
  inserts_per_second: known("Rows inserted per second in this database"),
  ticks_per_second: known("Ticks that this Holdfast stores per second"),
  cache_hit_ratio: known("Share of block reads served from shared buffers, 0 to 1"),
  index_hit_ratio: known("The same for index blocks, since the reset of the statistics"),
  deadlocks_per_minute: known("Deadlocks per minute"),
  temp_files_per_second: known("Temporary files written per second"),
  temp_bytes_per_second: known("Bytes written to temporary files per second"),
  blocked_sessions: known("Sessions that wait for a lock"),
  longest_lock_wait_seconds: known("Longest wait for a lock at present"),
  longest_transaction_seconds: known("Age of the oldest open transaction"),
  longest_idle_in_transaction_seconds: known("Longest time that an open transaction has been idle"),
  xid_age: known("Age of the oldest unfrozen transaction id"),
  checksum_failures: known("Checksum failures"),
  database_size_bytes: known("Size on disk of this database"),
  server_version: z.string().nullable(),
  server_uptime_seconds: known("Time since the start of the server"),
}).openapi("DatabasePerformanceMetrics");

export const PartitionHealthMetrics = z.object({
  checked_at: Time.nullable(),
  tables_managed: known("Tables with a partition policy"),
  partitions: known("Leaf partitions of the managed tables"),
  runway_seconds: known("Shortest time until inserts find no partition"),
  holes: known("Gaps between leaves; rows of a gap find no partition"),
  default_rows: known("Rows in default partitions, counted up to 1,000 each, then estimated"),
  tables_unmanaged: known(
    "Tables partitioned by range over time, without a policy and a default partition, into which rows are inserted",
  ),
  unmanaged_runway_seconds: known(
    "Shortest time until the last partition of such a table ends; negative afterwards",
  ),
  tables_unmanaged_unknown: known("Tables without a policy of which this is not known"),
  problems: z.array(z.string()),
}).openapi("PartitionHealthMetrics");

export const Recommendation = z.object({
  id: z.string().openapi({
    description: "Id of the recommendation; equal for an equal title and statement",
  }),
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
  ).openapi({ description: "Result of the last rehearsal; null: none" }),
}).openapi("Recommendation");

const feedCounts = {
  accepted: z.int().openapi({ description: "Ticks stored" }),
  quarantined: z.int(),
  by_reason: z.record(z.string(), z.int()),
};

export const Feed = z.object({
  symbol: z.string(),
  ...feedCounts,
  last_tick_at: Time.nullable().openapi({ description: "Time of the newest tick" }),
  last_received_at: Time.openapi({ description: "When rows were last received" }),
  age_seconds: known("Age of the newest tick"),
}).openapi("Feed");

const since = Time.openapi({ description: "Start of the counters: the start of this process" });

export const FeedsHealthResponse = z.object({
  since,
  feeds: z.array(Feed).openapi({
    description: "One per symbol, by last activity; at most 1,000 have their own counters",
  }),
  other: z.object(feedCounts).openapi({ description: "Sum of all other feeds" }),
  unreadable: z.object(feedCounts).openapi({
    description: "Rows whose symbol could not be read",
  }),
  next_cursor: nextCursor,
}).openapi("FeedsHealthResponse");

const Refusal = z.enum(Object.keys(refusals) as [RefusalName, ...RefusalName[]]);

const ReadsHealth = z.object({
  staleness_seconds_max: z.number().openapi({
    description: "The greatest staleness of an answer from a standby",
  }),
  primary: z.int().openapi({ description: "Reads that the primary answered" }),
  standbys: z.array(z.object({
    name: z.string().openapi({ description: "Host and port" }),
    refusal: Refusal.nullable().openapi({
      description: "Why it gets no reads at present; null: it gets reads",
    }),
    staleness_seconds: known("Upper bound of what it is behind the primary"),
    served: z.int().openapi({ description: "Reads that it answered" }),
    fallen_back: z.record(Refusal, z.int()).openapi({
      description: "Reads that the primary answered because this standby could not, by reason",
    }),
  })),
}).openapi("ReadsHealth");

export const DatabaseHealthResponse = z.object({
  overall_status: Status,
  checked_at: Time.nullable(),
  age_ms: known("Age of the reading"),
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
      description: "The 50 most recently active; /api/health/feeds lists all",
    }),
  }),
  reads: ReadsHealth.optional().openapi({ description: "Only if HOLDFAST_READ_URLS is set" }),
  backups: BackupHealth,
  alerts: z.array(ListedAlert),
  recommendations: z.array(Recommendation),
}).openapi("DatabaseHealthResponse");

export const UnmanagedTable = z.object({
  table: z.string(),
  state: z.enum(unmanagedStates).openapi({
    description:
      "inserting: rows are inserted; unmanaged_runway watches it. extended: so are they, and partitions are added regularly, shortly before the end. idle: no rows are inserted. ended: so it is, and the last partition is past. endless: the last partition has no end. unknown: see reason",
  }),
  reason: z.string(),
  key: z.string().nullable().openapi({
    description: "First column of the key; null: an expression",
  }),
  partitions: z.int(),
  last_partition: z.string().nullable(),
  ends_at: Time.nullable().openapi({
    description: "End of the last partition; a key without a time zone is read as UTC",
  }),
  runway_seconds: known("Time until then by the server's clock; negative afterwards"),
  inserts_per_second: known("Rows inserted, mean of the last two readings"),
  managed_by: z.enum(["pg_partman"]).nullable(),
}).openapi("UnmanagedTable");

export const PartitionHealthResponse = z.object({
  overall_status: Status,
  checked_at: Time.nullable(),
  tables: z.array(PartitionTable),
  unmanaged: orNull(z.array(UnmanagedTable)).openapi({
    description:
      "Tables partitioned by range without a policy and without a default partition, those that end first before the others; at most 500. null: not known",
  }),
}).openapi("PartitionHealthResponse");

export const Liveness = z.object({
  status: z.enum(["alive", "ready", "starting", "unavailable"]),
  mode: WriteMode.optional(),
  detail: z.string(),
})
  .openapi("Liveness");
