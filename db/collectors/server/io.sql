-- Reads and writes by kind of backend (16+). 18 counts bytes; before that, each operation has op_bytes.
with operations as (
  select backend_type, object, context, to_jsonb(i) as counted
  from pg_stat_io as i
)
select
  extract(epoch from statement_timestamp())::float8 as taken_at,
  case
    when backend_type in ('client backend', 'autovacuum worker', 'checkpointer', 'background writer')
      then replace(backend_type, ' ', '_')
    else 'other'
  end as backend,
  object,
  coalesce(sum((counted ->> 'reads')::float8), 0) as reads,
  coalesce(sum(coalesce(
    (counted ->> 'read_bytes')::float8,
    (counted ->> 'reads')::float8 * (counted ->> 'op_bytes')::float8
  )), 0) as read_bytes,
  coalesce(sum((counted ->> 'read_time')::float8), 0) as read_ms,
  coalesce(sum((counted ->> 'writes')::float8), 0) as writes,
  coalesce(sum(coalesce(
    (counted ->> 'write_bytes')::float8,
    (counted ->> 'writes')::float8 * (counted ->> 'op_bytes')::float8
  )), 0) as write_bytes,
  coalesce(sum((counted ->> 'write_time')::float8), 0) as write_ms,
  coalesce(sum((counted ->> 'fsyncs')::float8), 0) as fsyncs,
  coalesce(sum((counted ->> 'evictions')::float8), 0) as evictions,
  max(extract(epoch from (counted ->> 'stats_reset')::timestamptz))::float8 as stats_reset
from operations
group by 2, 3
order by 2, 3
