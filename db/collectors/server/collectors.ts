import { always, collectorOf, type Counters, type VersionFacts } from "../collector.ts";
import checkpoints from "./checkpoints.sql" with { type: "text" };
import checkpoints17 from "./checkpoints_17.sql" with { type: "text" };
import database from "./database.sql" with { type: "text" };
import facts from "./facts.sql" with { type: "text" };
import io from "./io.sql" with { type: "text" };
import server from "./server.sql" with { type: "text" };
import settings from "./settings.sql" with { type: "text" };

export interface DatabaseCounters extends Counters {
  commits: number;
  rollbacks: number;
  blocks_hit: number;
  blocks_read: number;
  rows_inserted: number;
  rows_updated: number;
  rows_deleted: number;
  deadlocks: number;
  temp_files: number;
  temp_bytes: number;
  checksum_failures: number | null;
}

export interface ServerFacts extends VersionFacts {
  version: string;
  uptime_seconds: number;
  /** The server's clock. */
  now_seconds: number;
  in_recovery: boolean;
  sees_all_sessions: boolean;
}

/** The server as a whole: what it is, its counters and its settings. */
export const serverCollectors = [
  collectorOf<DatabaseCounters>()({
    name: "database",
    tier: "fast",
    questions: always(database),
  }),
  collectorOf<ServerFacts>()({
    name: "server",
    tier: "stats",
    // The extensions are recognised in one place.
    questions: always(server.replace("$facts", () => facts)),
  }),
  collectorOf<
    Counters & {
      timed: number;
      requested: number;
      write_ms: number;
      sync_ms: number;
      buffers: number;
    }
  >()({
    name: "checkpoints",
    tier: "stats",
    questions: [{ minVersion: 170_000, sql: checkpoints17 }, ...always(checkpoints)],
  }),
  collectorOf<
    Counters & {
      backend: string;
      object: string;
      reads: number;
      read_bytes: number;
      read_ms: number;
      writes: number;
      write_bytes: number;
      write_ms: number;
      fsyncs: number;
      evictions: number;
    }
  >()({ name: "io", tier: "stats", questions: [{ minVersion: 160_000, sql: io }] }),
  collectorOf<{
    name: string;
    setting: string;
    unit: string | null;
    pending_restart: boolean;
  }>()({ name: "settings", tier: "slow", questions: always(settings) }),
];
