import { z } from "zod";
import { isConnectionString, splitUrls } from "./address.ts";
import { alertSettings } from "./alerts.ts";
import { authSettings } from "./auth.ts";
import { backupSettings } from "./backups.ts";
import { httpSettings } from "./http.ts";
import { s3Settings } from "./s3.ts";
import { decimalNumber, flag, list, setting, text, whole } from "./definition.ts";

const bytes = (min: number, max: number) => whole(min, max);
const MiB = 1024 * 1024;
const GiB = 1024 * MiB;

/** Every setting, named in the code as in the environment, so that one search finds both. */
export const settings = {
  HOST: setting(
    text.default("127.0.0.1"),
    "an address to listen on",
    "Address to listen on. An address other than loopback requires `HOLDFAST_TOKEN`.",
  ),
  PORT: setting(
    whole(0, 65535).default(8000),
    "a whole number from 0 to 65535 (0 picks a free port)",
    "Port to listen on; 0 picks a free one.",
  ),
  DATABASE_URL: setting(
    z.string().refine(isConnectionString).optional(),
    "a URL such as postgres://user:password@host:5432/database, or keywords such as host=db dbname=trading, or embedded",
    "Connection string of the Postgres (14 to 18) to monitor, in the form that psql accepts; see [the address](#the-address-of-a-server). If it is unset, Holdfast uses the server that `PGHOST`, `PGHOSTADDR` or `PGSERVICE` names. If these are unset too, or the value is `embedded`, Holdfast starts its own server.",
    true,
  ),
  HOLDFAST_DATABASES: setting(
    text.optional(),
    "a readable JSON file with a list of databases",
    "A JSON file that lists the databases to manage, each with a name and a connection string; see [many databases](databases.md). If unset, there is one database, `default`.",
  ),
  HOLDFAST_ENGINE: setting(
    z.enum(["auto", "postgres", "citus", "timescaledb"]).default("auto"),
    "auto, postgres, citus or timescaledb",
    "What the server of `DATABASE_URL` must be. `auto` finds it out by the extensions of the database; any other value refuses the start when the database is something else. See [Citus](citus.md).",
  ),
  HOLDFAST_READ_URLS: setting(
    z.preprocess(
      (value) => typeof value === "string" ? splitUrls(value) : value,
      z.array(z.string().regex(/^postgres(ql)?:\/\//).refine(isConnectionString)).max(16),
    ).default([]),
    "at most 16 URLs such as postgres://user:password@host:5432/database, separated by commas",
    "Standbys of the server of `DATABASE_URL` that may answer reads of ticks and candles; see [reads from standbys](scaling.md#reads-from-standbys).",
    true,
  ),
  HOLDFAST_READ_STALENESS_SECONDS: setting(
    whole(1, 3_600).default(10),
    "seconds from 1 to 3600",
    "Maximum staleness of what a standby of `HOLDFAST_READ_URLS` answers. If no standby is that fresh, the server of `DATABASE_URL` answers.",
  ),
  HOLDFAST_DATA_DIR: setting(
    text.default(".holdfast"),
    "a directory that may be created and written",
    "Directory of the embedded Postgres and of Holdfast's own files.",
  ),
  HOLDFAST_ARCHIVE_DIR: setting(
    text.optional(),
    "a directory that may be created and written",
    "Directory to which `archive-then-drop` writes sealed partitions as Parquet. If unset: `archive` in `HOLDFAST_DATA_DIR`.",
  ),
  HOLDFAST_TOKEN: setting(
    z.string().min(8).optional(),
    "at least 8 characters",
    "Admin token of at least 128 random bits (`openssl rand -hex 32`). If it is set, every path except the basic health paths requires a token. Give programs [named tokens](security.md).",
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
    "Further host names that Holdfast accepts in the `Host` header. It refuses all others, as a protection against DNS rebinding.",
  ),
  HOLDFAST_PROFILE: setting(
    z.enum(["development", "staging", "production"]).default("development"),
    "development, staging or production",
    "Selects a set of alert levels.",
  ),
  ...httpSettings,
  LOG_LEVEL: setting(
    z.enum(["debug", "info", "warn", "error"]).default("info"),
    "debug, info, warn or error",
    "Lowest severity of the log lines that are printed; see [logs](logs.md).",
  ),
  LOG_FORMAT: setting(
    z.enum(["auto", "json", "text"]).default("auto"),
    "auto, json or text",
    "Form of the log lines. `auto` prints JSON, or text if standard output is a terminal.",
  ),
  HOLDFAST_POOL_SIZE: setting(
    whole(2, 100).default(8),
    "a whole number from 2 to 100",
    "Number of connections in the application pool.",
  ),
  HOLDFAST_POOL_WAITING_MAX: setting(
    whole(1, 100_000).default(500),
    "a whole number from 1 to 100000",
    "Maximum number of requests that wait for a connection. Further ones are answered 503.",
  ),
  HOLDFAST_POOLER: setting(
    z.enum(["auto", "transaction"]).default("auto"),
    "auto or transaction",
    "Whether `DATABASE_URL` leads to a pooler in transaction mode. `auto` detects a pooler by settings that it refuses or drops; `transaction` states it and saves the detection.",
  ),
  HOLDFAST_ALLOW_PUBLISHED: setting(
    flag.default(false),
    "0 or 1",
    "Allows Holdfast to create its tables although a publication (FOR ALL TABLES, or of its schemas) sends them to a subscriber. See [deployment](deployment.md).",
  ),
  HOLDFAST_STATEMENT_TIMEOUT_MS: setting(
    whole(100, 3_600_000).default(15_000),
    "milliseconds from 100 to 3600000",
    "Maximum run time of a statement that serves a request.",
  ),
  HOLDFAST_INGEST_LANES: setting(
    whole(1, 64).default(4),
    "a whole number from 1 to 64",
    "Number of large uploads that are written at the same time. Each uses a connection of its own, called a lane.",
  ),
  HOLDFAST_INGEST_WAITING_MAX: setting(
    whole(0, 100_000).default(256),
    "a whole number from 0 to 100000",
    "Maximum number of large uploads that wait for a lane. Further ones are answered 503 with `Retry-After`.",
  ),
  HOLDFAST_INGEST_LANE_WAIT_SECONDS: setting(
    whole(1, 3_600).default(90),
    "seconds from 1 to 3600",
    "Maximum time that a large upload waits for a lane. After that it is answered 503 with `Retry-After`.",
  ),
  HOLDFAST_INGEST_GROUP_LANES: setting(
    whole(1, 16).default(2),
    "a whole number from 1 to 16",
    "Number of groups of small uploads that are written at the same time. Each uses a connection of its own.",
  ),
  HOLDFAST_INGEST_GROUP_ROWS: setting(
    whole(0, 100_000).default(5_000),
    "a whole number from 0 to 100000",
    "Maximum number of rows of a small upload. Small uploads are written and committed in groups.",
  ),
  HOLDFAST_INGEST_HELD_ROWS: setting(
    whole(1_000, 10_000_000).default(250_000),
    "a whole number from 1000 to 10000000",
    "Maximum number of rows that all waiting uploads together hold in memory. Large uploads may use up to half of it. Further uploads are answered 503 with `Retry-After`.",
  ),
  HOLDFAST_INGEST_BATCH_ROWS: setting(
    whole(100, 500_000).default(5_000),
    "a whole number from 100 to 500000",
    "Number of rows that are read, and sent to the server, at a time.",
  ),
  HOLDFAST_INGEST_MAX_ROWS: setting(
    whole(1, 1_000_000_000).default(50_000_000),
    "a whole number from 1 to 1000000000",
    "Maximum number of rows in one upload.",
  ),
  HOLDFAST_INGEST_MAX_BYTES: setting(
    bytes(1024, 1024 * GiB).default(16 * GiB),
    "bytes from 1024 to 1099511627776",
    "Maximum size of one NDJSON or CSV upload after decompression.",
  ),
  HOLDFAST_INGEST_MAX_JSON_BYTES: setting(
    bytes(1024, GiB).default(32 * MiB),
    "bytes from 1024 to 1073741824",
    "Maximum size of one JSON array after decompression.",
  ),
  HOLDFAST_INGEST_DEADLINE_SECONDS: setting(
    whole(1, 86_400).default(3_600),
    "seconds from 1 to 86400",
    "Maximum time of one whole upload.",
  ),
  HOLDFAST_INGEST_STALL_SECONDS: setting(
    whole(1, 3_600).default(30),
    "seconds from 1 to 3600",
    "Maximum pause between two chunks of an upload.",
  ),
  HOLDFAST_BACKFILL_HORIZON_DAYS: setting(
    whole(1, 36_500).default(7),
    "days from 1 to 36500",
    "Maximum age of a tick, by Holdfast's clock. Older ticks are quarantined, unless the upload has `?backfill=true`.",
  ),
  HOLDFAST_FUTURE_LIMIT_SECONDS: setting(
    whole(0, 86_400).default(300),
    "seconds from 0 to 86400",
    "Maximum time by which a tick may be ahead of Holdfast's clock. Ticks further ahead are quarantined.",
  ),
  HOLDFAST_IDEMPOTENCY_DAYS: setting(
    whole(1, 365).default(7),
    "days from 1 to 365",
    "How long an `Idempotency-Key` is kept.",
  ),
  HOLDFAST_QUARANTINE_DAYS: setting(
    whole(0, 36_500).default(30),
    "days from 0 to 36500 (0: keep for ever)",
    "How long a quarantined row is kept.",
  ),
  HOLDFAST_PREMAKE_DAYS: setting(
    whole(1, 365).default(7),
    "days from 1 to 365",
    "Number of daily partitions of `market.ticks` that are created ahead. Applies until you set the table's policy through the API.",
  ),
  HOLDFAST_RETENTION_DAYS: setting(
    whole(0, 36_500).default(0),
    "days from 0 to 36500 (0: keep for ever)",
    "Age at which a partition of `market.ticks` is detached. Off by default. Applies until you set the table's policy through the API.",
  ),
  HOLDFAST_RETENTION_BRAKE_RATIO: setting(
    decimalNumber(0, 1).default(0.1),
    "a number from 0 to 1 (1: no limit)",
    "Maximum share of a table's partitions or rows that one rotation detaches, moves or drops without confirmation; one or two partitions are always allowed. A larger removal, and the removal of a table's newest rows, requires `confirm`. See [partitions](partitions.md#what-retention-does-not-do-unasked).",
  ),
  HOLDFAST_MAX_PARTITIONS: setting(
    whole(10, 20_000).default(5_000),
    "a whole number from 10 to 20000",
    "Maximum number of partitions of one table. An upload that needs more is refused.",
  ),
  HOLDFAST_FAST_TIER_SECONDS: setting(
    whole(1, 300).default(5),
    "seconds from 1 to 300",
    "Interval of the fast collectors (activity, locks, pool) and of the [write canary](alerts.md#write-canary).",
  ),
  HOLDFAST_BROADCAST_SECONDS: setting(
    whole(1, 3_600).default(30),
    "seconds from 1 to 3600",
    "Interval of the statistics collectors, and of `database_performance` on the WebSocket.",
  ),
  HOLDFAST_SLOW_TIER_SECONDS: setting(
    whole(5, 86_400).default(300),
    "seconds from 5 to 86400",
    "Interval of the collectors of sizes and partitions.",
  ),
  HOLDFAST_HOURLY_TIER_SECONDS: setting(
    whole(10, 86_400).default(3_600),
    "seconds from 10 to 86400",
    "Interval of the collectors of indexes and bloat.",
  ),
  HOLDFAST_HISTORY_RAW_HOURS: setting(
    whole(1, 168).default(6),
    "hours from 1 to 168",
    "How long the history keeps each value as measured.",
  ),
  HOLDFAST_HISTORY_MINUTE_DAYS: setting(
    whole(1, 90).default(3),
    "days from 1 to 90",
    "How long the history keeps one point a minute.",
  ),
  HOLDFAST_HISTORY_QUARTER_HOUR_DAYS: setting(
    whole(1, 3_650).default(30),
    "days from 1 to 3650",
    "How long the history keeps one point every 15 minutes.",
  ),
  HOLDFAST_HISTORY_DAY_DAYS: setting(
    whole(30, 36_500).default(730),
    "days from 30 to 36500",
    "How long the history keeps one point a day.",
  ),
  HOLDFAST_WS_CLIENTS_MAX: setting(
    whole(1, 100_000).default(10_000),
    "a whole number from 1 to 100000",
    "Maximum number of WebSocket clients.",
  ),
  HOLDFAST_WS_CLIENTS_PER_ADDRESS_MAX: setting(
    whole(1, 100_000).default(1_000),
    "a whole number from 1 to 100000",
    "Maximum number of WebSocket clients from one address. Addresses of this machine, and so a proxy on it, are exempt.",
  ),
  HOLDFAST_WS_BUFFER_BYTES: setting(
    bytes(16 * 1024, GiB).default(MiB),
    "bytes from 16384 to 1073741824",
    "Number of unsent bytes at which Holdfast closes a slow WebSocket client with 1013.",
  ),
  HOLDFAST_BENCH_CASES: setting(
    z.string().min(1).optional(),
    "a folder with .sql files",
    "Folder of your own benchmark cases, one SQL file each. See [benchmarks](benchmarks.md#in-sql).",
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
    "Overrides benchmark targets, by category. A target is an improvement ratio, for `high_frequency_capacity` inserts per minute.",
  ),
} as const;
