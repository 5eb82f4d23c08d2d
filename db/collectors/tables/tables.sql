-- Tables by size, with partitions rolled up to the topmost parent, and how far autovacuum is behind: dead and inserted
-- rows divided by the threshold of each leaf and of its TOAST table (their own options first, as autovacuum reads them).
-- The worst leaf counts for the table. Statistics functions instead of the view, and no size functions: nothing here waits
-- for a lock.
with family as (
  -- The topmost parent, up to five levels above. Joins instead of a recursion: for that the planner expects the square of
  -- the rows, and compiles it (jit) for longer than the query takes.
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
    -- Since 18 the threshold of large tables has a limit; -1: none.
    coalesce(current_setting('autovacuum_vacuum_max_threshold', true)::float8, -1) as vacuum_cap,
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
    -- Inserts whose statistics arrive after those of a vacuum are counted twice in live; see rowsOf in db/partitions/leaves.ts.
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
    c.reltoastrelid,
    c.reloptions,
    own.frozen_pages
  from pg_class as c
  -- pg_class has relallfrozen since 18; on older servers the name refers to this column.
  cross join (select 0 as relallfrozen) as older
  cross join lateral (select relallfrozen as frozen_pages from (select c.*) as columns) as own
  left join family as f on f.oid = c.oid
  where c.relkind in ('r', 'm')
    and c.relpersistence <> 't'
    and c.relnamespace <> 'pg_catalog'::regnamespace
    and c.relnamespace <> 'information_schema'::regnamespace
),
-- The relations that autovacuum processes: each leaf and its TOAST table, which uses the leaf's options unless it has its own.
subjects as (
  select
    oid, false as is_toast, tuples, relpages, frozen_pages, xid_age, dead, inserted, modified, reloptions
  from leaves
  union all
  select
    l.oid,
    true,
    greatest(t.reltuples, 0),
    t.relpages,
    0,
    age(t.relfrozenxid),
    pg_stat_get_dead_tuples(t.oid),
    pg_stat_get_ins_since_vacuum(t.oid),
    0,
    coalesce(t.reloptions, l.reloptions)
  from leaves as l
  join pg_class as t on t.oid = l.reltoastrelid
),
followed as (
  select
    s.*,
    coalesce((o.options ->> 'autovacuum_enabled')::boolean, true) as vacuumed,
    coalesce((o.options ->> 'autovacuum_vacuum_threshold')::float8, v.vacuum_base)
      + coalesce((o.options ->> 'autovacuum_vacuum_scale_factor')::float8, v.vacuum_scale) * tuples as vacuum_level,
    coalesce((o.options ->> 'autovacuum_vacuum_max_threshold')::float8, v.vacuum_cap) as vacuum_cap,
    coalesce((o.options ->> 'autovacuum_vacuum_insert_threshold')::float8, v.insert_base) as insert_base,
    coalesce((o.options ->> 'autovacuum_vacuum_insert_scale_factor')::float8, v.insert_scale)
      -- Since 18, only of the pages that are not frozen.
      * tuples * (1 - coalesce(least(frozen_pages, relpages)::float8 / nullif(relpages, 0), 0)) as insert_rows,
    coalesce((o.options ->> 'autovacuum_analyze_threshold')::float8, v.analyze_base)
      + coalesce((o.options ->> 'autovacuum_analyze_scale_factor')::float8, v.analyze_scale) * tuples as analyze_level,
    least((o.options ->> 'autovacuum_freeze_max_age')::float8, v.freeze_max) as freeze_max
  from subjects as s
  cross join levels as v
  left join lateral (
    select jsonb_object_agg(split_part(one, '=', 1), split_part(one, '=', 2)) as options
    from unnest(s.reloptions) as one
    where one like 'autovacuum%'
  ) as o on s.reloptions is not null
),
-- Where autovacuum is off, the number of rows does not start it; the age of ids still does.
lags as (
  select
    oid,
    bool_and(vacuumed) filter (where not is_toast) as vacuumed,
    max(case when not vacuumed then 0
      when vacuum_cap >= 0 then dead / greatest(1, least(vacuum_level, vacuum_cap))
      else dead / greatest(1, vacuum_level)
    end) as vacuum_lag,
    max(case when vacuumed and insert_base >= 0
      then inserted / greatest(1, insert_base + insert_rows) else 0
    end) as insert_lag,
    max(case when vacuumed then modified / greatest(1, analyze_level) else 0 end) as analyze_lag,
    max(xid_age / freeze_max) as freeze_lag
  from followed
  group by oid
),
judged as (
  select l.*, lags.vacuumed, lags.vacuum_lag, lags.insert_lag, lags.analyze_lag, lags.freeze_lag
  from leaves as l
  join lags using (oid)
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
