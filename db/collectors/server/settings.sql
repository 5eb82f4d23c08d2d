-- Settings that wait for a restart, that advice needs, or that plans and their cost depend on.
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
    'idle_in_transaction_session_timeout', 'wal_level', 'archive_mode',
    'work_mem', 'maintenance_work_mem', 'hash_mem_multiplier', 'effective_cache_size', 'effective_io_concurrency',
    'random_page_cost', 'seq_page_cost', 'cpu_tuple_cost', 'cpu_index_tuple_cost', 'cpu_operator_cost',
    'default_statistics_target', 'plan_cache_mode', 'jit', 'from_collapse_limit', 'join_collapse_limit',
    'max_parallel_workers_per_gather', 'max_parallel_workers', 'synchronous_commit', 'wal_compression',
    'autovacuum_vacuum_scale_factor', 'autovacuum_naptime', 'constraint_exclusion', 'server_version'
  )
  or name like 'enable\_%'
order by name
