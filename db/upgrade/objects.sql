with own as (
  select oid, nspname
  from pg_namespace
  where nspname !~ '^pg_' and nspname not in ('information_schema', 'holdfast_upgrade')
), members as (
  select classid, objid from pg_depend where deptype = 'e'
), relations as (
  select c.*, n.nspname
  from pg_class as c
  join own as n on n.oid = c.relnamespace
  where (('pg_class'::regclass, c.oid) not in (select classid, objid from members))
)
select format('schema %I of %I', nspname, pg_get_userbyid(s.nspowner)) as object
from own as n
join pg_namespace as s using (oid, nspname)
where nspname <> 'public'
union all
select format('relation %s %I.%I of %I', relkind, nspname, relname, pg_get_userbyid(relowner))
from relations
union all
select format(
  'column %I.%I.%I %s %s %s %s default %s', r.nspname, r.relname, a.attname,
  format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated, a.atthasdef)
from relations as r
join pg_attribute as a on a.attrelid = r.oid
where a.attnum > 0 and not a.attisdropped and r.relkind in ('r', 'p', 'v', 'm', 'f', 'c')
union all
select format('partition %I.%I of %s', r.nspname, r.relname, i.inhparent::regclass)
from relations as r
join pg_inherits as i on i.inhrelid = r.oid
union all
select format(
  'constraint %I on %I.%I %s %s', k.conname, r.nspname, r.relname, k.contype, k.convalidated)
from relations as r
join pg_constraint as k on k.conrelid = r.oid
where k.contype <> 'n'
union all
select format('index %I.%I on %s %s', r.nspname, r.relname, x.indrelid::regclass, x.indisvalid)
from relations as r
join pg_index as x on x.indexrelid = r.oid
union all
select format('trigger %I on %I.%I %s', t.tgname, r.nspname, r.relname, t.tgenabled)
from relations as r
join pg_trigger as t on t.tgrelid = r.oid
where not t.tgisinternal
union all
select format('policy %I on %I.%I', p.polname, r.nspname, r.relname)
from relations as r
join pg_policy as p on p.polrelid = r.oid
union all
select format(
  'function %I.%I(%s) of %I', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid),
  pg_get_userbyid(p.proowner))
from pg_proc as p
join own as n on n.oid = p.pronamespace
where ('pg_proc'::regclass, p.oid) not in (select classid, objid from members)
union all
select format('type %I.%I', n.nspname, t.typname)
from pg_type as t
join own as n on n.oid = t.typnamespace
where t.typtype in ('d', 'e', 'r', 'm')
  and ('pg_type'::regclass, t.oid) not in (select classid, objid from members)
union all
select format('statistics %I.%I', n.nspname, e.stxname)
from pg_statistic_ext as e
join own as n on n.oid = e.stxnamespace
union all
select format('extension %I', extname) from pg_extension
union all
select format('publication %I', pubname) from pg_publication
union all
select format('event trigger %I', evtname) from pg_event_trigger
order by 1
