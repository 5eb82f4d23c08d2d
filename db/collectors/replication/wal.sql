-- WAL written since stats_reset. A standby writes none of its own.
select
  extract(epoch from clock_timestamp())::float8 as taken_at,
  wal_records::float8 as records,
  wal_fpi::float8 as full_pages,
  wal_bytes::float8 as bytes,
  wal_buffers_full::float8 as buffers_full,
  extract(epoch from stats_reset)::float8 as stats_reset
from pg_stat_wal
