-- Indexes with their use since the statistics' reset, those of partitions rolled up to the topmost index. Invalid
-- ones that are being built just now are left out. No size functions: nothing here waits for a lock.
with family as (
  -- The topmost parent, sought up to five levels above. Joins, not a recursion: of that the planner expects the square of
  -- what comes, and compiles (jit) for longer than the query takes.
  select
    one.inhrelid as oid,
    coalesce(five.inhparent, four.inhparent, three.inhparent, two.inhparent, one.inhparent) as root
  from pg_inherits as one
  join pg_class as p on p.oid = one.inhparent and p.relkind = 'I'
  left join pg_inherits as two on two.inhrelid = one.inhparent
  left join pg_inherits as three on three.inhrelid = two.inhparent
  left join pg_inherits as four on four.inhrelid = three.inhparent
  left join pg_inherits as five on five.inhrelid = four.inhparent
),
leaves as (
  select
    coalesce(f.root, c.oid) as root,
    c.oid,
    c.relpages,
    c.relkind,
    x.indisvalid and x.indisready and x.indislive as valid,
    pg_stat_get_numscans(c.oid) as scans
  from pg_class as c
  join pg_index as x on x.indexrelid = c.oid
  left join family as f on f.oid = c.oid
  where c.relkind in ('i', 'I')
    and c.relnamespace not in ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
),
indexes as (
  select
    root,
    count(*) filter (where relkind = 'i') as leaves,
    sum(relpages) filter (where relkind = 'i') as pages,
    sum(scans) filter (where relkind = 'i') as scans,
    count(*) filter (where not valid) as invalid_leaves,
    (array_agg(oid) filter (where not valid))[1] as invalid_oid
  from leaves
  where oid not in (
    select index_relid from pg_stat_progress_create_index where index_relid is not null
  )
  group by root
)
select
  n.nspname as schema,
  c.relname as name,
  tn.nspname || '.' || t.relname as "table",
  c.relkind = 'I' as is_partitioned,
  a.amname as method,
  i.leaves::float8 as leaves,
  (coalesce(i.pages, 0) * current_setting('block_size')::float8)::float8 as bytes,
  coalesce(i.scans, 0)::float8 as scans,
  i.invalid_leaves::float8 as invalid_leaves,
  (select vn.nspname || '.' || v.relname from pg_class as v
    join pg_namespace as vn on vn.oid = v.relnamespace where v.oid = i.invalid_oid) as invalid_name,
  x.indisunique as is_unique,
  x.indisprimary as is_primary,
  x.indisreplident or x.indisclustered as is_marked,
  exists (select 1 from pg_constraint as k where k.conindid = c.oid) as backs_constraint,
  x.indrelid::int8::float8 as table_oid,
  -- What makes two indexes equal, from the catalogue; expressions and predicates as stored, without their places
  -- in the source text.
  concat_ws(
    '|',
    a.amname,
    x.indclass,
    x.indcollation,
    x.indoption,
    regexp_replace(x.indexprs::text, ':location \d+', '', 'g'),
    regexp_replace(x.indpred::text, ':location \d+', '', 'g'),
    x.indnkeyatts
  ) as shape,
  array(select k from unnest(x.indkey::int2[]) as k)::int4[] as keys,
  x.indnkeyatts::float8 as key_count,
  array(select k from unnest(x.indclass::oid[]) as k)::text[] as classes,
  array(select k from unnest(x.indoption::int2[]) as k)::int4[] as options,
  x.indexprs is not null as has_expressions,
  x.indpred is not null as is_partial
from indexes as i
join pg_class as c on c.oid = i.root
join pg_namespace as n on n.oid = c.relnamespace
join pg_index as x on x.indexrelid = c.oid
join pg_class as t on t.oid = x.indrelid
join pg_namespace as tn on tn.oid = t.relnamespace
join pg_am as a on a.oid = c.relam
order by bytes desc
limit 2000
