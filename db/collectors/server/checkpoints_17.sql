-- num_done (18) does not count checkpoints that were skipped because nothing had been written.
select
  extract(epoch from clock_timestamp())::float8 as taken_at,
  num_timed::float8 as timed,
  num_requested::float8 as requested,
  write_time::float8 as write_ms,
  sync_time::float8 as sync_ms,
  buffers_written::float8 as buffers,
  extract(epoch from stats_reset)::float8 as stats_reset
from pg_stat_checkpointer
