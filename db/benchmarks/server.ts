import type { Sql } from "../connection.ts";
import { benchApplicationName } from "./lock.ts";

/** Returns the bytes of WAL written since the cluster was created. */
export async function readWalBytes(sql: Sql): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`
    select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as bytes`;
  return row?.bytes ?? NaN;
}

/** Returns the bytes of tables of `schema`, including partitions, and of their indexes. */
export async function relationBytes(
  sql: Sql,
  schema: string,
  tables: readonly string[],
): Promise<{ table: number; index: number }> {
  const [row] = await sql<{ table: number; index: number }[]>`
    select
      coalesce(sum(pg_table_size(leaf.relid)), 0)::float8 as "table",
      coalesce(sum(pg_indexes_size(leaf.relid)), 0)::float8 as "index"
    from pg_class as root
    cross join lateral (
      select relid from pg_partition_tree(root.oid) where isleaf
      union
      select root.oid
    ) as leaf
    where root.relnamespace = (select oid from pg_namespace where nspname = ${schema})
      and root.relname = any (${tables as string[]}::text[])`;
  return row ?? { table: 0, index: 0 };
}

const fingerprint = [
  "server_version",
  "shared_buffers",
  "effective_cache_size",
  "work_mem",
  "max_wal_size",
  "fsync",
  "synchronous_commit",
  "full_page_writes",
  "wal_compression",
  "wal_level",
  "jit",
  "max_connections",
  "data_checksums",
] as const;

/** Returns the settings that decide the speed of a server, with units, as `show` prints them. */
export async function readServerSettings(sql: Sql): Promise<Record<string, string>> {
  const rows = await sql<{ name: string; setting: string }[]>`
    select name, current_setting(name) as setting
    from unnest(${fingerprint as readonly string[] as string[]}::text[]) as wanted (name)`;
  return Object.fromEntries(rows.map(({ name, setting }) => [name, setting]));
}

/** Returns for each active session of the benchmarks its wait event, or "CPU" when it waits for nothing. */
export async function readWaits(sql: Sql): Promise<string[]> {
  const rows = await sql<{ what: string }[]>`
    select coalesce(wait_event_type || ':' || wait_event, 'CPU') as what
    from pg_stat_activity
    where application_name = ${benchApplicationName}
      and state = 'active'
      and datname = current_database()
      and pid <> pg_backend_pid()`;
  return rows.map(({ what }) => what);
}

/** Runs `query` once under EXPLAIN (ANALYZE, BUFFERS) and returns the plan as JSON. */
export async function explainJson(sql: Sql, query: string): Promise<unknown> {
  const [row] = await sql.unsafe<Record<string, unknown>[]>(
    `explain (analyze, buffers, timing off, format json) ${query}`,
  );
  return row?.["QUERY PLAN"];
}

/** Counts the leaf partitions of the partitioned tables of `schema` that `query` names. */
export async function countLeaves(sql: Sql, schema: string, query: string): Promise<number> {
  const [row] = await sql<{ leaves: number }[]>`
    select count(*)::int4 as leaves
    from pg_class as root
    cross join lateral pg_partition_tree(root.oid) as part
    where root.relnamespace = (select oid from pg_namespace where nspname = ${schema})
      and root.relkind = 'p'
      and position('"' || ${schema} || '"."' || root.relname || '"' in ${query}) > 0
      and part.isleaf`;
  return row?.leaves ?? 0;
}

/** Creates the table that `commitCanary` writes to, unless it exists. `table` is quoted. */
export async function createCanary(sql: Sql, table: string): Promise<void> {
  await sql.unsafe(`create table if not exists ${table} (at timestamptz not null)`);
}

/** Commits one row durably and returns how long it took, in milliseconds. */
export async function commitCanary(sql: Sql, table: string, now: () => number): Promise<number> {
  const started = now();
  await sql.unsafe(`insert into ${table} (at) values (now())`);
  return now() - started;
}
