-- What prevents the removal of dead rows: the twenty oldest snapshots, and the longest open holder of each kind, which
-- others must not push out. Names of users, databases and prepared transactions may be in any encoding: they are sent as
-- bytes (db/foreign_text.ts).
with holders as (
  select
    'session' as kind,
    pid::text as name,
    age(backend_xmin) as xids,
    extract(epoch from clock_timestamp() - xact_start)::float8 as seconds,
    coalesce(usename, '') || '/' || coalesce(application_name, '') as owner
  from pg_stat_activity
  where backend_xmin is not null and pid <> pg_backend_pid()
    and backend_type not in ('walsender', 'autovacuum worker')
  union all
  select 'standby', application_name, age(backend_xmin), null, coalesce(client_addr::text, 'local')
  from pg_stat_replication
  where backend_xmin is not null
  union all
  select
    'slot',
    slot_name,
    greatest(age(xmin), age(catalog_xmin)),
    null,
    coalesce(plugin, 'physical')
  from pg_replication_slots
  where xmin is not null or catalog_xmin is not null
  union all
  select
    'prepared transaction',
    gid,
    age(transaction),
    extract(epoch from clock_timestamp() - prepared)::float8,
    owner || '/' || database
  from pg_prepared_xacts
),
ranked as (
  select
    *,
    row_number() over (order by xids desc) as place,
    row_number() over (partition by kind order by seconds desc nulls last) as place_of_kind
  from holders
)
select
  kind,
  encode(substring(replace(name, '\', '\\')::bytea from 1 for 500), 'base64') as name,
  encode(substring(replace(owner, '\', '\\')::bytea from 1 for 500), 'base64') as owner,
  xids::float8 as xids,
  seconds
from ranked
where place <= 20 or place_of_kind = 1
order by xids desc
