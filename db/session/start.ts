import { output, type SessionPurpose, type SessionSetting, sessionSettings } from "./settings.ts";
import { quoteLiteral } from "../sql.ts";

/** The setting by which a session of Holdfast is known to reach the server itself. */
const markName = "holdfast.session";

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
  const now = "pg_catalog.current_setting(s.name, true)";
  // In each transaction, what is so already costs less to compare than to set. Once a session, the mark must answer.
  const changes = local ? `${now} <> s.value` : `${now} is not null`;
  return `select pg_catalog.set_config(s.name, s.value, ${local}), ` +
    "pg_catalog.current_setting('server_version_num')::pg_catalog.int4 as version " +
    `from (values ${rows.join(", ")}) as s (name, value, holds) ` +
    `where ${changes} and s.holds and ${where}`;
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
