-- The oldest ids of the whole cluster: wraparound stops writes for every database at once. pg_current_xact_id()
-- would burn an id at each look; the snapshot's xmax names the next one for nothing.
select
  extract(epoch from clock_timestamp())::float8 as taken_at,
  max(age(datfrozenxid))::float8 as xid_age,
  max(mxid_age(datminmxid))::float8 as multixact_age,
  encode(substring(replace((array_agg(datname::text order by age(datfrozenxid) desc))[1], '\', '\\')::bytea from 1 for 500), 'base64') as oldest_database,
  pg_snapshot_xmax(pg_current_snapshot())::text::float8 as next_xid,
  -- Moves when vacuum advances the horizon: an age that fell is then no counter that was reset.
  min(datminmxid::text::int8)::float8 as oldest_multixact
from pg_database
