/**
 * What a session is for: `work` serves requests, writes and maintains; `collector` watches; `benchmark` measures the server
 * as its administrator set it up, so there only what changes answers is fixed.
 */
export type SessionPurpose = "work" | "collector" | "benchmark";

/** How a setting reaches the server of a direct connection: with the start of the session, or by a statement after it. */
export interface SessionSetting {
  value: string;
  /** Which sessions it is fixed for. */
  for: "all" | "own" | "collector";
  /**
   * `startup`: in the startup packet. `tracked`: there as well behind PgBouncer, which carries these from client to
   * server. `statement`: by set_config, where the server has the setting and the role may set it.
   */
  by: "startup" | "tracked" | "statement";
  /** Only superusers may set it, so it is left alone for other roles. */
  superuser?: boolean;
  /** SQL that must hold for it to be set by a statement. */
  where?: string;
  why: string;
}

export const output = (value: string, why: string): SessionSetting => ({
  value,
  for: "all",
  by: "startup",
  why,
});
const planner = (why: string): SessionSetting => ({
  value: "on",
  for: "collector",
  by: "startup",
  why,
});
const joins = "a collector costs the same on every server";

/**
 * Every setting that the output, the meaning or the cost of our statements depends on, whatever the role, the database or
 * postgresql.conf says. Timeouts are beside it (`timeoutsOf`): each pool has its own.
 *
 * Left to the administrator on purpose:
 * - `default_transaction_read_only`: a managed service sets it as a brake when the disk is nearly full;
 * - `role`: `alter role … set role` decides who owns what is made;
 * - `temp_tablespaces`, `work_mem`, `temp_file_limit`, cost constants and `vacuum_cost_*`: how much of the machine we may use;
 * - `xmlbinary`, `lc_time`, `lc_numeric`, `default_text_search_config`: no statement of ours depends on them.
 */
export const sessionSettings: Readonly<Record<string, SessionSetting>> = {
  client_encoding: {
    value: "UTF8",
    for: "all",
    by: "tracked",
    why: "all text is exchanged as UTF-8",
  },
  DateStyle: { value: "ISO, MDY", for: "all", by: "tracked", why: "dates and times as text" },
  TimeZone: { value: "UTC", for: "all", by: "tracked", why: "times as text, days, truncation" },
  standard_conforming_strings: {
    value: "on",
    for: "all",
    by: "tracked",
    why: "quoteLiteral writes literals for it",
  },
  IntervalStyle: output("postgres", "intervals as text"),
  extra_float_digits: output("1", "floats as text keep every digit"),
  bytea_output: output("hex", "bytea as text"),
  lc_monetary: output("C", "money as text"),
  timezone_abbreviations: output("Default", "abbreviations in timestamps that are read"),
  xmloption: output("content", "archived xml is read back"),
  array_nulls: output("on", "NULL in arrays as text is null"),
  backslash_quote: output("safe_encoding", "quotes in strings"),
  quote_all_identifiers: output("off", "definitions and names as text"),
  transform_null_equals: output("off", "x = null is null"),
  row_security: output("on", "a policy filters and does not fail"),
  check_function_bodies: output("on", "a migration's functions are checked when they are made"),
  exit_on_error: output("off", "an error ends a statement and not the session"),
  client_min_messages: output("warning", "debug messages would cost more than the answer"),
  default_transaction_isolation: output("read committed", "what each statement sees"),
  default_transaction_deferrable: output("off", "a transaction does not wait to begin"),
  default_table_access_method: output("heap", "the kind of our tables"),
  idle_session_timeout: output("0", "idle connections of a pool are kept"),
  transaction_timeout: {
    value: "0",
    for: "all",
    by: "statement",
    why: "statement and idle timeouts limit transactions (Postgres 17)",
  },
  restrict_nonsystem_relation_kind: {
    value: "",
    for: "all",
    by: "statement",
    why: "pg_stat_statements is a view outside the system catalogs",
  },
  default_tablespace: {
    value: "",
    for: "all",
    by: "statement",
    why: "a table without a tablespace goes to that of its database",
  },
  lc_messages: {
    value: "C",
    for: "all",
    by: "statement",
    superuser: true,
    why: "messages in the log; decisions are made by SQLSTATE alone",
  },
  session_replication_role: {
    value: "origin",
    for: "all",
    by: "statement",
    superuser: true,
    why: "foreign keys and triggers hold",
  },
  zero_damaged_pages: {
    value: "off",
    for: "all",
    by: "statement",
    superuser: true,
    why: "a damaged page is an error, and not empty",
  },
  ignore_checksum_failure: {
    value: "off",
    for: "all",
    by: "statement",
    superuser: true,
    why: "a damaged page is an error, and not data",
  },
  synchronous_commit: {
    value: "on",
    for: "own",
    by: "statement",
    where: "pg_catalog.current_setting('synchronous_commit') = 'off'",
    why: "what is acknowledged is on the disk; local and remote_write are, too, and stay",
  },
  jit: { value: "off", for: "own", by: "startup", why: "compiling costs more than our statements" },
  plan_cache_mode: {
    value: "force_custom_plan",
    for: "own",
    by: "startup",
    why: "a generic plan locks every partition",
  },
  enable_partition_pruning: {
    value: "on",
    for: "own",
    by: "startup",
    why: "without it a read opens every partition",
  },
  constraint_exclusion: { value: "partition", for: "own", by: "startup", why: "planning time" },
  max_parallel_workers_per_gather: {
    value: "0",
    for: "collector",
    by: "startup",
    why: "watching takes no workers from others",
  },
  stats_fetch_consistency: {
    value: "cache",
    for: "collector",
    by: "statement",
    why: "snapshot copies the statistics of all objects (Postgres 15)",
  },
  enable_hashagg: planner(joins),
  enable_hashjoin: planner(joins),
  enable_indexscan: planner(joins),
  enable_indexonlyscan: planner(joins),
  enable_bitmapscan: planner(joins),
  enable_mergejoin: planner(joins),
  enable_nestloop: planner(joins),
  enable_material: planner(joins),
  enable_seqscan: planner(joins),
  enable_sort: planner(joins),
};
