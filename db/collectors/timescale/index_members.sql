-- The indexes of hypertables, those of chunks with the index of the hypertable that they were made for. TimescaleDB keeps no
-- list of them since 2.22: they are paired by what they are over and in order of their creation. An index of a hypertable
-- that is missing on a chunk belongs to 0, and so do indexes over compressed rows: nothing is said of their use.
with owned as (
  select
    x.indexrelid as oid,
    x.indrelid,
    m.root,
    m.part,
    -- Numbers of columns differ between chunks, and so do the stored expressions, which hold them.
    concat_ws(
      '|',
      c.relam,
      x.indclass,
      x.indcollation,
      x.indoption,
      x.indnkeyatts,
      x.indisunique,
      x.indimmediate,
      x.indexprs is null,
      x.indpred is null,
      array(
        select a.attname
        from unnest(x.indkey::int2[]) with ordinality as key (attnum, place)
        left join pg_attribute as a on a.attrelid = x.indrelid and a.attnum = key.attnum and key.attnum > 0
        order by key.place
      )::text
    ) as over
  from hypertable_members as m
  join pg_index as x on x.indrelid = m.oid
  join pg_class as c on c.oid = x.indexrelid
),
placed as (
  select *, row_number() over (partition by indrelid, over order by oid) as place
  from owned
),
paired as (
  select p.oid, p.part, own.oid as own
  from placed as p
  left join placed as own
    on own.part = 'hypertable' and own.root = p.root and own.over = p.over and own.place = p.place
  where p.part in ('hypertable', 'chunk', 'emptied')
),
-- An index that each chunk with rows of its own has.
whole as (
  select own.oid
  from placed as own
  where own.part = 'hypertable'
    and (select count(*) from paired as p where p.own = own.oid and p.part = 'chunk')
      = (
        select count(*)
        from hypertable_members as m
        join pg_class as c on c.oid = m.oid
        where m.root = own.root and m.part = 'chunk' and c.relkind = 'r'
      )
)
select p.oid, coalesce(w.oid, 0::oid) as root, p.part
from paired as p
left join whole as w on w.oid = p.own
union all
select oid, 0::oid, part
from owned
where part not in ('hypertable', 'chunk', 'emptied')
