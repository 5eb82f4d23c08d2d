-- What this server replays, if it is a standby. Positions are bytes of WAL. Null on a primary, and where the role may not
-- see it: pg_stat_wal_receiver and the startup process need pg_read_all_stats, primary_conninfo pg_read_all_settings.
select
  pg_is_in_recovery() as in_recovery,
  pg_wal_lsn_diff(pg_last_wal_receive_lsn(), '0/0')::float8 as received,
  pg_wal_lsn_diff(pg_last_wal_replay_lsn(), '0/0')::float8 as replayed,
  extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp())::float8 as xact_age_seconds,
  case when pg_is_in_recovery() then pg_get_wal_replay_pause_state() <> 'not paused' end as paused,
  case
    when not pg_is_in_recovery() then null
    when not exists (select from pg_stat_wal_receiver) then false
    else (select status = 'streaming' from pg_stat_wal_receiver)
  end as streaming,
  (select setting <> '' from pg_settings where name = 'primary_conninfo') as streams,
  startup.pid is not null as sees_startup,
  startup.wait_event
from (values (1)) as one
left join (
  select pid, wait_event from pg_stat_activity where backend_type = 'startup' limit 1
) as startup on true
