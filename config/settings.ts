import { z } from "zod";
import { isConnectionString } from "./address.ts";
import { alertSettings } from "./alerts.ts";
import { authSettings } from "./auth.ts";
import { backupSettings } from "./backups.ts";
import { httpSettings } from "./http.ts";
import { s3Settings } from "./s3.ts";
import { flag, list, setting, text, whole } from "./definition.ts";

const bytes = (min: number, max: number) => whole(min, max);
const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

/** Every setting, named in the code as in the environment, so that one search finds both. */
export const settings = {
  HOST: setting(
    text.default("127.0.0.1"),
    "an address to listen on",
    "Address to listen on. Anything but loopback needs `HOLDFAST_TOKEN`.",
  ),
  PORT: setting(
    whole(0, 65535).default(8000),
    "a whole number from 0 to 65535 (0 picks a free port)",
    "Port to listen on; 0 picks a free one.",
  ),
  DATABASE_URL: setting(
    z.string().refine(isConnectionString).optional(),
    "a URL such as postgres://user:password@host:5432/database, or keywords such as host=db dbname=trading, or embedded",
    "The Postgres (14 to 18) to monitor, as psql takes it; see [the address](#the-address-of-a-server). Without it, the server that `PGHOST`, `PGHOSTADDR` or `PGSERVICE` names; without these too, or with `embedded`, Holdfast starts its own.",
    true,
  ),
  HOLDFAST_DATABASES: setting(
    text.optional(),
    "a readable JSON file with a list of databases",
    "A JSON file of further databases to look after, each with a name and an address; see [many databases](databases.md). Without it there is one, `default`.",
  ),
  HOLDFAST_DATA_DIR: setting(
    text.default(".holdfast"),
    "a directory that may be created and written",
    "Where the embedded Postgres and Holdfast's own files live.",
  ),
  HOLDFAST_ARCHIVE_DIR: setting(
    text.optional(),
    "a directory that may be created and written",
    "Where `archive-then-drop` writes sealed partitions as Parquet; without it, `archive` in `HOLDFAST_DATA_DIR`.",
  ),
  HOLDFAST_TOKEN: setting(
    z.string().min(8).optional(),
    "at least 8 characters",
    "Admin token of at least 128 random bits (`openssl rand -hex 32`). With it, all but the basic health paths require a token; give programs [named tokens](security.md).",
    true,
  ),
  HOLDFAST_READ_TOKEN: setting(
    z.string().min(8).optional(),
    "at least 8 characters, with HOLDFAST_TOKEN set too",
    "Token that may read everything and change nothing.",
    true,
  ),
  HOLDFAST_INSECURE: setting(
    flag.default(false),
    "0 or 1",
    "Allows a non-loopback `HOST` without a token. For closed networks only.",
  ),
  HOLDFAST_ALLOWED_HOSTS: setting(
    list.default([]),
    "host names separated by commas",
    "Further names this server answers to (the `Host` header is checked against DNS rebinding).",
  ),
  HOLDFAST_PROFILE: setting(
    z.enum(["development", "staging", "production"]).default("development"),
    "development, staging or production",
    "The set of alert thresholds.",
  ),
  ...httpSettings,
  LOG_LEVEL: setting(
    z.enum(["debug", "info", "warn", "error"]).default("info"),
    "debug, info, warn or error",
    "Least severe log line to print.",
  ),
  HOLDFAST_POOL_SIZE: setting(
    whole(2, 100).default(8),
    "a whole number from 2 to 100",
    "Connections of the application pool.",
  ),
  HOLDFAST_POOL_WAITING_MAX: setting(
    whole(1, 100_000).default(500),
    "a whole number from 1 to 100000",
    "Requests that may wait for a connection; more answer 503.",
  ),
  HOLDFAST_POOLER: setting(
    z.enum(["auto", "transaction"]).default("auto"),
    "auto or transaction",
    "Whether `DATABASE_URL` leads to a pooler; auto notices that settings are refused or do not arrive.",
  ),
  HOLDFAST_ALLOW_PUBLISHED: setting(
    flag.default(false),
    "0 or 1",
    "Allows Holdfast to make its tables where a publication FOR ALL TABLES, or of its schemas, would send them to a subscriber.",
  ),
  HOLDFAST_STATEMENT_TIMEOUT_MS: setting(
    whole(100, 3_600_000).default(15_000),
    "milliseconds from 100 to 3600000",
    "Longest a statement of a request may run.",
  ),
  HOLDFAST_INGEST_LANES: setting(
    whole(1, 64).default(4),
    "a whole number from 1 to 64",
    "Large uploads that may be written at the same time; each takes a connection.",
  ),
  HOLDFAST_INGEST_WAITING_MAX: setting(
    whole(0, 100_000).default(256),
    "a whole number from 0 to 100000",
    "Large uploads that may wait for a lane; more answer 503 with `Retry-After`.",
  ),
  HOLDFAST_INGEST_LANE_WAIT_SECONDS: setting(
    whole(1, 3_600).default(90),
    "seconds from 1 to 3600",
    "Longest a large upload waits for a lane; then it answers 503 with `Retry-After`.",
  ),
  HOLDFAST_INGEST_GROUP_LANES: setting(
    whole(1, 16).default(2),
    "a whole number from 1 to 16",
    "Groups of small uploads that may be written at the same time; each takes a connection.",
  ),
  HOLDFAST_INGEST_GROUP_ROWS: setting(
    whole(0, 100_000).default(5_000),
    "a whole number from 0 to 100000",
    "Rows up to which an upload is small: it is written, and committed, together with others.",
  ),
  HOLDFAST_INGEST_HELD_ROWS: setting(
    whole(1_000, 10_000_000).default(250_000),
    "a whole number from 1000 to 10000000",
    "Rows that uploads together may hold in memory while they wait, large ones up to half; more answer 503 with `Retry-After`.",
  ),
  HOLDFAST_INGEST_BATCH_ROWS: setting(
    whole(100, 500_000).default(5_000),
    "a whole number from 100 to 500000",
    "Rows read and handed to the server at a time.",
  ),
  HOLDFAST_INGEST_MAX_ROWS: setting(
    whole(1, 1_000_000_000).default(50_000_000),
    "a whole number from 1 to 1000000000",
    "Rows one upload may hold.",
  ),
  HOLDFAST_INGEST_MAX_BYTES: setting(
    bytes(1024, 1024 * GiB).default(16 * GiB),
    "bytes from 1024 to 1099511627776",
    "Size of one NDJSON or CSV upload, after decompression.",
  ),
  HOLDFAST_INGEST_MAX_JSON_BYTES: setting(
    bytes(1024, GiB).default(32 * MiB),
    "bytes from 1024 to 1073741824",
    "Size of one JSON array, after decompression.",
  ),
  HOLDFAST_INGEST_DEADLINE_SECONDS: setting(
    whole(1, 86_400).default(3_600),
    "seconds from 1 to 86400",
    "Longest one upload may take in all.",
  ),
  HOLDFAST_INGEST_STALL_SECONDS: setting(
    whole(1, 3_600).default(30),
    "seconds from 1 to 3600",
    "Longest an upload may pause between two chunks.",
  ),
  HOLDFAST_BACKFILL_HORIZON_DAYS: setting(
    whole(1, 36_500).default(7),
    "days from 1 to 36500",
    "Ticks older than this by Holdfast's clock are quarantined unless the upload says `?backfill=true`.",
  ),
  HOLDFAST_FUTURE_LIMIT_SECONDS: setting(
    whole(0, 86_400).default(300),
    "seconds from 0 to 86400",
    "Ticks further ahead of Holdfast's clock than this are quarantined.",
  ),
  HOLDFAST_IDEMPOTENCY_DAYS: setting(
    whole(1, 365).default(7),
    "days from 1 to 365",
    "How long an `Idempotency-Key` is remembered.",
  ),
  HOLDFAST_QUARANTINE_DAYS: setting(
    whole(0, 36_500).default(30),
    "days from 0 to 36500 (0: keep for ever)",
    "How long a quarantined row is kept.",
  ),
  HOLDFAST_PREMAKE_DAYS: setting(
    whole(1, 365).default(7),
    "days from 1 to 365",
    "Daily partitions of `market.ticks` kept ready ahead of now, until its policy is set by the API.",
  ),
  HOLDFAST_RETENTION_DAYS: setting(
    whole(0, 36_500).default(0),
    "days from 0 to 36500 (0: keep for ever)",
    "Age at which a partition of `market.ticks` is detached, until its policy is set by the API. Off by default.",
  ),
  HOLDFAST_RETENTION_BRAKE_RATIO: setting(
    z.coerce.number().min(0).max(1).default(0.1),
    "a number from 0 to 1 (1: no brake)",
    "Share of a table's partitions or rows that a rotation may detach, move or drop unasked, beyond the usual one or two; more waits for `confirm`, and so do a table's newest rows.",
  ),
  HOLDFAST_MAX_PARTITIONS: setting(
    whole(10, 20_000).default(5_000),
    "a whole number from 10 to 20000",
    "Partitions one table may have; an upload that needs more is refused.",
  ),
  HOLDFAST_FAST_TIER_SECONDS: setting(
    whole(1, 300).default(5),
    "seconds from 1 to 300",
    "Cadence of the fast collectors (activity, locks, pool) and of the write canary.",
  ),
  HOLDFAST_BROADCAST_SECONDS: setting(
    whole(1, 3_600).default(30),
    "seconds from 1 to 3600",
    "Cadence of the statistics collectors and of `database_performance` on the WebSocket.",
  ),
  HOLDFAST_SLOW_TIER_SECONDS: setting(
    whole(5, 86_400).default(300),
    "seconds from 5 to 86400",
    "Cadence of the size and partition collectors.",
  ),
  HOLDFAST_HOURLY_TIER_SECONDS: setting(
    whole(10, 86_400).default(3_600),
    "seconds from 10 to 86400",
    "Cadence of the collectors of indexes and bloat.",
  ),
  HOLDFAST_HISTORY_RAW_HOURS: setting(
    whole(1, 168).default(6),
    "hours from 1 to 168",
    "How long every measured value is kept as it was measured.",
  ),
  HOLDFAST_HISTORY_MINUTE_DAYS: setting(
    whole(1, 90).default(3),
    "days from 1 to 90",
    "How long the history of one minute per point is kept.",
  ),
  HOLDFAST_HISTORY_QUARTER_HOUR_DAYS: setting(
    whole(1, 3_650).default(30),
    "days from 1 to 3650",
    "How long the history of 15 minutes per point is kept.",
  ),
  HOLDFAST_HISTORY_DAY_DAYS: setting(
    whole(30, 36_500).default(730),
    "days from 30 to 36500",
    "How long the history of one day per point is kept.",
  ),
  HOLDFAST_WS_CLIENTS_MAX: setting(
    whole(1, 100_000).default(10_000),
    "a whole number from 1 to 100000",
    "WebSocket clients served at once.",
  ),
  HOLDFAST_WS_CLIENTS_PER_ADDRESS_MAX: setting(
    whole(1, 100_000).default(1_000),
    "a whole number from 1 to 100000",
    "WebSocket clients from one address; those of this machine, and so of a proxy on it, are not limited by it.",
  ),
  HOLDFAST_WS_BUFFER_BYTES: setting(
    bytes(16 * 1024, GiB).default(MiB),
    "bytes from 16384 to 1073741824",
    "Unsent bytes at which a slow WebSocket client is closed with 1013.",
  ),
  HOLDFAST_BENCH_CASES: setting(
    z.string().min(1).optional(),
    "a folder with .sql files",
    "Benchmark cases of your own, one SQL file each (docs/benchmarks.md).",
  ),
  ...alertSettings,
  ...authSettings,
  ...backupSettings,
  ...s3Settings,
  HOLDFAST_BENCH_TARGETS: setting(
    z.preprocess(
      (value) => typeof value === "string" ? JSON.parse(value) : value,
      z.record(z.string(), z.number().gt(-1)),
    ).default({}),
    'a JSON object such as {"insert_performance": 0.3}',
    "Overrides of benchmark targets, by category: an improvement ratio; of high_frequency_capacity inserts a minute.",
  ),
} as const;
