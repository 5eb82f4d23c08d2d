-- Foreign keys whose columns are not the first columns of an index: each delete or update of a referenced row scans the
-- table. Those of partitions are listed with the parent. Predicates are read as stored: pg_get_expr would wait for a lock.
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
    join pg_class as xc on xc.oid = x.indexrelid
    join pg_am as am on am.oid = xc.relam
    where x.indrelid = k.conrelid
      and x.indisvalid
      and x.indisready
      -- These methods find ranges of blocks, or use signatures.
      and am.amname not in ('brin', 'gin', 'bloom')
      and x.indnkeyatts >= cardinality(k.conkey)
      -- Each column is one of the first ones, in any order, and supports the operator of the foreign key.
      and not exists (
        select 1
        from unnest(k.conkey, k.conpfeqop) as key (attnum, operator)
        join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = key.attnum
        where not exists (
          select 1
          from generate_series(0, cardinality(k.conkey) - 1) as place
          join pg_opclass as oc on oc.oid = x.indclass[place]
          join pg_amop as op on op.amopfamily = oc.opcfamily and op.amopopr = key.operator
          where x.indkey[place] = key.attnum
            and x.indcollation[place] in (0, a.attcollation)
        )
      )
      -- A partial index is enough if its predicate is only "column is not null" of columns of the key, joined by "and".
      and (x.indpred is null or (
        x.indpred::text ~ '\{NULLTEST '
        and x.indpred::text !~ '\{(?!NULLTEST |VAR |BOOLEXPR )'
        and x.indpred::text !~ ':boolop (or|not)|:nulltesttype 0|:argisrow true'
        and (select count(*) from regexp_matches(x.indpred::text, '\{NULLTEST ', 'g'))
          = (select count(*) from regexp_matches(x.indpred::text, '\{VAR ', 'g'))
        and not exists (
          select 1
          from regexp_matches(x.indpred::text, ':varattno (-?\d+)', 'g') as found (number)
          where found.number[1]::int2 <> all (k.conkey)
        )
      ))
  )
order by rows_estimate desc
limit 200
