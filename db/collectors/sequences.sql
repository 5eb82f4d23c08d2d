-- How much of each sequence is used: up to its own limit, or to that of the column it feeds when that is nearer.
-- Reading one waits for a lock on it, so those held exclusively are left out; cycling ones never run out.
with fed as (
  select
    d.objid as sequence,
    min(case a.atttypid
      when 'int2'::regtype then 32767
      when 'int4'::regtype then 2147483647
      else 9223372036854775807
    end) as column_max
  from pg_sequence as q
  join pg_depend as d on d.objid = q.seqrelid
  join pg_attribute as a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
  where d.classid = 'pg_class'::regclass
    and d.refclassid = 'pg_class'::regclass
    and d.deptype in ('a', 'i')
  group by d.objid
),
read as (
  select
    n.nspname || '.' || c.relname as sequence,
    s.seqincrement,
    least(s.seqmax, f.column_max) as last_possible,
    s.seqmin,
    s.seqmax,
    s.seqstart,
    case when has_sequence_privilege(s.seqrelid, 'select, usage')
      then pg_sequence_last_value(s.seqrelid) end as last_value,
    has_sequence_privilege(s.seqrelid, 'select, usage') as readable
  from pg_sequence as s
  join pg_class as c on c.oid = s.seqrelid
  join pg_namespace as n on n.oid = c.relnamespace
  left join fed as f on f.sequence = s.seqrelid
  where not s.seqcycle
    and c.relpersistence <> 't'
    and s.seqrelid not in (
      select relation from pg_locks where mode = 'AccessExclusiveLock' and relation is not null
    )
)
select
  extract(epoch from clock_timestamp())::float8 as taken_at,
  sequence,
  readable,
  last_value::float8 as last_value,
  (case when seqincrement > 0 then last_possible else seqmin end)::float8 as limit_value,
  -- In the sequence's own steps: how many values are gone, and how many were there.
  (case when seqincrement > 0
    then (coalesce(last_value, seqstart)::numeric - seqstart) / nullif(last_possible::numeric - seqstart, 0)
    else (seqstart - coalesce(last_value, seqstart)::numeric) / nullif(seqstart - seqmin::numeric, 0)
  end)::float8 as used_ratio
from read
order by used_ratio desc nulls last
limit 100
