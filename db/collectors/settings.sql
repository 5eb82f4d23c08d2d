-- Settings that wait for a restart, and those that reload or advice needs.
select
  name,
  setting,
  unit,
  pending_restart
from pg_settings
where pending_restart
  or name in (
    'autovacuum', 'shared_buffers', 'max_wal_size', 'checkpoint_timeout', 'max_connections',
    'track_io_timing', 'fsync', 'full_page_writes', 'data_checksums', 'max_slot_wal_keep_size',
    'idle_in_transaction_session_timeout', 'wal_level', 'archive_mode'
  )
order by name
