-- Buffer hits of all user indexes, from the statistics functions: the view joins more than is needed.
select
  coalesce(sum(pg_stat_get_blocks_hit(c.oid)), 0)::float8 as blocks_hit,
  coalesce(sum(pg_stat_get_blocks_fetched(c.oid)), 0)::float8 as blocks_fetched
from pg_class as c
where c.relkind = 'i'
  and c.relnamespace not in ('pg_catalog'::regnamespace, 'pg_toast'::regnamespace)
