-- Commands in progress, from the progress views. The names of their counters differ by view and version.
with work as (
  select 'vacuum' as command, pid, relid, phase, datid, to_jsonb(v) as row,
    heap_blks_scanned as done, heap_blks_total as total
  from pg_stat_progress_vacuum as v
  union all
  select 'analyze', pid, relid, phase, datid, to_jsonb(a), sample_blks_scanned, sample_blks_total
  from pg_stat_progress_analyze as a
  union all
  select lower(command), pid, relid, phase, datid, to_jsonb(i),
    case when tuples_total > 0 then tuples_done else blocks_done end,
    case when tuples_total > 0 then tuples_total else blocks_total end
  from pg_stat_progress_create_index as i
  union all
  select lower(command), pid, relid, phase, datid, to_jsonb(c), heap_blks_scanned, heap_blks_total
  from pg_stat_progress_cluster as c
  union all
  select lower(command), pid, relid, type, datid, to_jsonb(c), bytes_processed, bytes_total
  from pg_stat_progress_copy as c
  union all
  select 'base backup', pid, null, phase, null, '{}'::jsonb, backup_streamed, backup_total
  from pg_stat_progress_basebackup
)
select
  w.command,
  w.pid,
  n.nspname || '.' || c.relname as "table",
  w.phase,
  w.done::float8 as done,
  nullif(w.total, 0)::float8 as total,
  (w.row ->> 'index_vacuum_count')::float8 as index_passes,
  extract(epoch from clock_timestamp() - s.xact_start)::float8 as seconds
from work as w
left join pg_class as c on c.oid = w.relid and w.datid = (
  select oid from pg_database where datname = current_database()
)
left join pg_namespace as n on n.oid = c.relnamespace
left join pg_stat_activity as s on s.pid = w.pid
order by seconds desc nulls last
limit 50
