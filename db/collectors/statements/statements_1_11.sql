-- As statements.sql, with stats_since (extension 1.11, Postgres 17): it shows that an entry was reset even when its
-- counters are already above the old ones. "$extension" stands for the schema of pg_stat_statements.
select
  extract(epoch from clock_timestamp())::float8 as taken_at,
  s.queryid::text as query_id,
  s.userid::text as user_id,
  s.toplevel,
  s.calls::float8 as calls,
  s.total_exec_time as total_ms,
  s.rows::float8 as rows,
  s.shared_blks_hit::float8 as blocks_hit,
  s.shared_blks_read::float8 as blocks_read,
  s.temp_blks_written::float8 as temp_blocks,
  s.wal_bytes::float8 as wal_bytes,
  extract(epoch from s.stats_since)::float8 as stats_since
from "$extension".pg_stat_statements(false) as s
where s.dbid = (select oid from pg_database where datname = current_database())
  and s.queryid is not null
order by s.total_exec_time desc
limit 1000
