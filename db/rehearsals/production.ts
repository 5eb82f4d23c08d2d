import { countForeignActive } from "../activity/sessions.ts";
import type { Sql } from "../connection.ts";
import { quoteIdent } from "../sql.ts";

/** Settings by name. */
type Settings = Record<string, string>;

/**
 * Reads the settings that plans and the cost of executing them depend on, and those of `names` (in lower case); `own` has
 * those that somebody has set, without the defaults of this version.
 */
export async function readPlanSettings(
  sql: Sql,
  names: readonly string[] = [],
): Promise<{ all: Settings; own: Settings }> {
  const rows = await sql<{ name: string; value: string; own: boolean }[]>`
    select
      s.name,
      current_setting(s.name) as value,
      s.source not in ('default', 'override', 'client', 'session') as own
    from pg_settings as s
    where s.context <> 'internal'
      and (
        s.category like 'Query Tuning%'
        or lower(s.name) = any (${names as string[]}::text[])
        or s.name in (
          'work_mem', 'hash_mem_multiplier', 'temp_buffers', 'effective_io_concurrency',
          'maintenance_io_concurrency', 'max_parallel_workers', 'max_parallel_workers_per_gather',
          'max_parallel_maintenance_workers', 'parallel_leader_participation', 'wal_compression',
          'default_toast_compression', 'gin_pending_list_limit', 'xmlbinary', 'timezone'
        )
      )`;
  const settings = (some: { name: string; value: string }[]): Settings =>
    Object.fromEntries(some.map(({ name, value }) => [name, value]));
  return { all: settings(rows), own: settings(rows.filter(({ own }) => own)) };
}

/**
 * Counts the statements that clients run at this moment, without Holdfast's; 0 where the server is on another machine than
 * this session's client, as the addresses of both ends tell.
 */
export async function countActiveStatements(sql: Sql): Promise<number> {
  const [place] = await sql<{ here: boolean }[]>`
    select inet_server_addr() is not distinct from inet_client_addr() as here`;
  return place?.here ? await countForeignActive(sql) : 0;
}

/** A setting in pg_settings. */
export interface SettingFacts {
  name: string;
  category: string;
  context: string;
}

/** Reads the settings of these names; unknown ones are left out. */
export async function readSettingFacts(
  sql: Sql,
  names: readonly string[],
): Promise<SettingFacts[]> {
  return await sql<SettingFacts[]>`
    select
      name,
      category,
      context
    from pg_settings
    where name = any(${names as string[]}::text[])`;
}

/** One statement of pg_stat_statements, summed over its rows; all that the role may not see are one row without id. */
export interface WorkloadRow {
  query_id: string | null;
  query: string | null;
  calls: number;
  total_ms: number;
  rows: number;
}

/** Returns the schema of pg_stat_statements; undefined where it is not installed. */
export async function findStatementsSchema(sql: Sql): Promise<string | undefined> {
  const [row] = await sql<{ name: string }[]>`
    select n.nspname as name
    from pg_extension as e
    join pg_namespace as n on n.oid = e.extnamespace
    where e.extname = 'pg_stat_statements'`;
  return row?.name;
}

/** Lists the statements of this database that took most time. */
export async function readWorkload(
  sql: Sql,
  schema: string,
  limit: number,
): Promise<WorkloadRow[]> {
  return await sql.unsafe<WorkloadRow[]>(
    `select
      s.queryid::text as query_id,
      min(s.query) as query,
      sum(s.calls)::float8 as calls,
      sum(s.total_exec_time) as total_ms,
      sum(s.rows)::float8 as rows
    from ${quoteIdent(schema)}.pg_stat_statements as s
    where s.dbid = (select oid from pg_database where datname = current_database())
      and s.toplevel
    group by s.queryid
    order by sum(s.total_exec_time) desc
    limit $1`,
    [limit],
  );
}

/** A statement as a session ran it, with its values in the text. */
export interface SeenStatement {
  query_id: string;
  query: string;
}

/** Lists the current or last statements of this database's other sessions, without truncated ones. */
export async function readSessionsStatements(sql: Sql): Promise<SeenStatement[]> {
  return await sql<SeenStatement[]>`
    select
      a.query_id::text as query_id,
      a.query
    from pg_stat_activity as a
    where a.datname = current_database()
      and a.pid <> pg_backend_pid()
      and a.query_id is not null
      and a.backend_type = 'client backend'
      and octet_length(a.query) < pg_size_bytes(current_setting('track_activity_query_size')) - 1
    limit 200`;
}
