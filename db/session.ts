import { quoteLiteral } from "./sql.ts";

/**
 * What a session is for: `work` serves requests, writes and maintains; `collector` watches; `benchmark` measures the server
 * as its administrator set it up, so there only what changes answers is fixed.
 */
export type SessionPurpose = "work" | "collector" | "benchmark";

/** How a setting reaches the server of a direct connection: with the start of the session, or by a statement after it. */
interface SessionSetting {
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

const output = (value: string, why: string): SessionSetting => ({
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

/** The statement by which a session of Holdfast is known to reach the server itself. */
export const markName = "holdfast.session";

export interface SessionOptions {
  purpose?: SessionPurpose | undefined;
  statementTimeoutMs: number;
  lockTimeoutMs: number;
}

/**
 * Names are looked up where the server would by default; collectors qualify all they name, and see nothing but the
 * system catalogs.
 */
function pathOf(purpose: SessionPurpose): string {
  return purpose === "collector" ? "pg_catalog" : '"$user", public';
}

/** As text: postgres.js leaves a number 0 out of the startup packet, and the role's own timeout would hold. */
function timeoutsOf(
  { purpose = "work", statementTimeoutMs, lockTimeoutMs }: SessionOptions,
): Record<string, string> {
  return {
    search_path: pathOf(purpose),
    statement_timeout: String(statementTimeoutMs),
    lock_timeout: String(lockTimeoutMs),
    idle_in_transaction_session_timeout: "60000",
  };
}

function wanted(
  purpose: SessionPurpose,
  by: readonly SessionSetting["by"][],
): [string, SessionSetting][] {
  return Object.entries(sessionSettings).filter(([, setting]) =>
    by.includes(setting.by) &&
    (setting.for === "all" || setting.for === purpose ||
      setting.for === "own" && purpose !== "benchmark")
  );
}

/** What the startup packet of a session asks for. Behind a pooler only what every PgBouncer takes. */
export function startupSettings(
  options: SessionOptions & {
    pooled: boolean;
    /** Told to the server so that `settleStatement` finds out whether it arrived. */
    mark?: string | undefined;
    /** The server refused a setting: all but the essential ones are set by `settleStatement`. */
    cautious?: boolean | undefined;
    /** Such as 170004, where it is known and no statement follows. */
    serverVersion?: number | undefined;
  },
): Record<string, string> {
  const { pooled, mark, cautious = false, purpose = "work", serverVersion = 0 } = options;
  const ways: SessionSetting["by"][] = pooled || cautious ? ["tracked"] : ["tracked", "startup"];
  return {
    ...Object.fromEntries(wanted(purpose, ways).map(([name, { value }]) => [name, value])),
    ...(pooled ? {} : timeoutsOf(options)),
    ...(!pooled && mark !== undefined ? { [markName]: mark } : {}),
    ...(!pooled && serverVersion >= 170_000 ? { transaction_timeout: "0" } : {}),
    ...(cautious ? { idle_in_transaction_session_timeout: "60000" } : {}),
  };
}

/**
 * A database in SQL_ASCII holds bytes in any encoding. Asked for UTF8, the server refuses what is not (22021); asked for none,
 * it sends it, and the driver decodes with replacement.
 */
const anyBytes: [string, SessionSetting] = ["client_encoding", {
  ...output("SQL_ASCII", "bytes that are not UTF-8 can be read"),
  where: "pg_catalog.current_setting('server_encoding') = 'SQL_ASCII'",
}];

/** Sets what the server has and this role may set; `where` must hold besides. Answers one row for each. */
function setStatement(
  settings: readonly [string, SessionSetting][],
  { local, where }: { local: boolean; where: string },
): string {
  const rows = [...settings, anyBytes].map(([name, { value, superuser, where = "true" }]) => {
    const may = superuser ? "pg_catalog.current_setting('is_superuser') = 'on'" : "true";
    return `(${quoteLiteral(name)}, ${quoteLiteral(value)}, ${may} and ${where})`;
  });
  return `select pg_catalog.set_config(s.name, s.value, ${local}), ` +
    "pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as version " +
    `from (values ${rows.join(", ")}) as s (name, value, holds) ` +
    `where pg_catalog.current_setting(s.name, true) is not null and s.holds and ${where}`;
}

/**
 * The statement that ends the set-up of a direct session: it sets what the startup packet could not carry. It answers no row,
 * and sets nothing, where the packet's settings did not arrive: then a pooler stands between. Each row has the server's
 * `version`, such as 170004.
 */
export function settleStatement(
  purpose: SessionPurpose,
  mark: string,
  { cautious = false }: { cautious?: boolean | undefined } = {},
): string {
  const settings = wanted(purpose, cautious ? ["startup", "statement"] : ["statement"]);
  const itself: [string, SessionSetting] = [markName, output(mark, "it is there")];
  return setStatement([...settings, itself], {
    local: false,
    where: `pg_catalog.current_setting(${quoteLiteral(markName)}, true) = ${quoteLiteral(mark)}`,
  });
}

export type Isolation = "read committed" | "repeatable read";

/**
 * Opens a transaction behind a pooler, whose server sessions belong to everybody: all settings hold until it ends. One
 * message, so that no timeout of the role comes between.
 */
export function openingStatement(
  options: SessionOptions,
  isolation: Isolation = "read committed",
): string {
  const { purpose = "work" } = options;
  const { search_path: path = "", ...timeouts } = timeoutsOf(options);
  const settings = wanted(purpose, ["startup", "statement"]);
  const given = Object.entries(timeouts).map(([name, value]): [string, SessionSetting] => [
    name,
    output(value, "a limit of ours"),
  ]);
  return `begin isolation level ${isolation} not deferrable; ` +
    // Before any function or operator is looked up.
    `set local search_path to ${path}; ` +
    setStatement([...given, ...settings], { local: true, where: "true" });
}
