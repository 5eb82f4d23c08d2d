-- Checkpoints before Postgres 17, which moved them out of pg_stat_bgwriter.
select
  extract(epoch from clock_timestamp())::float8 as taken_at,
  checkpoints_timed::float8 as timed,
  checkpoints_req::float8 as requested,
  checkpoint_write_time::float8 as write_ms,
  checkpoint_sync_time::float8 as sync_ms,
  buffers_checkpoint::float8 as buffers,
  extract(epoch from stats_reset)::float8 as stats_reset
from pg_stat_bgwriter
