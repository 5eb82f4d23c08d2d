import activity from "./activity.sql" with { type: "text" };
import database from "./database.sql" with { type: "text" };
import indexIo from "./index_io.sql" with { type: "text" };
import locks from "./locks.sql" with { type: "text" };
import server from "./server.sql" with { type: "text" };
import sizes from "./sizes.sql" with { type: "text" };

/** How often a collector runs: fast 5 s, stats 30 s, slow 5 min by default. */
export type Tier = "fast" | "stats" | "slow";

/** One question to the server, as data. */
export interface Collector {
  name: string;
  tier: Tier;
  /** Least server_version_num whose columns it uses. */
  minVersion: number;
  sql: string;
}

const v14 = 140_000;

export const collectors = [
  { name: "activity", tier: "fast", minVersion: v14, sql: activity },
  { name: "locks", tier: "fast", minVersion: v14, sql: locks },
  { name: "database", tier: "fast", minVersion: v14, sql: database },
  { name: "index_io", tier: "stats", minVersion: v14, sql: indexIo },
  { name: "server", tier: "stats", minVersion: v14, sql: server },
  { name: "sizes", tier: "slow", minVersion: v14, sql: sizes },
] as const satisfies readonly Collector[];

export type CollectorName = (typeof collectors)[number]["name"];

/** What each collector answers, row by row. */
export interface CollectorRows {
  activity: {
    used: number;
    limit: number;
    active: number;
    idle: number;
    idle_in_transaction: number;
    idle_in_transaction_aborted: number;
    hidden: number;
    blocked: number;
    longest_transaction_seconds: number;
    longest_idle_in_transaction_seconds: number;
  };
  locks: {
    pid: number;
    state: string | null;
    query: string | null;
    age_seconds: number | null;
    waited_seconds: number | null;
    blockers: number[];
  };
  database: DatabaseCounters;
  index_io: { blocks_hit: number; blocks_fetched: number };
  server: {
    version_number: number;
    version: string;
    uptime_seconds: number;
    in_recovery: boolean;
    xid_age: number;
    multixact_age: number;
    sees_all_sessions: boolean;
  };
  sizes: { database_bytes: number; market_bytes: number };
}

export interface DatabaseCounters {
  taken_at: number;
  commits: number;
  rollbacks: number;
  blocks_hit: number;
  blocks_read: number;
  rows_inserted: number;
  rows_updated: number;
  rows_deleted: number;
  deadlocks: number;
  temp_bytes: number;
  checksum_failures: number | null;
  stats_reset: number | null;
}
