import type { SettingFacts } from "../../db/rehearsals/production.ts";
import { HoldfastError } from "../../errors.ts";
import type { ProfileName } from "../benchmarks/case.ts";
import type { PolicyInput } from "../partitions/policy_service.ts";
import type { Change, GivenStatement, Rehearsal } from "./rehearsal.ts";
import { copyOfClient, findOpenTransaction, kindOf, splitStatements } from "./workload/sql_text.ts";

/** A requested rehearsal, with exactly one of the first five fields. */
export interface RehearsalInput {
  sql?: string | undefined;
  settings?: Readonly<Record<string, string | number | boolean>> | undefined;
  recommendation?: string | undefined;
  policy?: { table: string; key_column: string; policy: PolicyInput } | undefined;
  /** A directory with the programs of a newer major version. */
  to_bin?: string | undefined;
  workload?: readonly GivenStatement[] | undefined;
  backup?: string | undefined;
  profile?: ProfileName | undefined;
}

const sources = ["sql", "settings", "recommendation", "policy", "to_bin"] as const;
const statementsMax = 200;

/** Throws an `invalid_request` that names the field. */
export function refuse(path: string, message: string): never {
  throw new HoldfastError("invalid_request", `Cannot rehearse this: ${path}: ${message}`, {
    problems: [{ path, message }],
  });
}

/** A recommendation. */
export interface Advice {
  title: string;
  sql?: string | undefined;
}

/** Statements of recommendations that a copy can run unchanged. */
const rehearsable = /^(create|drop|alter|reindex)\s+(unique\s+)?(index|table)\b/i;

/** Returns whether a recommendation can be rehearsed: its statement has no placeholders and changes a table or index. */
export const canRehearse = ({ sql }: Advice): boolean =>
  sql !== undefined && rehearsable.test(sql.trim()) && !/<[^<>]+>/.test(sql);

/** The change of a request; the programs of an upgrade are still to be found. */
export type RequestedChange =
  | Exclude<Change, { source: "upgrade" }>
  | { source: "upgrade"; bin: string };

/** Parses the change of a request. Throws `invalid_request`, which names the field. */
export function changeOf(
  input: RehearsalInput,
  advice: (id: string) => Advice | undefined,
): RequestedChange {
  const given = sources.filter((source) => input[source] !== undefined);
  const [source] = given;
  if (source === undefined) refuse("sql", `give one of ${sources.join(", ")}`);
  if (given.length > 1) refuse(given[1]!, `give either ${given.join(" or ")}`);
  if (input.sql !== undefined) return { source: "sql", sql: scriptOf(input.sql, "sql") };
  if (input.settings !== undefined) {
    const settings = Object.fromEntries(
      Object.entries(input.settings).map(([name, value]) => [name.toLowerCase(), valueOf(value)]),
    );
    if (Object.keys(settings).length === 0) refuse("settings", "name at least one");
    return { source: "settings", settings };
  }
  if (input.recommendation !== undefined) {
    const { recommendation: id } = input;
    const found = advice(id);
    if (!found) refuse("recommendation", `there is no recommendation ${id} at present`);
    if (!canRehearse(found)) {
      refuse("recommendation", `"${found.title}" has no statement that a copy could carry out`);
    }
    return { source: "recommendation", id, sql: found.sql ?? "" };
  }
  if (input.to_bin !== undefined) return { source: "upgrade", bin: input.to_bin };
  const { table, key_column: keyColumn, policy } = input.policy!;
  if (!/^[^.]+\../.test(table)) refuse("policy.table", "must be schema.name");
  return { source: "policy", table, keyColumn, policy };
}

function scriptOf(sql: string, path: string): string {
  if (sql.includes("\0")) refuse(path, "holds a NUL character");
  const statements = splitStatements(sql);
  if (statements.length === 0) refuse(path, "holds no statement");
  for (const [at, { sql: text, line }] of statements.entries()) {
    const direction = copyOfClient(text);
    if (direction) refuse(path, `statement ${at + 1} (line ${line}) ${refusedCopy[direction]}`);
  }
  if (statements.length > statementsMax) {
    refuse(path, `holds ${statements.length} statements, ${statementsMax} are allowed`);
  }
  const open = findOpenTransaction(statements);
  if (open) {
    refuse(path, `begins a transaction in line ${open.line} and does not end it: add COMMIT`);
  }
  return sql;
}

