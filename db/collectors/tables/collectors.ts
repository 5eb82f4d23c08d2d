import { membersSince } from "../../timescale/stored_rows.ts";
import { always, collectorOf, type Question } from "../collector.ts";
import {
  rollUpBloat,
  rollUpIndexes,
  rollUpMissingIndexes,
  rollUpSizes,
  rollUpTables,
} from "../timescale/rolled_up.ts";
import bloat from "./bloat.sql" with { type: "text" };
import indexes from "./indexes.sql" with { type: "text" };
import indexIo from "./index_io.sql" with { type: "text" };
import missingIndexes from "./missing_indexes.sql" with { type: "text" };
import rangeTables from "./range_tables.sql" with { type: "text" };
import sequences from "./sequences.sql" with { type: "text" };
import sizes from "./sizes.sql" with { type: "text" };
import tables from "./tables.sql" with { type: "text" };
import wraparound from "./wraparound.sql" with { type: "text" };

/** Returns the questions of a collector that rolls chunks up where TimescaleDB is installed. */
const rolledUp = (sql: string, rollUp: (sql: string) => string): readonly Question[] => [
  { minVersion: 140_000, minTimescale: membersSince, sql: rollUp(sql) },
  ...always(sql),
];

export interface IndexRow {
  schema: string;
  name: string;
  table: string;
  /** Whether it is an index of a partitioned table or of a hypertable. */
  is_partitioned: boolean;
  /** Whether its table is a hypertable of TimescaleDB; absent where that is not installed. */
  is_hypertable?: boolean;
  method: string;
  leaves: number;
  bytes: number;
  scans: number;
  invalid_leaves: number;
  invalid_name: string | null;
  is_unique: boolean;
  /** Whether uniqueness is checked at once. The index of a deferrable constraint cannot replace one that checks at once. */
  is_immediate: boolean;
  nulls_not_distinct: boolean;
  /** Whether this kind of object needs it, or needs the index of one of its partitions. */
  by_constraint: boolean;
  by_foreign_key: boolean;
  by_replica_identity: boolean;
  by_cluster: boolean;
  by_extension: boolean;
  /** Whether its first column is a column of a foreign key of its table. */
  serves_foreign_key: boolean;
  /** Whether an attached index of a partition is of another kind than the parent's. */
  is_mixed: boolean;
  index_oid: number;
  table_oid: number;
  keys: number[];
  key_count: number;
  classes: string[];
  collations: string[];
  options: number[];
  column_options: string[];
  method_options: string[];
  /** Digests; null for none. */
  expressions: string | null;
  predicate: string | null;
}

export interface RangeTableRow {
  taken_at: number;
  schema: string;
  name: string;
  table: string;
  /** The first column of the key; null for an expression. */
  column: string | null;
  key_type: string | null;
  partitions: number;
  /** Partitions by name, their bounds and the rows inserted into each; empty where the key is no time. */
  leaves: string[];
  bounds: string[];
  inserted: number[];
  in_recovery: boolean;
  /** The schema of pg_partman's tables; null where it is not installed. */
  partman_schema: string | null;
  /** Whether pg_partman manages the table; null: its tables are not readable. */
  by_partman: boolean | null;
}

/** Tables, indexes and sequences: their size, age and upkeep. */
export const tableCollectors = [
  collectorOf<{
    taken_at: number;
    xid_age: number;
    multixact_age: number;
    oldest_database: string;
    next_xid: number;
    oldest_multixact: number;
  }>()({
    name: "wraparound",
    tier: "stats",
    questions: always(wraparound),
    foreign: ["oldest_database"],
  }),
  collectorOf<{ blocks_hit: number; blocks_fetched: number }>()({
    name: "index_io",
    tier: "slow",
    questions: always(indexIo),
  }),
  collectorOf<{ database_bytes: number; market_bytes: number }>()({
    name: "sizes",
    tier: "slow",
    questions: rolledUp(sizes, rollUpSizes),
  }),
  collectorOf<{
    taken_at: number;
    table: string;
    leaves: number;
    heap_bytes: number;
    rows_estimate: number;
    dead_rows: number;
    seq_scans: number;
    seq_rows: number;
    xid_age: number;
    vacuum_lag: number;
    insert_lag: number;
    analyze_lag: number;
    freeze_lag: number;
    leaves_behind: number;
    worst_leaf: string | null;
    vacuumed: boolean;
  }>()({ name: "tables", tier: "slow", questions: rolledUp(tables, rollUpTables) }),
  collectorOf<{
    taken_at: number;
    sequence: string;
    /** The narrowest column that it feeds, as far as is known. */
    column: string | null;
    readable: boolean;
    last_value: number | null;
    limit_value: number;
    used_ratio: number | null;
  }>()({
    name: "sequences",
    tier: "slow",
    grant: "select on the sequence",
    questions: always(sequences),
  }),
  collectorOf<RangeTableRow>()({
    name: "range_tables",
    tier: "slow",
    grant: "usage on pg_partman's schema and select on its part_config, where it is installed",
    questions: always(rangeTables),
  }),
  collectorOf<IndexRow>()({
    name: "indexes",
    tier: "hourly",
    questions: rolledUp(indexes, rollUpIndexes),
  }),
  collectorOf<{
    schema: string;
    name: string;
    is_partitioned: boolean;
    is_hypertable?: boolean;
    constraint: string;
    referenced: string;
    columns: string[];
    rows_estimate: number;
  }>()({
    name: "missing_indexes",
    tier: "hourly",
    questions: rolledUp(missingIndexes, rollUpMissingIndexes),
  }),
  collectorOf<{
    name: string;
    kind: "table" | "index";
    bytes: number;
    bloat_bytes: number;
    bloat_ratio: number;
  }>()({
    name: "bloat",
    tier: "hourly",
    grant: "select on the table",
    questions: rolledUp(bloat, rollUpBloat),
  }),
];
