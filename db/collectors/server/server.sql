-- The version of the server, its uptime and its extensions. Questions are chosen by these versions.
select
  current_setting('server_version_num')::float8 as version_number,
  current_setting('server_version') as version,
  extract(epoch from clock_timestamp() - pg_postmaster_start_time())::float8 as uptime_seconds,
  extract(epoch from clock_timestamp())::float8 as now_seconds,
  pg_is_in_recovery() as in_recovery,
  pg_has_role(current_user, 'pg_read_all_stats', 'usage') as sees_all_sessions,
  coalesce(
    (
      select case x.extname when 'citus' then 'citus' else 'timescaledb' end
      from pg_extension as x
      where x.extname in ('citus', 'timescaledb')
      order by x.extname
      limit 1
    ),
    'postgres'
  ) as engine,
  e.version as statements_version,
  e.schema as statements_schema
from (values (1)) as one
left join (
  select x.extversion as version, n.nspname as schema
  from pg_extension as x
  join pg_namespace as n on n.oid = x.extnamespace
  where x.extname = 'pg_stat_statements'
) as e on true
