-- Tables partitioned by range without a default partition, with the bounds and the inserts of their partitions. A bound is
-- deparsed for relation 0: it names no column, and with the relation's own oid the query would wait for a lock on it.
-- Partitions of a range are left out: their bounds end with that range.
with style as materialized (
  select set_config('datestyle', 'ISO, YMD', true) as dates, set_config('timezone', 'UTC', true) as zone
),
keyed as (
  select
    c.oid,
    n.nspname as schema,
    c.relname as name,
    a.attname as "column",
    format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null) as key_type,
    own.partitions,
    -- Bounds of so many partitions are read, those of the newest tables first.
    sum(own.partitions) over (order by c.oid desc) <= 50000 as is_read
  from pg_partitioned_table as p
  join pg_class as c on c.oid = p.partrelid
  join pg_namespace as n on n.oid = c.relnamespace
  left join pg_attribute as a
    on a.attrelid = c.oid and a.attnum > 0 and a.attnum = (string_to_array(p.partattrs::text, ' ')::int2[])[1]
  left join pg_type as t on t.oid = a.atttypid
  cross join lateral (select count(*) as partitions from pg_inherits as i where i.inhparent = c.oid) as own
  left join pg_inherits as one on one.inhrelid = c.oid
  left join pg_inherits as two on two.inhrelid = one.inhparent
  left join pg_inherits as three on three.inhrelid = two.inhparent
  where p.partstrat = 'r'
    and p.partdefid = 0
    and c.relpersistence <> 't'
    and n.nspname <> 'holdfast'
    and not exists (
      select
      from pg_partitioned_table as above
      where above.partrelid in (one.inhparent, two.inhparent, three.inhparent) and above.partstrat = 'r'
    )
  order by c.oid desc
  limit 500
),
bounded as (
  select
    k.oid as parent,
    ln.nspname || '.' || l.relname as leaf,
    pg_get_expr(l.relpartbound, 0) as bound,
    case
      when l.relkind = 'p' then (
        select coalesce(sum(
          pg_stat_get_tuples_inserted(two.inhrelid) + coalesce(pg_stat_get_tuples_inserted(three.inhrelid), 0)
        ), 0)
        from pg_inherits as two
        left join pg_inherits as three on three.inhparent = two.inhrelid
        where two.inhparent = l.oid
      )
      else pg_stat_get_tuples_inserted(l.oid)
    end as inserted
  from style
  cross join keyed as k
  join pg_inherits as i on i.inhparent = k.oid
  join pg_class as l on l.oid = i.inhrelid
  join pg_namespace as ln on ln.oid = l.relnamespace
  where style.dates is not null and style.zone is not null
    and not i.inhdetachpending
    and k.is_read
    and k.key_type in ('date', 'timestamp without time zone', 'timestamp with time zone')
),
leaves as (
  select
    parent,
    array_agg(leaf::text) as leaves,
    array_agg(bound) as bounds,
    array_agg(inserted::float8) as inserted
  from bounded
  group by parent
),
-- The tables of pg_partman, whose own table is read by a text: it need not exist. Anybody may have made a table of this
-- name: with policies of its own, reading it would run their functions.
partman as (
  select
    one.schema,
    case when one.readable
      then query_to_xml(format('select parent_table from %I.part_config limit 10000', one.schema), false, true, '')::text
    end as listed
  from (
    select
      n.nspname as schema,
      has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
        and c.oid not in (
          select relation from pg_locks where mode = 'AccessExclusiveLock' and relation is not null
        ) as readable
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    join pg_attribute as a on a.attrelid = c.oid and a.attname = 'parent_table' and not a.attisdropped
    where c.relname = 'part_config' and c.relkind = 'r' and not c.relrowsecurity and a.atttypid = 'text'::regtype
    order by c.oid
    limit 1
  ) as one
)
select
  extract(epoch from clock_timestamp())::float8 as taken_at,
  k.schema,
  k.name,
  k.schema || '.' || k.name as "table",
  k."column",
  k.key_type,
  k.partitions::float8 as partitions,
  coalesce(l.leaves, '{}') as leaves,
  coalesce(l.bounds, '{}') as bounds,
  coalesce(l.inserted, '{}') as inserted,
  pg_is_in_recovery() as in_recovery,
  m.schema as partman_schema,
  case
    when m.schema is null then false
    when m.listed is not null then position(
      '<parent_table>'
        || replace(replace(replace(k.schema || '.' || k.name, '&', '&amp;'), '<', '&lt;'), '>', '&gt;')
        || '</parent_table>'
      in m.listed
    ) > 0
  end as by_partman
from keyed as k
left join leaves as l on l.parent = k.oid
left join partman as m on true
order by k.schema, k.name
