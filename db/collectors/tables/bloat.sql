-- An estimate of the space that a rewrite would free: the pages of a relation less the pages that its rows need, by the
-- planner's statistics of widths. Small relations and those never analyzed are left out. Partitions are rolled up.
with family as (
  -- The topmost parent, up to five levels above. Joins instead of a recursion: for that the planner expects the square of
  -- the rows, and compiles it (jit) for longer than the query takes.
  select
    one.inhrelid as oid,
    coalesce(five.inhparent, four.inhparent, three.inhparent, two.inhparent, one.inhparent) as root
  from pg_inherits as one
  join pg_class as p on p.oid = one.inhparent and p.relkind in ('p', 'I')
  left join pg_inherits as two on two.inhrelid = one.inhparent
  left join pg_inherits as three on three.inhrelid = two.inhparent
  left join pg_inherits as four on four.inhrelid = three.inhparent
  left join pg_inherits as five on five.inhrelid = four.inhparent
),
space as (
  select current_setting('block_size')::float8 as block_size
),
-- Only large relations: an estimate of a few pages is noise.
tables as (
  select c.oid, c.relname, n.nspname, c.reltuples, c.relpages, c.relnatts, coalesce((
    select split_part(one, '=', 2)::float8 / 100
    from unnest(c.reloptions) as one
    where one like 'fillfactor=%'
  ), 1) as fill
  from pg_class as c
  join pg_namespace as n on n.oid = c.relnamespace
  where c.relkind = 'r'
    and c.relpages >= 128
    and c.reltuples >= 0
    and c.relpersistence <> 't'
    and c.relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
),
widths as (
  select
    t.oid,
    s.attname,
    (1 - s.null_frac) * s.avg_width as width,
    s.null_frac > 0 as nullable
  from tables as t
  join pg_stats as s on s.schemaname = t.nspname and s.tablename = t.relname and not s.inherited
),
heaps as (
  select
    t.oid,
    'table' as kind,
    t.relpages,
    -- 24 bytes of header, aligned, and 4 of line pointer; the null bitmap is left out.
    ceil(t.reltuples * (28 + w.width + case when w.nullable then 8 else 0 end + 4)
      / ((s.block_size - 24) * t.fill)) as needed
  from tables as t
  cross join space as s
  join (
    select oid, sum(width) as width, bool_or(nullable) as nullable, count(*) as columns
    from widths
    group by oid
  ) as w on w.oid = t.oid
),
indexes as (
  select
    c.oid,
    'index' as kind,
    c.relpages,
    -- 8 bytes of header and 4 of line pointer per key, in pages filled to 90 %.
    1 + ceil(c.reltuples * (12 + w.width + 4) / ((s.block_size - 40) * 0.9)) as needed
  from pg_index as x
  join pg_class as c on c.oid = x.indexrelid
  join pg_am as a on a.oid = c.relam and a.amname = 'btree'
  cross join space as s
  cross join lateral (
    select sum(w.width) as width, count(*) as columns
    from unnest(x.indkey::int2[]) as key (attnum)
    join pg_attribute as t on t.attrelid = x.indrelid and t.attnum = key.attnum
    join widths as w on w.oid = x.indrelid and w.attname = t.attname
  ) as w
  where x.indexprs is null
    and w.columns = x.indnatts
    and c.relpages >= 128
    and c.reltuples >= 0
),
together as (
  select
    coalesce(f.root, r.oid) as root,
    r.kind,
    sum(r.relpages) as pages,
    sum(greatest(0, r.relpages - r.needed)) as waste
  from (select * from heaps union all select * from indexes) as r
  left join family as f on f.oid = r.oid
  group by 1, 2
)
select
  n.nspname || '.' || c.relname as name,
  t.kind,
  (t.pages * s.block_size)::float8 as bytes,
  (t.waste * s.block_size)::float8 as bloat_bytes,
  (t.waste / greatest(1, t.pages))::float8 as bloat_ratio
from together as t
cross join space as s
join pg_class as c on c.oid = t.root
join pg_namespace as n on n.oid = c.relnamespace
order by bloat_bytes desc
limit 100
