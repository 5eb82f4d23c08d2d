-- Indexes with their use since the reset of the statistics, those of partitions rolled up to the topmost index. Builds in
-- progress are left out. No size functions: nothing here waits for a lock.
with family as (
  -- The topmost parent, up to five levels above. Joins instead of a recursion: for that the planner expects the square of
  -- the rows, and compiles it (jit) for longer than the query takes.
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
-- What needs an index: its own constraint, and the foreign keys that refer to its columns.
backed as (
  select
    conindid,
    bool_or(contype <> 'f') as by_constraint,
    bool_or(contype = 'f') as by_foreign_key
  from pg_constraint
  where conindid <> 0
  group by conindid
),
-- Columns of foreign keys: an index that begins with one serves the checks of deletes from the referenced table.
referring as (
  select distinct k.conrelid, key.attnum
  from pg_constraint as k
  cross join unnest(k.conkey) as key (attnum)
  where k.contype = 'f'
),
members as (
  select
    coalesce(f.root, c.oid) as root,
    c.oid,
    c.relpages,
    c.relkind,
    x.indisvalid and x.indisready and x.indislive as valid,
    pg_stat_get_numscans(c.oid) as scans,
    x.indisprimary or x.indisexclusion or coalesce(b.by_constraint, false) as by_constraint,
    coalesce(b.by_foreign_key, false) as by_foreign_key,
    x.indisreplident as by_replica_identity,
    x.indisclustered as by_cluster,
    r.attnum is not null as serves_foreign_key,
    exists (
      select 1 from pg_depend as d
      where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    ) as by_extension,
    -- Without the numbers of columns, which differ between partitions.
    concat_ws('|', c.relam, x.indclass, x.indcollation, x.indoption, x.indnkeyatts, x.indisunique, x.indimmediate)
      as traits
  from pg_class as c
  join pg_index as x on x.indexrelid = c.oid
  left join family as f on f.oid = c.oid
  left join backed as b on b.conindid = c.oid
  left join referring as r on r.conrelid = x.indrelid and r.attnum = x.indkey[0]
  where c.relkind in ('i', 'I')
    and c.relpersistence <> 't'
    and c.relnamespace not in ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
),
indexes as (
  select
    root,
    count(*) filter (where relkind = 'i') as leaves,
    sum(relpages) filter (where relkind = 'i') as pages,
    sum(scans) filter (where relkind = 'i') as scans,
    count(*) filter (where not valid) as invalid_leaves,
    (array_agg(oid) filter (where not valid))[1] as invalid_oid,
    bool_or(by_constraint) as by_constraint,
    bool_or(by_foreign_key) as by_foreign_key,
    bool_or(by_replica_identity) as by_replica_identity,
    bool_or(by_cluster) as by_cluster,
    bool_or(by_extension) as by_extension,
    bool_or(serves_foreign_key) as serves_foreign_key,
    min(traits) <> max(traits) as is_mixed
  from members
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
  x.indimmediate as is_immediate,
  -- Exists since 15: read from the row as JSON, so that an older server returns null.
  coalesce((to_jsonb(x) ->> 'indnullsnotdistinct')::boolean, false) as nulls_not_distinct,
  i.by_constraint,
  i.by_foreign_key,
  i.by_replica_identity,
  i.by_cluster,
  i.by_extension,
  i.serves_foreign_key,
  i.is_mixed,
  x.indexrelid::int8::float8 as index_oid,
  x.indrelid::int8::float8 as table_oid,
  array(select k from unnest(x.indkey::int2[]) as k)::int4[] as keys,
  x.indnkeyatts::float8 as key_count,
  array(select k from unnest(x.indclass::oid[]) as k)::text[] as classes,
  array(select k from unnest(x.indcollation::oid[]) as k)::text[] as collations,
  array(select k from unnest(x.indoption::int2[]) as k)::int4[] as options,
  -- Options of the operator classes, and the statistics target of expressions.
  array(
    select concat_ws('|', at.attoptions::text, nullif(at.attstattarget, -1))
    from pg_attribute as at
    where at.attrelid = c.oid and at.attnum > 0
    order by at.attnum
  )::text[] as column_options,
  -- Options of storage do not make indexes different.
  array(
    select option from unnest(c.reloptions) as option
    where split_part(option, '=', 1) not in (
      'fillfactor', 'deduplicate_items', 'fastupdate', 'gin_pending_list_limit', 'buffering', 'autosummarize'
    )
    order by option
  )::text[] as method_options,
  -- Expressions and predicates as stored, without their positions in the source text.
  md5(regexp_replace(x.indexprs::text, ':location -?\d+', '', 'g')) as expressions,
  md5(regexp_replace(x.indpred::text, ':location -?\d+', '', 'g')) as predicate
from indexes as i
join pg_class as c on c.oid = i.root
join pg_namespace as n on n.oid = c.relnamespace
join pg_index as x on x.indexrelid = c.oid
join pg_class as t on t.oid = x.indrelid
join pg_namespace as tn on tn.oid = t.relnamespace
join pg_am as a on a.oid = c.relam
order by bytes desc
limit 2000
