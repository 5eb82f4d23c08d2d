-- Sessions that wait for a lock, and their blockers. pg_blocking_pids blocks the lock manager, so it is called only for
-- sessions that wait. Names come from the catalogue: unlike a cast, that takes no lock on the table. Foreign text is sent
-- as bytes (db/foreign_text.ts).
with waiting as (
  select
    a.pid,
    pg_blocking_pids(a.pid) as blockers,
    extract(epoch from clock_timestamp() - w.waitstart)::float8 as waited_seconds,
    w.mode,
    w.locktype,
    w.relation,
    w.database
  from pg_stat_activity as a
  left join lateral (
    select l.waitstart, l.mode, l.locktype, l.relation, l.database
    from pg_locks as l
    where l.pid = a.pid and not l.granted
    order by l.waitstart
    limit 1
  ) as w on true
  where a.wait_event_type = 'Lock'
)
select
  a.pid,
  a.state,
  encode(substring(replace(a.query, '\', '\\')::bytea from 1 for 500), 'base64') as query,
  encode(substring(replace(a.usename::text, '\', '\\')::bytea from 1 for 500), 'base64') as "user",
  a.application_name as application,
  to_char(a.backend_start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as backend_start,
  extract(epoch from clock_timestamp() - a.xact_start)::float8 as age_seconds,
  w.waited_seconds,
  w.mode as wanted_mode,
  coalesce(n.nspname || '.' || c.relname, w.locktype) as wanted,
  coalesce(w.blockers, '{}') as blockers
from pg_stat_activity as a
left join waiting as w on w.pid = a.pid
left join pg_class as c on c.oid = w.relation and w.database = (
  select oid from pg_database where datname = current_database()
)
left join pg_namespace as n on n.oid = c.relnamespace
where w.pid is not null
  or a.pid in (select unnest(blockers) from waiting)
limit 500
