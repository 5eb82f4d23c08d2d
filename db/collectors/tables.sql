-- Tables by size, partitions rolled up to the topmost parent, with how far autovacuum is behind: dead and new rows
-- over the threshold of each leaf (its own options first), the worst leaf standing for the table. Statistics
-- functions instead of the view, and no size functions: nothing here waits for a lock.
with family as (
  -- The topmost parent, sought up to five levels above. Joins, not a recursion: of that the planner expects the square of
  -- what comes, and compiles (jit) for longer than the query takes.
  select
    one.inhrelid as oid,
    coalesce(five.inhparent, four.inhparent, three.inhparent, two.inhparent, one.inhparent) as root
  from pg_inherits as one
  join pg_class as p on p.oid = one.inhparent and p.relkind = 'p'
  left join pg_inherits as two on two.inhrelid = one.inhparent
  left join pg_inherits as three on three.inhrelid = two.inhparent
  left join pg_inherits as four on four.inhrelid = three.inhparent
  left join pg_inherits as five on five.inhrelid = four.inhparent
),
levels as (
  select
    current_setting('autovacuum_vacuum_threshold')::float8 as vacuum_base,
    current_setting('autovacuum_vacuum_scale_factor')::float8 as vacuum_scale,
    -- 18 caps the threshold of large tables; -1 or an older server does not.
    coalesce(nullif(current_setting('autovacuum_vacuum_max_threshold', true)::float8, -1), 'infinity')
      as vacuum_cap,
    current_setting('autovacuum_vacuum_insert_threshold')::float8 as insert_base,
    current_setting('autovacuum_vacuum_insert_scale_factor')::float8 as insert_scale,
    current_setting('autovacuum_analyze_threshold')::float8 as analyze_base,
    current_setting('autovacuum_analyze_scale_factor')::float8 as analyze_scale,
    current_setting('autovacuum_freeze_max_age')::float8 as freeze_max,
    current_setting('block_size')::float8 as block_size
),
leaves as (
  select
    coalesce(f.root, c.oid) as root,
    c.oid,
    greatest(c.reltuples, 0)::float8 as tuples,
    c.reltuples < 0 as never_analyzed,
    c.relpages,
    age(c.relfrozenxid)::float8 as xid_age,
    -- Inserts whose statistics arrive after a vacuum's are counted twice in live; see rowsOf in db/partitions/leaves.ts.
    case
      when c.reltuples < 0 then pg_stat_get_live_tuples(c.oid)
      when pg_stat_get_tuples_inserted(c.oid) - pg_stat_get_tuples_deleted(c.oid) >= 0.9 * c.reltuples
        then greatest(c.reltuples, least(
          pg_stat_get_live_tuples(c.oid),
          pg_stat_get_tuples_inserted(c.oid) - pg_stat_get_tuples_deleted(c.oid)
        ))
      else greatest(c.reltuples, pg_stat_get_live_tuples(c.oid))
    end::float8 as rows,
    pg_stat_get_dead_tuples(c.oid)::float8 as dead,
    pg_stat_get_ins_since_vacuum(c.oid)::float8 as inserted,
    pg_stat_get_mod_since_analyze(c.oid)::float8 as modified,
    pg_stat_get_numscans(c.oid)::float8 as seq_scans,
    pg_stat_get_tuples_returned(c.oid)::float8 as seq_rows,
    o.options
  from pg_class as c
  left join family as f on f.oid = c.oid
  left join lateral (
    select jsonb_object_agg(split_part(one, '=', 1), split_part(one, '=', 2)) as options
    from unnest(c.reloptions) as one
    where one like 'autovacuum%'
  ) as o on c.reloptions is not null
  where c.relkind in ('r', 'm')
    and c.relpersistence <> 't'
    and c.relnamespace <> 'pg_catalog'::regnamespace
    and c.relnamespace <> 'information_schema'::regnamespace
),
judged as (
  select
    l.*,
    coalesce(options ->> 'autovacuum_enabled', 'true') in ('true', 'on', '1', 'yes') as vacuumed,
    dead / greatest(1, least(
      coalesce((options ->> 'autovacuum_vacuum_threshold')::float8, v.vacuum_base)
        + coalesce((options ->> 'autovacuum_vacuum_scale_factor')::float8, v.vacuum_scale) * tuples,
      v.vacuum_cap
    )) as vacuum_lag,
    case when v.insert_base >= 0 then inserted / greatest(1,
      coalesce((options ->> 'autovacuum_vacuum_insert_threshold')::float8, v.insert_base)
        + coalesce((options ->> 'autovacuum_vacuum_insert_scale_factor')::float8, v.insert_scale) * tuples
    ) else 0 end as insert_lag,
    modified / greatest(1,
      coalesce((options ->> 'autovacuum_analyze_threshold')::float8, v.analyze_base)
        + coalesce((options ->> 'autovacuum_analyze_scale_factor')::float8, v.analyze_scale) * tuples
    ) as analyze_lag,
    xid_age / v.freeze_max as freeze_lag
  from leaves as l
  cross join levels as v
),
tables as (
  select
    root,
    count(*) as leaves,
    sum(relpages) * max(v.block_size) as bytes,
    sum(rows) as rows,
    sum(dead) as dead,
    sum(seq_scans) as seq_scans,
    sum(seq_rows) as seq_rows,
    max(xid_age) as xid_age,
    max(vacuum_lag) as vacuum_lag,
    max(insert_lag) as insert_lag,
    max(analyze_lag) as analyze_lag,
    max(freeze_lag) as freeze_lag,
    count(*) filter (where greatest(vacuum_lag, insert_lag) > 1) as behind,
    (array_agg(oid order by greatest(vacuum_lag, insert_lag) desc, oid))[1] as worst,
    bool_and(vacuumed) as vacuumed
  from judged
  cross join levels as v
  group by root
  order by bytes desc
  limit 200
)
select
  extract(epoch from clock_timestamp())::float8 as taken_at,
  n.nspname || '.' || c.relname as "table",
  t.leaves::float8 as leaves,
  t.bytes::float8 as heap_bytes,
  t.rows::float8 as rows_estimate,
  t.dead::float8 as dead_rows,
  t.seq_scans::float8 as seq_scans,
  t.seq_rows::float8 as seq_rows,
  t.xid_age::float8 as xid_age,
  t.vacuum_lag::float8 as vacuum_lag,
  t.insert_lag::float8 as insert_lag,
  t.analyze_lag::float8 as analyze_lag,
  t.freeze_lag::float8 as freeze_lag,
  t.behind::float8 as leaves_behind,
  (select wn.nspname || '.' || w.relname from pg_class as w
    join pg_namespace as wn on wn.oid = w.relnamespace where w.oid = t.worst) as worst_leaf,
  t.vacuumed
from tables as t
join pg_class as c on c.oid = t.root
join pg_namespace as n on n.oid = c.relnamespace
order by t.bytes desc
