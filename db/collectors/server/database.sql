-- Counters of this database since stats_reset. Rates are worked out from their differences.
select
  extract(epoch from clock_timestamp())::float8 as taken_at,
  xact_commit::float8 as commits,
  xact_rollback::float8 as rollbacks,
  blks_hit::float8 as blocks_hit,
  blks_read::float8 as blocks_read,
  tup_inserted::float8 as rows_inserted,
  tup_updated::float8 as rows_updated,
  tup_deleted::float8 as rows_deleted,
  deadlocks::float8 as deadlocks,
  temp_files::float8 as temp_files,
  temp_bytes::float8 as temp_bytes,
  -- Of all databases, which share the storage. Null where checksums are off.
  (select sum(checksum_failures) from pg_stat_database)::float8 as checksum_failures,
  extract(epoch from stats_reset)::float8 as stats_reset
from pg_stat_database
where datname = current_database()
