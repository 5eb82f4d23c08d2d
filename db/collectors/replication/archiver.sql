-- Whether WAL segments reach the archive. `failing`: the last failure is later than the last success.
select
  extract(epoch from clock_timestamp())::float8 as taken_at,
  current_setting('archive_mode') <> 'off' as enabled,
  archived_count::float8 as archived,
  failed_count::float8 as failed,
  last_failed_wal,
  coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) as failing,
  extract(epoch from clock_timestamp() - last_archived_time)::float8 as last_archived_seconds,
  extract(epoch from stats_reset)::float8 as stats_reset
from pg_stat_archiver
