import type { Sql } from "../connection.ts";

/** A session that keeps a table from being read. */
export interface TableLock {
  table: string;
  /** Null: of a prepared transaction. */
  pid: number | null;
  application: string;
}

/** Returns up to three tables of this database that are locked in ACCESS EXCLUSIVE mode, the longest transaction first. */
export async function listTableLocks(sql: Sql): Promise<TableLock[]> {
  return await sql<TableLock[]>`
    select
      n.nspname || '.' || c.relname as table,
      l.pid,
      coalesce(a.application_name, '') as application
    from pg_locks as l
    join pg_class as c on c.oid = l.relation
    join pg_namespace as n on n.oid = c.relnamespace
    left join pg_stat_activity as a on a.pid = l.pid
    where l.locktype = 'relation'
      and l.database = (select oid from pg_database where datname = current_database())
      and l.mode = 'AccessExclusiveLock'
      and l.granted
      and c.relkind in ('r', 'p')
      and c.relpersistence <> 't'
    order by a.xact_start nulls first, c.oid
    limit 3`;
}
