import activity from "./sessions/activity.sql" with { type: "text" };
import archiver from "./replication/archiver.sql" with { type: "text" };
import bloat from "./tables/bloat.sql" with { type: "text" };
import checkpoints from "./server/checkpoints.sql" with { type: "text" };
import checkpoints17 from "./server/checkpoints_17.sql" with { type: "text" };
import database from "./server/database.sql" with { type: "text" };
import indexes from "./tables/indexes.sql" with { type: "text" };
import indexIo from "./tables/index_io.sql" with { type: "text" };
import io from "./server/io.sql" with { type: "text" };
import locks from "./sessions/locks.sql" with { type: "text" };
import missingIndexes from "./tables/missing_indexes.sql" with { type: "text" };
import progress from "./sessions/progress.sql" with { type: "text" };
import replication from "./replication/replication.sql" with { type: "text" };
import type { CollectorRows } from "./rows.ts";
import sequences from "./tables/sequences.sql" with { type: "text" };
import server from "./server/server.sql" with { type: "text" };
import settings from "./server/settings.sql" with { type: "text" };
import sizes from "./tables/sizes.sql" with { type: "text" };
import slots from "./replication/slots.sql" with { type: "text" };
import standby from "./replication/standby.sql" with { type: "text" };
import statements from "./statements/statements.sql" with { type: "text" };
import statements111 from "./statements/statements_1_11.sql" with { type: "text" };
import tables from "./tables/tables.sql" with { type: "text" };
import wal from "./replication/wal.sql" with { type: "text" };
import wraparound from "./tables/wraparound.sql" with { type: "text" };
import xminHorizon from "./sessions/xmin_horizon.sql" with { type: "text" };

/** How often a collector runs: fast 5 s, stats 30 s, slow 5 min, hourly 1 h by default. */
export const tiers = ["fast", "stats", "slow", "hourly"] as const;
export type Tier = (typeof tiers)[number];

/** One way to ask, for servers from `minVersion` on. */
export interface Question {
  /** Least server_version_num whose columns it uses. */
  minVersion: number;
  /** Least version of pg_stat_statements: a server may be upgraded without its extensions. */
  minStatements?: string;
  sql: string;
}

/** One thing to know of the server, as data. */
export interface Collector {
  name: keyof CollectorRows;
  tier: Tier;
  /** The newest form first: the first whose versions the server has is asked. */
  questions: readonly Question[];
  /** Columns that hold text of other databases, sent as base64 of its bytes; see `db/foreign_text.ts`. */
  foreign?: readonly string[];
}

const always = (sql: string): readonly Question[] => [{ minVersion: 140_000, sql }];
const since = (minVersion: number, sql: string): Question => ({ minVersion, sql });

/** Within a tier they are asked in this order. */
export const collectors: readonly Collector[] = [
  { name: "activity", tier: "fast", questions: always(activity), foreign: ["query", "user"] },
  { name: "locks", tier: "fast", questions: always(locks), foreign: ["query", "user"] },
  { name: "database", tier: "fast", questions: always(database) },
  { name: "server", tier: "stats", questions: always(server) },
  {
    name: "wraparound",
    tier: "stats",
    questions: always(wraparound),
    foreign: ["oldest_database"],
  },
  {
    name: "xmin_horizon",
    tier: "stats",
    questions: always(xminHorizon),
    foreign: ["name", "owner"],
  },
  { name: "replication", tier: "stats", questions: always(replication) },
  { name: "standby", tier: "stats", questions: always(standby) },
  { name: "slots", tier: "stats", questions: always(slots) },
  {
    name: "checkpoints",
    tier: "stats",
    questions: [since(170_000, checkpoints17), since(140_000, checkpoints)],
  },
  { name: "io", tier: "stats", questions: [since(160_000, io)] },
  { name: "wal", tier: "stats", questions: always(wal) },
  { name: "archiver", tier: "stats", questions: always(archiver) },
  { name: "progress", tier: "stats", questions: always(progress) },
  {
    name: "statements",
    tier: "stats",
    questions: [
      { minVersion: 140_000, minStatements: "1.11", sql: statements111 },
      { minVersion: 140_000, minStatements: "1.9", sql: statements },
    ],
  },
  { name: "settings", tier: "slow", questions: always(settings) },
  { name: "index_io", tier: "slow", questions: always(indexIo) },
  { name: "sizes", tier: "slow", questions: always(sizes) },
  { name: "tables", tier: "slow", questions: always(tables) },
  { name: "sequences", tier: "slow", questions: always(sequences) },
  { name: "indexes", tier: "hourly", questions: always(indexes) },
  { name: "missing_indexes", tier: "hourly", questions: always(missingIndexes) },
  { name: "bloat", tier: "hourly", questions: always(bloat) },
];

export type CollectorName = keyof CollectorRows;

export function tierOf(name: CollectorName): Tier {
  const found = collectors.find((collector) => collector.name === name);
  if (!found) throw new RangeError(`No collector is named ${name}`);
  return found.tier;
}
