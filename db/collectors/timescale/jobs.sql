-- The jobs of TimescaleDB, such as policies, with their last run. The views show everybody all jobs. While a job runs, the
-- status of its last run is null.
select
  extract(epoch from clock_timestamp())::float8 as taken_at,
  j.job_id::float8 as job_id,
  j.proc_schema || '.' || j.proc_name as proc,
  j.proc_name || ' [' || j.job_id || ']' as job,
  j.hypertable_schema || '.' || j.hypertable_name as "table",
  j.scheduled,
  s.last_run_status,
  extract(epoch from nullif(s.last_run_started_at, '-infinity'))::float8 as last_started_at,
  extract(epoch from nullif(s.last_successful_finish, '-infinity'))::float8 as last_succeeded_at,
  extract(epoch from nullif(j.next_start, '-infinity'))::float8 as next_start_at,
  coalesce(s.total_runs, 0)::float8 as runs,
  coalesce(s.total_failures, 0)::float8 as failures
from timescaledb_information.jobs as j
-- A row for each session that has the job's name.
left join lateral (
  select *
  from timescaledb_information.job_stats as one
  where one.job_id = j.job_id
  limit 1
) as s on true
order by (s.last_run_status = 'Failed') desc nulls last, j.job_id
limit 500
