-- How far this server is behind, when it is a standby itself. A standby that replayed all it received is not behind.
select
  pg_is_in_recovery() as in_recovery,
  case
    when not pg_is_in_recovery() then null
    when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
    else extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8
  end as replay_delay_seconds,
  case when pg_is_in_recovery() then
    pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())::float8
  end as replay_delay_bytes,
  case when pg_is_in_recovery() then
    exists (select 1 from pg_stat_wal_receiver where status = 'streaming')
  end as receiving
