-- Who waits for whom. pg_blocking_pids is asked only for sessions that do wait: it stops the lock manager.
with waiting as (
  select
    a.pid,
    pg_blocking_pids(a.pid) as blockers,
    extract(epoch from clock_timestamp() - w.waitstart)::float8 as waited_seconds
  from pg_stat_activity as a
  left join lateral (
    select min(l.waitstart) as waitstart from pg_locks as l where l.pid = a.pid and not l.granted
  ) as w on true
  where a.wait_event_type = 'Lock'
)
select
  a.pid,
  a.state,
  left(a.query, 500) as query,
  extract(epoch from clock_timestamp() - a.xact_start)::float8 as age_seconds,
  w.waited_seconds,
  coalesce(w.blockers, '{}') as blockers
from pg_stat_activity as a
left join waiting as w on w.pid = a.pid
where w.pid is not null
  or a.pid in (select unnest(blockers) from waiting)
limit 500
