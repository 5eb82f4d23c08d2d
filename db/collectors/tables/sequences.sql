-- How much of each sequence is used, up to its own limit or that of the narrowest column that uses it. Reading a sequence
-- waits for a lock on it, so those that are locked exclusively are left out. Sequences that cycle within the range of
-- their columns never run out.
with domains as (
  -- The base type below up to five domains. Joins instead of a recursion, for which the planner expects far too many rows.
  select
    one.oid as domain,
    coalesce(five.typbasetype, four.typbasetype, three.typbasetype, two.typbasetype, one.typbasetype) as type,
    case
      when five.oid is not null then five.typtypmod
      when four.oid is not null then four.typtypmod
      when three.oid is not null then three.typtypmod
      when two.oid is not null then two.typtypmod
      else one.typtypmod
    end as typmod
  from pg_type as one
  left join pg_type as two on two.oid = one.typbasetype and two.typtype = 'd'
  left join pg_type as three on three.oid = two.typbasetype and three.typtype = 'd'
  left join pg_type as four on four.oid = three.typbasetype and four.typtype = 'd'
  left join pg_type as five on five.oid = four.typbasetype and five.typtype = 'd'
  where one.typtype = 'd'
),
defaults as (
  select d.refobjid as sequence, a.adrelid as relation, a.adnum as attnum, null::oid as domain, a.adbin::text as tree
  from pg_sequence as q
  join pg_depend as d on d.refclassid = 'pg_class'::regclass and d.refobjid = q.seqrelid
    and d.classid = 'pg_attrdef'::regclass
  join pg_attrdef as a on a.oid = d.objid
  union all
  select d.refobjid, null, null, t.oid, t.typdefaultbin::text
  from pg_sequence as q
  join pg_depend as d on d.refclassid = 'pg_class'::regclass and d.refobjid = q.seqrelid
    and d.classid = 'pg_type'::regclass
  join pg_type as t on t.oid = d.objid
),
-- Defaults that are the next value of a sequence, at most cast to the type of the column. Partitions share one text.
plain_trees as (
  select tree
  from (select distinct tree from defaults offset 0) as one
  where tree !~ '\{(?!FUNCEXPR |CONST |RELABELTYPE |COERCETODOMAIN |COERCEVIAIO )'
    and not exists (
      select 1
      from regexp_matches(tree, ':funcid (\d+)', 'g') as called (id)
      where called.id[1]::oid <> 'nextval(regclass)'::regprocedure
        and not exists (select 1 from pg_cast as c where c.castfunc = called.id[1]::oid)
    )
),
-- The users of each sequence: the column that owns it, columns whose default it is, and domains whose default it is.
fed as (
  select q.seqrelid as sequence, d.refobjid as relation, d.refobjsubid::int2 as attnum, null::oid as domain
  from pg_sequence as q
  join pg_depend as d on d.classid = 'pg_class'::regclass and d.objid = q.seqrelid
  where d.refclassid = 'pg_class'::regclass and d.refobjsubid > 0 and d.deptype in ('a', 'i')
  union
  select sequence, relation, attnum, domain
  from defaults
  join plain_trees using (tree)
),
typed as (
  select
    f.sequence,
    f.relation as fed_oid,
    a.attname,
    coalesce(d.type, a.atttypid) as type,
    coalesce(d.typmod, a.atttypmod) as typmod
  from fed as f
  left join pg_attribute as a on a.attrelid = f.relation and a.attnum = f.attnum and not a.attisdropped
  left join domains as d on d.domain = coalesce(f.domain, a.atttypid)
),
-- The range of integers that a type holds; a float holds larger ones, but not each of them.
held as (
  select
    t.*,
    case
      when type = 'int2'::regtype then 32767
      when type = 'int4'::regtype then 2147483647
      when type = 'int8'::regtype then 9223372036854775807
      when type = 'oid'::regtype then 4294967295
      when type = 'float4'::regtype then 16777216
      when type = 'float8'::regtype then 9007199254740992
      when type = 'numeric'::regtype and typmod >= 4
        -- Precision minus scale; since 15 the scale is signed.
        then 10::numeric ^ greatest(0, ((typmod - 4) >> 16) - ((((typmod - 4) & 2047) # 1024) - 1024)) - 1
      when type in ('varchar'::regtype, 'bpchar'::regtype) and typmod >= 4
        then 10::numeric ^ least(typmod - 4, 30) - 1
    end as most
  from typed as t
),
narrowest as (
  select distinct on (sequence)
    sequence,
    most,
    case
      when type = 'int2'::regtype then -32768
      when type = 'int4'::regtype then -2147483648
      when type = 'int8'::regtype then -9223372036854775808
      when type = 'oid'::regtype then 0
      when type in ('varchar'::regtype, 'bpchar'::regtype) then -(10::numeric ^ least(typmod - 5, 30) - 1)
      else -most
    end as least,
    fed_oid,
    attname
  from held
  where most is not null
  order by sequence, most
),
bounds as (
  select
    n.nspname || '.' || c.relname as sequence,
    (select fn.nspname || '.' || fc.relname || '.' || f.attname
      from pg_class as fc join pg_namespace as fn on fn.oid = fc.relnamespace
      where fc.oid = f.fed_oid and f.attname is not null) as "column",
    s.seqincrement::numeric as step,
    s.seqstart::numeric as start,
    s.seqmin::numeric as seqmin,
    s.seqmax::numeric as seqmax,
    case when s.seqincrement > 0
      then least(s.seqmax, f.most)
      else greatest(s.seqmin, f.least)
    end as last_possible,
    case when readable.yes then pg_sequence_last_value(s.seqrelid) end::numeric as last_value,
    readable.yes as readable
  from pg_sequence as s
  join pg_class as c on c.oid = s.seqrelid
  join pg_namespace as n on n.oid = c.relnamespace
  left join narrowest as f on f.sequence = s.seqrelid
  cross join lateral (
    select has_sequence_privilege(s.seqrelid, 'select, usage')
      -- On a standby it has no rows.
      and not (c.relpersistence = 'u' and pg_is_in_recovery()) as yes
  ) as readable
  where c.relpersistence <> 't'
    and not (s.seqcycle and s.seqmax <= coalesce(f.most, s.seqmax) and s.seqmin >= coalesce(f.least, s.seqmin))
    and s.seqrelid not in (
      select relation from pg_locks where mode = 'AccessExclusiveLock' and relation is not null
    )
),
-- Descending sequences are negated, so that one formula suits both.
upward as (
  select
    b.*,
    case when step > 0 then start else -start end as first,
    case when step > 0 then seqmin else -seqmax end as lowest,
    case when step > 0 then last_possible else -last_possible end as highest,
    case when step > 0 then last_value else -last_value end as present
  from bounds as b
)
select
  extract(epoch from clock_timestamp())::float8 as taken_at,
  sequence,
  "column",
  readable,
  last_value::float8 as last_value,
  last_possible::float8 as limit_value,
  case
    when coalesce(present + abs(step), first) > highest then 1
    when present is null then 0
    -- Counted from the start value, or from the minimum if the sequence was set to a lower value.
    when present >= first then (present - first) / (highest - first)
    else (present - lowest) / nullif(highest - lowest, 0)
  end::float8 as used_ratio
from upward
order by used_ratio desc nulls last
limit 100
