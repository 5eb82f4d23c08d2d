-- The versions and extensions of the server: questions are chosen by these. The collector "server" adds the rest; this is
-- asked alone when that fails.
select
  current_setting('server_version_num')::float8 as version_number,
  case
    when c.extversion is not null then 'citus'
    when t.extversion is not null then 'timescaledb'
    else 'postgres'
  end as engine,
  t.extversion as timescale_version,
  e.extversion as statements_version,
  n.nspname as statements_schema
from (values (1)) as one
left join pg_extension as c on c.extname = 'citus'
left join pg_extension as t on t.extname = 'timescaledb'
left join pg_extension as e on e.extname = 'pg_stat_statements'
left join pg_namespace as n on n.oid = e.extnamespace
