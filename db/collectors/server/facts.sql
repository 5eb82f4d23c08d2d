-- Only the versions that questions are chosen by, for when the collector "server" fails.
select
  current_setting('server_version_num')::float8 as version_number,
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