/** A rehearsal has no client that sends or takes the rows of a COPY. */
const refusedCopy = {
  from:
    "is COPY … FROM STDIN, and nothing sends its rows: the copy holds those of the backup already; write further ones as INSERT … VALUES, or INSERT … SELECT from generate_series()",
  to: "is COPY … TO STDOUT, and nothing takes its rows: leave it out",
};

const valueOf = (value: string | number | boolean) =>
  typeof value === "boolean" ? (value ? "on" : "off") : String(value);

/** Categories of settings that may be rehearsed: those of plans, memory and background work. */
const categories =
  /^(Query Tuning|Resource Usage|Write-Ahead Log \/ (Settings|Checkpoints)|Autovacuum|Vacuuming|Client Connection Defaults \/ (Statement Behavior|Locale))/;
/** Settings that would act outside of the copy or prevent its start. */
const forbidden =
  /(preload_libraries|_command$|_library$|^dynamic_shared_memory_type$|^(min_)?dynamic_shared|^huge_page|^shared_memory_type$|^temp_tablespaces$|^default_tablespace$|^session_replication_role$|^search_path$|^role$|^client_connection_check_interval$|^statement_timeout$|^lock_timeout$|^synchronous_standby|^wal_level$|^fsync$|^full_page_writes$)/;
/** Allowed values: letters, digits and common punctuation; no quotes, line ends or shell characters. */
export const isPlainValue = (value: string): boolean => /^[\w .,+\-/%:*]{1,100}$/.test(value);

/** Throws `invalid_request` for a setting that is unknown or must not be changed on a copy. */
export function checkSettings(
  settings: Readonly<Record<string, string>>,
  facts: readonly SettingFacts[],
): void {
  for (const [name, value] of Object.entries(settings)) {
    const path = `settings.${name}`;
    const known = facts.find((one) => one.name.toLowerCase() === name);
    if (!known) refuse(path, "is not a setting of this server");
    if (known.context === "internal") refuse(path, "cannot be changed");
    if (name === "shared_buffers") {
      refuse(path, "cannot be rehearsed: each copy has 64 MB, whatever the server has");
    }
    if (!categories.test(known.category) || forbidden.test(name)) {
      refuse(path, `cannot be rehearsed (${known.category})`);
    }
    if (!isPlainValue(value)) {
      refuse(path, "may hold letters, digits, blanks and . , + - / % : * only");
    }
  }
}

/** Throws `invalid_request` for a statement that cannot be replayed. */
export function checkWorkload(workload: readonly GivenStatement[] | undefined): void {
  for (const [at, { sql }] of (workload ?? []).entries()) {
    const path = `workload.${at}.sql`;
    scriptOf(sql, path);
    if (splitStatements(sql).length !== 1) refuse(path, "must be one statement");
    if (kindOf(sql) === "other") {
      refuse(path, "must be a query or a change of rows (select, insert, update, delete, merge)");
    }
  }
}

/** Returns an upgrade as text. */
export const upgradeText = (major: number, bin: string) =>
  `upgrade to Postgres ${major} (programs: ${bin})`;

/** Returns the directory of an upgrade's text; undefined for every other change. */
export const upgradeBinOf = (text: string): string | undefined =>
  /^upgrade to Postgres \d+ \(programs: (.+)\)$/.exec(text)?.[1];

/** Returns a change as text. */
function describe(change: Change): string {
  switch (change.source) {
    case "sql":
    case "recommendation":
      return change.sql.trim();
    case "settings":
      return Object.entries(change.settings).map(([name, value]) => `${name} = ${value}`).join(
        "\n",
      );
    case "policy":
      return `partition ${change.table} by ${change.keyColumn}, ${change.policy.interval}`;
    case "upgrade":
      return upgradeText(change.programs.major, change.bin);
  }
}

/** Returns the record of a rehearsal that is about to start. */
export function newRehearsal(
  change: Change,
  { profile, seed, now }: { profile: ProfileName; seed: number; now: Date },
): Rehearsal {
  return {
    id: crypto.randomUUID(),
    status: "queued",
    profile,
    source: change.source,
    change: describe(change),
    recommendation: change.source === "recommendation" ? change.id : null,
    created_at: now.toISOString(),
    finished_at: null,
    step: null,
    seed,
    copy: null,
    verdict: null,
    summary: null,
    coverage: { statements: 0, of: 0, time_share: 0 },
    statements: [],
    uncovered: [],
    cost: null,
    upgrade: null,
    candidates: [],
    problems: [],
  };
}
