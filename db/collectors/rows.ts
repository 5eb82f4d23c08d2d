/** What each collector answers, row by row. Times are seconds since 1970; null is what the server does not know. */
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
    /** At most five, the oldest first. */
    oldest_transactions: {
      pid: number;
      user: string | null;
      application: string;
      state: string | null;
      open_seconds: number;
      in_state_seconds: number;
      query: string;
    }[];
  };
  locks: {
    pid: number;
    state: string | null;
    query: string | null;
    user: string | null;
    application: string | null;
    backend_start: string | null;
    age_seconds: number | null;
    waited_seconds: number | null;
    /** What it waits for: the mode, and the table or kind of lock. */
    wanted_mode: string | null;
    wanted: string | null;
    /** 0 stands for a prepared transaction, which has no session. */
    blockers: number[];
  };
  database: DatabaseCounters;
  server: ServerFacts;
  index_io: { blocks_hit: number; blocks_fetched: number };
  wraparound: {
    taken_at: number;
    xid_age: number;
    multixact_age: number;
    oldest_database: string;
    next_xid: number;
    oldest_multixact: number;
  };
  xmin_horizon: {
    kind: string;
    name: string;
    owner: string;
    xids: number;
    seconds: number | null;
  };
  replication: {
    application_name: string;
    client: string;
    /** An archiver keeps WAL and replays none: pg_receivewal, Barman, or the stream beside a pg_basebackup. */
    kind: "standby" | "subscriber" | "archiver" | "connecting";
    state: string | null;
    sync_state: string | null;
    unsent_bytes: number | null;
    /** What it has not on its disk yet. */
    unflushed_bytes: number | null;
    lag_bytes: number | null;
    lag_seconds: number | null;
  };
  standby: {
    in_recovery: boolean;
    /** Positions in bytes of WAL; null before anything was streamed. */
    received: number | null;
    replayed: number | null;
    xact_age_seconds: number | null;
    paused: boolean | null;
    /** Whether a walreceiver streams; null: hidden. */
    streaming: boolean | null;
    /** Whether a primary is configured; null: hidden. */
    streams: boolean | null;
    sees_startup: boolean;
    wait_event: string | null;
  };
  slots: {
    slot: string;
    type: string;
    active: boolean;
    wal_status: string | null;
    retained_bytes: number | null;
    safe_bytes: number | null;
    inactive_seconds: number | null;
    invalidation_reason: string | null;
  };
  checkpoints: Counters & {
    timed: number;
    requested: number;
    write_ms: number;
    sync_ms: number;
    buffers: number;
  };
  io: Counters & {
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
  };
  wal: Counters & {
    records: number;
    full_pages: number;
    bytes: number;
    buffers_full: number;
  };
  archiver: Counters & {
    enabled: boolean;
    archived: number;
    failed: number;
    last_failed_wal: string | null;
    failing: boolean;
    last_archived_seconds: number | null;
  };
  progress: {
    command: string;
    pid: number;
    table: string | null;
    phase: string | null;
    done: number | null;
    total: number | null;
    index_passes: number | null;
    seconds: number | null;
  };
  statements: StatementRow;
  settings: { name: string; setting: string; unit: string | null; pending_restart: boolean };
  sizes: { database_bytes: number; market_bytes: number };
  tables: {
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
  };
  sequences: {
    taken_at: number;
    sequence: string;
    /** The narrowest column that it feeds, as far as is known. */
    column: string | null;
    readable: boolean;
    last_value: number | null;
    limit_value: number;
    used_ratio: number | null;
  };
  indexes: IndexRow;
  missing_indexes: {
    schema: string;
    name: string;
    is_partitioned: boolean;
    constraint: string;
    referenced: string;
    columns: string[];
    rows_estimate: number;
  };
  bloat: {
    name: string;
    kind: "table" | "index";
    bytes: number;
    bloat_bytes: number;
    bloat_ratio: number;
  };
}

/** Counters carry when they were read and since when they count. */
export interface Counters {
  taken_at: number;
  stats_reset: number | null;
}

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

/** What later questions are chosen by. */
export interface ServerFacts {
  version_number: number;
  version: string;
  uptime_seconds: number;
  /** The server's clock, in seconds since 1970. */
  now_seconds: number;
  in_recovery: boolean;
  sees_all_sessions: boolean;
  /** Version and schema of pg_stat_statements in this database; null where it is not. */
  statements_version: string | null;
  statements_schema: string | null;
  /** The extension that makes it another engine than plain Postgres. */
  engine: "postgres" | "citus" | "timescaledb";
}

/** What questions are chosen by. */
export type VersionFacts = Pick<
  ServerFacts,
  "version_number" | "statements_version" | "statements_schema"
>;

export interface StatementRow {
  taken_at: number;
  query_id: string;
  user_id: string;
  toplevel: boolean;
  calls: number;
  total_ms: number;
  rows: number;
  blocks_hit: number;
  blocks_read: number;
  temp_blocks: number;
  wal_bytes: number;
  stats_since: number | null;
}

export interface IndexRow {
  schema: string;
  name: string;
  table: string;
  is_partitioned: boolean;
  method: string;
  leaves: number;
  bytes: number;
  scans: number;
  invalid_leaves: number;
  invalid_name: string | null;
  is_unique: boolean;
  /** Whether uniqueness is checked at once: a deferrable constraint's index is no substitute for one that does. */
  is_immediate: boolean;
  nulls_not_distinct: boolean;
  /** What rests on it, or on one of its partitions' indexes. */
  by_constraint: boolean;
  by_foreign_key: boolean;
  by_replica_identity: boolean;
  by_cluster: boolean;
  by_extension: boolean;
  /** Its first column is one of a foreign key of its table. */
  serves_foreign_key: boolean;
  /** An attached index of a partition is of another kind than the parent's. */
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
