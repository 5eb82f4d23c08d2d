/** How often a collector runs: fast 5 s, stats 30 s, slow 5 min, hourly 1 h by default. */
export const tiers = ["fast", "stats", "slow", "hourly"] as const;
export type Tier = (typeof tiers)[number];

/** One way to ask, for servers from `minVersion` on. */
export interface Question {
  /** The lowest server_version_num that has all its columns. */
  minVersion: number;
  /** The lowest version of pg_stat_statements: a server may be upgraded without its extensions. */
  minStatements?: string;
  /** The engine that it is for; absent for all. */
  engine?: VersionFacts["engine"];
  /** The lowest version of TimescaleDB; only where it is installed. */
  minTimescale?: string;
  sql: string;
}

/**
 * One query of the server's state, as data: its name, cadence, SQL and the type of its rows. In rows, times are seconds
 * since 1970, and null is what the server does not know.
 */
export interface Collector<Name extends string = string, Row = unknown> {
  name: Name;
  tier: Tier;
  /** The newest form first. The first one that the server's versions allow is used. */
  questions: readonly Question[];
  /**
   * Columns that hold text of other databases: names of databases and roles, and statements. The SQL sends each as base64
   * of its bytes (`db/foreign_text.ts` says how); names of this database's own objects are sent as they are.
   */
  foreign?: readonly string[];
  /** What a role needs to see all of its rows, for docs/monitoring.md; absent where every role sees them. */
  grant?: string;
  /** Carries the type of a row; has no value. */
  readonly row?: Row;
}

/** Returns a function that makes a collector whose rows are of type `Row`. */
export const collectorOf = <Row>() =>
<const Name extends string>(
  described: Omit<Collector<Name, Row>, "row">,
): Collector<Name, Row> => described;

/** Returns the questions of a collector whose SQL all supported servers understand. */
export const always = (sql: string): readonly Question[] => [{ minVersion: 140_000, sql }];

/** Counters with the time at which they were read and the time since which they count. */
export interface Counters {
  taken_at: number;
  stats_reset: number | null;
}

/** The facts of a server that questions are chosen by. */
export interface VersionFacts {
  version_number: number;
  /** Version and schema of pg_stat_statements in this database; null where it is not installed. */
  statements_version: string | null;
  statements_schema: string | null;
  /** The extension that makes it another engine than plain Postgres. */
  engine: "postgres" | "citus" | "timescaledb";
  /** The version of TimescaleDB in this database; null where it is not installed. */
  timescale_version: string | null;
}
