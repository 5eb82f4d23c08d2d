import type { Sql } from "../../db/connection.ts";

/** What an imitated Citus has, besides the tables of the database. */
export interface Imitated {
  /** The group of this node: 0 for the coordinator. */
  group: number;
  nodes: readonly {
    id: number;
    group: number;
    port: number;
    active?: boolean;
    /** Whether it answers to run_command_on_all_nodes. */
    answers?: boolean;
    shouldHaveShards?: boolean;
  }[];
}

/** Tables with the columns that Citus 13 has, and what its functions and views would return. */
const catalogue = `
  set allow_system_table_mods = on;
  insert into pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
  select 99999, 'citus', 10, oid, false, '13.2-1' from pg_namespace where nspname = 'pg_catalog';
  create table pg_catalog.pg_dist_local_group (groupid int primary key);
  create type pg_catalog.noderole as enum ('primary', 'secondary', 'unavailable');
  create table pg_catalog.pg_dist_node (
    nodeid int primary key,
    groupid int not null,
    nodename text not null,
    nodeport int not null default 5432,
    noderack text not null default 'default',
    hasmetadata bool not null default false,
    isactive bool not null default true,
    noderole noderole not null default 'primary',
    nodecluster name not null default 'default',
    metadatasynced bool not null default false,
    shouldhaveshards bool not null default true
  );
  create table pg_catalog.pg_dist_partition (
    logicalrelid regclass primary key,
    partmethod "char" not null,
    partkey text,
    colocationid int not null default 0,
    repmodel "char" not null default 'c',
    autoconverted bool not null default false
  );
  create table pg_catalog.pg_dist_shard (
    logicalrelid regclass not null,
    shardid bigint primary key,
    shardstorage "char" not null default 't',
    shardminvalue text,
    shardmaxvalue text
  );
  create table pg_catalog.pg_dist_placement (
    placementid bigint primary key,
    shardid bigint not null,
    shardstate int not null default 1,
    shardlength bigint not null default 0,
    groupid int not null
  );
  -- What the workers would answer: it is no table of Citus.
  create table public.imitated_answers (nodeid int, success bool, estimates text);
  create table public.imitated_sizes (shardid bigint primary key, size bigint);
  create function pg_catalog.run_command_on_all_nodes(
    command text,
    parallel bool default true,
    give_warning_for_connection_errors bool default false,
    out nodeid int,
    out success bool,
    out result text
  ) returns setof record language sql as $body$
    select nodeid, success, case when command = 'select 1' then '1' else estimates end
    from public.imitated_answers
  $body$;
  create function pg_catalog.column_to_column_name(table_name regclass, column_var_text text)
  returns text language sql as 'select column_var_text';
  create view pg_catalog.citus_shards as
  select
    s.logicalrelid as table_name,
    s.shardid,
    s.logicalrelid::text || '_' || s.shardid as shard_name,
    'distributed'::text as citus_table_type,
    d.colocationid as colocation_id,
    n.nodename,
    n.nodeport,
    z.size as shard_size
  from pg_catalog.pg_dist_shard as s
  join pg_catalog.pg_dist_placement as p on p.shardid = s.shardid
  join pg_catalog.pg_dist_node as n on n.groupid = p.groupid
  join pg_catalog.pg_dist_partition as d on d.logicalrelid = s.logicalrelid
  left join public.imitated_sizes as z on z.shardid = s.shardid;
  create table public.imitated_waits (
    waiting_gpid bigint,
    blocking_gpid bigint,
    blocked_statement text,
    current_statement_in_blocking_process text,
    waiting_nodeid int,
    blocking_nodeid int
  );
  create view pg_catalog.citus_lock_waits as select * from public.imitated_waits;
  grant select on all tables in schema public to public;
  grant select on
    pg_catalog.pg_dist_local_group, pg_catalog.pg_dist_node, pg_catalog.pg_dist_partition,
    pg_catalog.pg_dist_shard, pg_catalog.pg_dist_placement, pg_catalog.citus_shards,
    pg_catalog.citus_lock_waits to public`;

/** Makes a database look like a node of Citus 13 to whoever reads its catalogue. The session must be a superuser's. */
export async function imitateCitus(sql: Sql, { group, nodes }: Imitated): Promise<void> {
  await sql.unsafe(catalogue).simple();
  await sql`insert into pg_catalog.pg_dist_local_group values (${group})`;
  for (const node of nodes) {
    await sql`
      insert into pg_catalog.pg_dist_node (nodeid, groupid, nodename, nodeport, isactive, shouldhaveshards)
      values (
        ${node.id}, ${node.group}, 'localhost', ${node.port}, ${node.active ?? true},
        ${node.shouldHaveShards ?? true}
      )`;
    if (node.active === false) continue;
    await sql`insert into public.imitated_answers values (${node.id}, ${
      node.answers ?? true
    }, null)`;
  }
}
