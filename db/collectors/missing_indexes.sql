-- Foreign keys whose columns no index leads with: each delete or update of the referenced row scans the table.
-- Those of partitions are their parent's.
select
  n.nspname as schema,
  c.relname as name,
  c.relkind = 'p' as is_partitioned,
  k.conname as "constraint",
  rn.nspname || '.' || r.relname as referenced,
  array(
    select a.attname
    from unnest(k.conkey) with ordinality as key (attnum, place)
    join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = key.attnum
    order by key.place
  )::text[] as columns,
  (greatest(c.reltuples, 0))::float8 as rows_estimate
from pg_constraint as k
join pg_class as c on c.oid = k.conrelid
join pg_namespace as n on n.oid = c.relnamespace
join pg_class as r on r.oid = k.confrelid
join pg_namespace as rn on rn.oid = r.relnamespace
where k.contype = 'f'
  and k.conparentid = 0
  and not exists (
    select 1
    from pg_index as x
    where x.indrelid = k.conrelid
      and x.indisvalid
      and x.indpred is null
      -- The leading columns of the index, in any order, hold all of the key's.
      and (x.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
  )
order by rows_estimate desc
limit 200
