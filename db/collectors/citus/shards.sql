-- Distributed tables by node, those with partitions as one. A sum of which a part is unknown is null: citus_shards gives no
-- size, and the function no estimate, of a shard whose node does not answer or whose schema this role may not use.
with estimates as (
  select a.nodeid, e.key as shard, nullif(e.value::float8, -1) as rows
  from run_command_on_all_nodes($command$
    select coalesce(json_object_agg(substring(relname from '_(\d+)$'), reltuples), '{}')
    from pg_class
    where relkind = 'r' and relname ~ '_\d+$'
  $command$) as a
  cross join lateral json_each_text(case when a.success then a.result::json end) as e
)
select
  t.nspname || '.' || t.relname as "table",
  n.nodename || ':' || n.nodeport as node,
  count(*)::float8 as shards,
  case when count(*) = count(s.shard_size) then sum(s.shard_size)::float8 end as bytes,
  case when count(*) = count(e.rows) then sum(e.rows) end as rows_estimate
from pg_catalog.citus_shards as s
join pg_catalog.pg_dist_node as n on n.nodename = s.nodename and n.nodeport = s.nodeport
join lateral (
  select ns.nspname, c.relname
  from pg_class as c
  join pg_namespace as ns on ns.oid = c.relnamespace
  where c.oid = coalesce(pg_partition_root(s.table_name), s.table_name)::oid
) as t on true
left join estimates as e on e.nodeid = n.nodeid and e.shard = s.shardid::text
where s.citus_table_type = 'distributed'
group by 1, 2
order by 1, 2
limit 2000
