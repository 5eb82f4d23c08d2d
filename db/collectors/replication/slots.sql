-- Replication slots and the WAL that each keeps. inactive_since and invalidation_reason exist since 17: they are read
-- from the row as JSON, so that an older server returns null.
select
  s.slot_name as slot,
  s.slot_type as type,
  s.active,
  s.wal_status,
  pg_wal_lsn_diff(
    case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end,
    s.restart_lsn
  )::float8 as retained_bytes,
  -- Null without max_slot_wal_keep_size: such a slot keeps WAL without limit, and may fill the disk.
  s.safe_wal_size::float8 as safe_bytes,
  extract(epoch from clock_timestamp() - (to_jsonb(s) ->> 'inactive_since')::timestamptz)::float8
    as inactive_seconds,
  to_jsonb(s) ->> 'invalidation_reason' as invalidation_reason
from pg_replication_slots as s
where not s.temporary
order by retained_bytes desc nulls last
limit 50
