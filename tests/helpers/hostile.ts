import postgres from "postgres";
import { sessionSettings } from "../../db/session/settings.ts";

/** A value against us for each setting that a session fixes; besides, what makes each of them felt. */
export const hostileValues: Readonly<Record<string, string>> = {
  client_encoding: "LATIN1",
  DateStyle: "German, DMY",
  TimeZone: "Asia/Kolkata",
  standard_conforming_strings: "off",
  IntervalStyle: "sql_standard",
  extra_float_digits: "-10",
  bytea_output: "escape",
  lc_monetary: "C.UTF-8",
  timezone_abbreviations: "India",
  xmloption: "document",
  array_nulls: "off",
  backslash_quote: "on",
  quote_all_identifiers: "on",
  transform_null_equals: "on",
  row_security: "off",
  check_function_bodies: "off",
  exit_on_error: "on",
  client_min_messages: "debug5",
  default_transaction_isolation: "serializable",
  default_transaction_deferrable: "on",
  default_table_access_method: "hostile",
  idle_session_timeout: "2s",
  transaction_timeout: "100ms",
  restrict_nonsystem_relation_kind: "view",
  default_tablespace: "pg_global",
  lc_messages: "C.UTF-8",
  session_replication_role: "replica",
  zero_damaged_pages: "on",
  ignore_checksum_failure: "on",
  synchronous_commit: "off",
  jit: "on",
  plan_cache_mode: "force_generic_plan",
  enable_partition_pruning: "off",
  constraint_exclusion: "off",
  max_parallel_workers_per_gather: "4",
  stats_fetch_consistency: "snapshot",
  enable_hashagg: "off",
  enable_hashjoin: "off",
  enable_indexscan: "off",
  enable_indexonlyscan: "off",
  enable_bitmapscan: "off",
  enable_mergejoin: "off",
  enable_nestloop: "off",
  enable_material: "off",
  enable_seqscan: "off",
  enable_sort: "off",
  // Beside the list.
  search_path: "hostile, pg_catalog",
  statement_timeout: "20ms",
  lock_timeout: "1ms",
  idle_in_transaction_session_timeout: "5ms",
  jit_above_cost: "0",
};

/** Set back for a role that is not a superuser: what an administrator sets for it, it cannot undo. */
const superuserOnly = Object.entries(sessionSettings).filter(([, { superuser }]) => superuser)
  .map(([name]) => name);

export interface HostileOptions {
  /** A connection as the server's superuser to the database. */
  url: string;
  role: string;
  database: string;
  superuser: boolean;
  /** Values instead of those above; undefined leaves the setting alone. */
  instead?: Readonly<Record<string, string | undefined>>;
}

const quote = (name: string) => `"${name.replaceAll('"', '""')}"`;

/** Sets every hostile value that the server knows, on the role and on the database, and answers their names. */
export async function makeHostile(
  { url, role, database, superuser, instead = {} }: HostileOptions,
): Promise<string[]> {
  const admin = postgres(url, { max: 1, onnotice: () => {} });
  try {
    // What an unqualified name would find first.
    await admin.unsafe(`
      create access method hostile type table handler heap_tableam_handler;
      create schema hostile;
      grant usage on schema hostile to public;
      create function hostile.now() returns timestamptz language sql as 'select timestamptz ''1999-01-01''';
      create function hostile.lower(text) returns text language sql as 'select ''hostile''';
      create function hostile.to_char(timestamptz, text) returns text language sql as 'select ''hostile''';
      create function hostile.current_setting(text, boolean) returns text language sql as 'select ''hostile''';
      create function hostile.never(text, text) returns boolean language sql as 'select false';
      create operator hostile.= (leftarg = text, rightarg = text, function = hostile.never);
      create view hostile.pg_stat_activity as select 1 as pid where false;
      create view hostile.pg_class as select 1 as oid where false;`);
    const known = await admin<{ name: string }[]>`
      select name from pg_settings where lower(name) = any(${
      Object.keys(hostileValues).map((name) => name.toLowerCase())
    })`;
    const names = known.map(({ name }) => name).filter((name) =>
      superuser || !superuserOnly.includes(name)
    );
    const done: string[] = [];
    for (const name of names) {
      const usual = Object.entries(hostileValues).find(([one]) =>
        one.toLowerCase() === name.toLowerCase()
      )?.[1];
      const value = name in instead ? instead[name] : usual;
      if (value === undefined) continue;
      const list = name === "search_path" ? value : `'${value}'`;
      for (const whose of [`role ${quote(role)}`, `database ${quote(database)}`]) {
        await admin.unsafe(`alter ${whose} set ${name} to ${list}`);
      }
      done.push(name);
    }
    return done;
  } finally {
    await admin.end();
  }
}
