-- The oldest ids of the cluster: a wraparound stops writes in all databases. pg_current_xact_id() would use an id at each
-- reading, so the next id is taken from the xmax of the snapshot.
select
  extract(epoch from clock_timestamp())::float8 as taken_at,
  max(age(datfrozenxid))::float8 as xid_age,
  max(mxid_age(datminmxid))::float8 as multixact_age,
  encode(substring(replace((array_agg(datname::text order by age(datfrozenxid) desc))[1], '\', '\\')::bytea from 1 for 500), 'base64') as oldest_database,
  pg_snapshot_xmax(pg_current_snapshot())::text::float8 as next_xid,
  -- Changes when vacuum advances the horizon: then a lower age does not mean a reset.
  min(datminmxid::text::int8)::float8 as oldest_multixact
from pg_database
