import type { Sql } from "../connection.ts";
import { quoteName, type TableName } from "../partitions/ddl.ts";

/** market.ticks or market.candles_1m, as Citus has them in its catalogue. */
export interface PlacedRow extends TableName {
  /** Null for a table of this node, "" for one copied to all nodes. */
  column: string | null;
  colocation: number | null;
  triggers: string[];
  foreignKeys: string[];
}

/** A table with rows of its own, at or below one of the two. */
export interface HeapRow extends TableName {
  /** The table of the two that it belongs to. */
  root: string;
  sealed: boolean;
  /** Whether its file on this node has pages, and how many rows it has by the statistics. */
  localRows: boolean;
  estimate: number;
}

/** Reads how the two tables are placed. Needs the extension. */
export async function readPlaced(sql: Sql): Promise<PlacedRow[]> {
  return await sql<PlacedRow[]>`
    select
      n.nspname as schema,
      c.relname as "table",
      case
        when d.partkey is not null then column_to_column_name(d.logicalrelid, d.partkey)
        when d.repmodel = 't' then ''
      end as "column",
      case when d.partkey is not null or d.repmodel = 't' then d.colocationid end as colocation,
      array(
        select t.tgname
        from pg_trigger as t
        where t.tgrelid = c.oid and not t.tgisinternal
        order by t.tgname
      )::text[] as triggers,
      array(
        select k.conname
        from pg_constraint as k
        where k.contype = 'f' and c.oid in (k.conrelid, k.confrelid)
        order by k.conname
      )::text[] as "foreignKeys"
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    left join pg_catalog.pg_dist_partition as d on d.logicalrelid::oid = c.oid
    where n.nspname = 'market' and c.relname in ('ticks', 'candles_1m')`;
}

/** Reads the tables with rows of their own. Waits for an ACCESS EXCLUSIVE lock on one of them. */
export async function readHeaps(sql: Sql): Promise<HeapRow[]> {
  return await sql<HeapRow[]>`
    with recursive family as (
      select c.relname as root, c.oid
      from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
      where n.nspname = 'market' and c.relname in ('ticks', 'candles_1m')
      union all
      select f.root, i.inhrelid
      from family as f
      join pg_inherits as i on i.inhparent = f.oid
    )
    select
      f.root,
      n.nspname as schema,
      c.relname as "table",
      exists (
        select from pg_trigger as t where t.tgrelid = c.oid and t.tgname = 'holdfast_sealed'
      ) as sealed,
      pg_relation_size(c.oid) > 0 as "localRows",
      greatest(c.reltuples::float8, pg_stat_get_live_tuples(c.oid)::float8, 0) as estimate
    from family as f
    join pg_class as c on c.oid = f.oid
    join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind <> 'p'
    order by f.root, c.relname`;
}

/** Returns the tables that must stay on the coordinator and are distributed, or copied to all nodes. */
export async function readMisplaced(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select n.nspname || '.' || c.relname as name
    from pg_catalog.pg_dist_partition as d
    join pg_class as c on c.oid = d.logicalrelid::oid
    join pg_namespace as n on n.oid = c.relnamespace
    where (d.partkey is not null or d.repmodel = 't')
      and (n.nspname = 'holdfast' or n.nspname = 'market' and c.relname = 'instruments')
    order by 1`;
  return rows.map(({ name }) => name);
}

/** Counts the rows of a distributed table, in its shards. */
export async function countInShards(sql: Sql, table: TableName): Promise<number> {
  const [row] = await sql.unsafe<{ rows: number }[]>(
    `select count(*)::float8 as rows from ${quoteName(table)}`,
  );
  return row?.rows ?? 0;
}
