-- Each node of Citus, and whether it answers: the function connects to each active one (33 ms for three nodes).
select
  n.nodename || ':' || n.nodeport as node,
  n.isactive as active,
  n.shouldhaveshards as takes_shards,
  coalesce(a.success, false) as answers
from pg_catalog.pg_dist_node as n
left join run_command_on_all_nodes('select 1') as a on a.nodeid = n.nodeid
where n.noderole = 'primary'
order by n.nodename, n.nodeport
limit 200
