import type { Sql } from "../../db/connection.ts";

/**
 * Creates what the catalogue and the views of TimescaleDB show, in the columns that they have, and its row of
 * pg_extension. Nothing of its behaviour is here: `imitateHypertable` makes chunks as it would.
 */
export async function imitateTimescale(sql: Sql, { version = "2.28.3" } = {}): Promise<void> {
  await sql.unsafe(`
    create schema _timescaledb_catalog;
    create schema _timescaledb_config;
    create schema _timescaledb_internal;
    create schema timescaledb_information;
    create table _timescaledb_catalog.hypertable (
      id serial primary key, schema_name name not null, table_name name not null,
      associated_schema_name name not null default '_timescaledb_internal',
      associated_table_prefix name not null default '_hyper', num_dimensions smallint not null default 1,
      chunk_sizing_func_schema name not null default '_timescaledb_functions',
      chunk_sizing_func_name name not null default 'calculate_chunk_interval',
      chunk_target_size bigint not null default 0, compression_state smallint not null default 0,
      compressed_hypertable_id integer, status integer not null default 0, unique (table_name, schema_name));
    create table _timescaledb_catalog.compression_settings (
      relid regclass primary key, compress_relid regclass, segmentby text[], orderby text[], orderby_desc bool[],
      orderby_nullsfirst bool[], index jsonb);
    create index compression_settings_compress_relid_idx
      on _timescaledb_catalog.compression_settings (compress_relid);
    create index twin_of_compression_settings
      on _timescaledb_catalog.compression_settings (compress_relid);
    create table _timescaledb_config.seen_jobs (
      job_id integer, application_name name, schedule_interval interval, max_runtime interval, max_retries integer,
      retry_period interval, proc_schema name, proc_name name, owner regrole, scheduled boolean,
      fixed_schedule boolean, config jsonb, next_start timestamptz, initial_start timestamptz,
      hypertable_schema name, hypertable_name name, check_schema name, check_name name);
    create table _timescaledb_config.seen_job_stats (
      hypertable_schema name, hypertable_name name, job_id integer, last_run_started_at timestamptz,
      last_successful_finish timestamptz, last_run_status text, job_status text, last_run_duration interval,
      next_start timestamptz, total_runs bigint, total_successes bigint, total_failures bigint);
    create table _timescaledb_config.seen_hypertables (
      hypertable_schema name, hypertable_name name, owner name, num_dimensions smallint, num_chunks bigint,
      compression_enabled boolean, tablespaces name[], primary_dimension name, primary_dimension_type regtype);
    create table _timescaledb_config.seen_chunks (
      hypertable_schema name, hypertable_name name, chunk_schema name, chunk_name name, primary_dimension name,
      primary_dimension_type regtype, range_start timestamptz, range_end timestamptz, range_start_integer bigint,
      range_end_integer bigint, is_compressed boolean, chunk_tablespace name, chunk_creation_time timestamptz);
    create view timescaledb_information.hypertables as select * from _timescaledb_config.seen_hypertables;
    create view timescaledb_information.chunks as select * from _timescaledb_config.seen_chunks;
    create view timescaledb_information.jobs as select * from _timescaledb_config.seen_jobs;
    create view timescaledb_information.job_stats as select * from _timescaledb_config.seen_job_stats;
    grant usage on schema _timescaledb_catalog, _timescaledb_config, _timescaledb_internal, timescaledb_information
      to public;
    grant select on all tables in schema _timescaledb_catalog, timescaledb_information to public;
    insert into pg_extension
      (oid, extname, extowner, extnamespace, extrelocatable, extversion)
      select 9999, 'timescaledb', oid, 'public'::regnamespace, false, '${version}'
      from pg_roles where rolname = current_user`).simple();
}

/** The chunks of an imitated hypertable: the day that each begins and whether its rows are compressed. */
export interface ImitatedChunk {
  day: string;
  compressed?: boolean;
}

/**
 * Makes the table `schema.table` what a hypertable over its column `ts` is in the catalogue: chunks of a day that inherit
 * from it, with its indexes, and the tables of compressed rows. Rows are to be inserted into a chunk by its name. `internal`
 * gives it the empty parent of compressed tables that it has up to 2.28.
 */
