-- The tables of each hypertable of TimescaleDB 2.19 or later, with the hypertable that they belong to. `part` is hypertable,
-- chunk, emptied (a chunk whose rows are compressed in another table; pg_class keeps its pages and rows of before),
-- compressed, or inside (the empty parent of compressed tables up to 2.28). Tables of the extension itself are internal, and
-- belong to 0. Reads the catalogue alone: nothing waits for a lock on a chunk.
with hypertables as materialized (
  select
    h.id,
    c.oid,
    -- Unused from 2.29 on: read from the row as JSON.
    (to_jsonb(h) ->> 'compressed_hypertable_id')::int4 as compressed_id
  from _timescaledb_catalog.hypertable as h
  join pg_namespace as n on n.nspname = h.schema_name
  join pg_class as c on c.relnamespace = n.oid and c.relname = h.table_name
),
tops as materialized (
  select h.oid
  from hypertables as h
  left join hypertables as outside on outside.compressed_id = h.id
  where outside.id is null
),
chunks as materialized (
  select i.inhrelid as oid, t.oid as root
  from pg_inherits as i
  join tops as t on t.oid = i.inhparent
),
compressed as materialized (
  select s.compress_relid::oid as oid, s.relid::oid as chunk, c.root
  from _timescaledb_catalog.compression_settings as s
  join chunks as c on c.oid = s.relid::oid
  where s.compress_relid is not null
),
members as (
  select oid, oid as root, 'hypertable' as part
  from tops
  union all
  select c.oid, c.root, case when z.oid is null then 'chunk' else 'emptied' end
  from chunks as c
  left join compressed as z on z.chunk = c.oid
  union all
  select oid, root, 'compressed'
  from compressed
  union all
  select h.oid, outside.oid, 'inside'
  from hypertables as h
  join hypertables as outside on outside.compressed_id = h.id
)
select oid, root, part
from members
union all
select c.oid, 0::oid, 'internal'
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
where n.nspname in (
    '_timescaledb_catalog',
    '_timescaledb_internal',
    '_timescaledb_config',
    '_timescaledb_cache',
    '_timescaledb_debug'
  )
  and c.relkind in ('r', 'm')
  and not exists (select from members as m where m.oid = c.oid)
