-- The receivers of WAL and how far each is behind. A lag of null means that the standby has caught up and is idle. The
-- kind of a receiver is taken from what it reports, not from its name: only a standby reports how far it has replayed.
with present as (
  select case
    when pg_is_in_recovery() then pg_last_wal_receive_lsn()
    else pg_current_wal_lsn()
  end as lsn
)
select
  r.application_name,
  coalesce(host(r.client_addr), 'local') as client,
  case
    when s.slot_type = 'logical' then 'subscriber'
    when r.replay_lsn is not null then 'standby'
    when r.state in ('streaming', 'catchup') then 'archiver'
    else 'connecting'
  end as kind,
  r.state,
  r.sync_state,
  pg_wal_lsn_diff(p.lsn, r.sent_lsn)::float8 as unsent_bytes,
  pg_wal_lsn_diff(p.lsn, r.replay_lsn)::float8 as lag_bytes,
  pg_wal_lsn_diff(p.lsn, r.flush_lsn)::float8 as unflushed_bytes,
  extract(epoch from r.replay_lag)::float8 as lag_seconds
from pg_stat_replication as r
left join pg_replication_slots as s on s.active_pid = r.pid
cross join present as p
-- A role that may not see the state gets null for it.
where r.state is distinct from 'backup'
order by lag_bytes desc nulls first
limit 50