export async function imitateHypertable(
  sql: Sql,
  name: `${string}.${string}`,
  chunks: readonly ImitatedChunk[],
  { internal = true } = {},
): Promise<void> {
  const [schema = "", table = ""] = name.split(".");
  const [hypertable] = await sql<{ id: number }[]>`
    insert into _timescaledb_catalog.hypertable ${sql({ schema_name: schema, table_name: table })}
    returning id`;
  const id = hypertable?.id ?? 0;
  await sql`
    insert into _timescaledb_config.seen_hypertables ${
    sql({ hypertable_schema: schema, hypertable_name: table, num_dimensions: 1 })
  }`;
  if (internal && chunks.some(({ compressed }) => compressed)) {
    const inside = `_compressed_hypertable_${id + 100}`;
    await sql.unsafe(`
      create table _timescaledb_internal.${inside} ();
      insert into _timescaledb_catalog.hypertable (id, schema_name, table_name, num_dimensions, compression_state)
        values (${id + 100}, '_timescaledb_internal', '${inside}', 0, 2);
      update _timescaledb_catalog.hypertable
        set compressed_hypertable_id = ${id + 100}, compression_state = 1 where id = ${id}`)
      .simple();
  }
  for (const [place, { day, compressed }] of chunks.entries()) {
    await imitateChunk(sql, { id, name, chunk: `_hyper_${id}_${place + 1}_chunk`, day });
    if (compressed) await imitateCompression(sql, `_hyper_${id}_${place + 1}_chunk`, id + 100);
  }
}

async function imitateChunk(
  sql: Sql,
  { name, chunk, day }: { id: number; name: string; chunk: string; day: string },
): Promise<void> {
  await sql.unsafe(`
    create table _timescaledb_internal.${chunk} (
      constraint constraint_1 check (ts >= '${day} 00:00Z' and ts < timestamptz '${day} 00:00Z' + interval '1 day')
    ) inherits (${name});
    comment on table _timescaledb_internal.${chunk} is '${day}';
    insert into _timescaledb_config.seen_chunks
      (hypertable_schema, hypertable_name, chunk_schema, chunk_name, range_start, range_end)
      values (split_part('${name}', '.', 1), split_part('${name}', '.', 2), '_timescaledb_internal', '${chunk}',
        '${day} 00:00Z', timestamptz '${day} 00:00Z' + interval '1 day')`).simple();
  const indexes = await sql<{ name: string; definition: string }[]>`
    select c.relname as name, pg_get_indexdef(c.oid) as definition
    from pg_index as x
    join pg_class as c on c.oid = x.indexrelid
    where x.indrelid = ${name}::regclass
    order by c.oid`;
  for (const index of indexes) {
    const named = `"${`${chunk}_${index.name}`.slice(0, 63)}"`;
    await sql.unsafe(
      index.definition.replace(
        /INDEX \S+ ON (ONLY )?\S+/,
        `INDEX ${named} ON _timescaledb_internal.${chunk}`,
      ),
    );
  }
}

/** Moves the rows of a chunk elsewhere as compression does: its pages and rows of before stay in pg_class. */
async function imitateCompression(sql: Sql, chunk: string, hypertable: number): Promise<void> {
  const compressed = `compress_hyper_${hypertable}_${chunk.split("_")[3]}_chunk`;
  await sql.unsafe(`
    create table _timescaledb_internal.${compressed} (_ts_meta_count int, ts bytea, price bytea);
    create index ${compressed}_idx on _timescaledb_internal.${compressed} (_ts_meta_count);
    insert into _timescaledb_internal.${compressed} values (1000, 'x', 'x');
    analyze _timescaledb_internal.${compressed};
    update pg_class set relpages = 1000, reltuples = 50000
      where oid = '_timescaledb_internal.${chunk}'::regclass;
    insert into _timescaledb_catalog.compression_settings (relid, compress_relid)
      values ('_timescaledb_internal.${chunk}', '_timescaledb_internal.${compressed}')`).simple();
}

/** Adds a job with its last run, as the views show it. */
export async function imitateJob(
  sql: Sql,
  job: {
    id: number;
    proc: string;
    table?: string;
    status: string | null;
    failures?: number;
    scheduled?: boolean;
  },
): Promise<void> {
  const [schema = null, table = null] = job.table?.split(".") ?? [];
  await sql`
    insert into timescaledb_information.jobs
      (job_id, application_name, proc_schema, proc_name, scheduled, next_start, hypertable_schema, hypertable_name)
    values (
      ${job.id}, ${`${job.proc} [${job.id}]`}, '_timescaledb_functions', ${job.proc}, ${
    job.scheduled ?? true
  },
      '2026-01-02 00:00Z', ${schema}, ${table})`;
  if (job.status === null) return;
  await sql`
    insert into timescaledb_information.job_stats
      (job_id, last_run_started_at, last_successful_finish, last_run_status, job_status, next_start, total_runs,
        total_failures)
    values (
      ${job.id}, '2026-01-01 00:00Z', '-infinity', ${job.status}, 'Scheduled', '2026-01-02 00:00Z', 9,
      ${job.failures ?? 0})`;
}
