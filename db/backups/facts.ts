import type { Sql } from "../connection.ts";

/** Facts of a server that backups depend on. */
export interface ServerFacts {
  system: string;
  version: number;
  database: string;
  /** Whether this role may stream a base backup. */
  replicates: boolean;
  standby: boolean;
  role: string;
  segmentBytes: number;
  /** The oldest open transaction. */
  firstXid: string;
  /** Bytes of all databases whose size the role may read; null when it may read none. */
  bytes: number | null;
}

/** Reads the facts of a server; every role may call `pg_control_system`. */
export async function readServerFacts(sql: Sql): Promise<ServerFacts> {
  const [row] = await sql`
    select
      (select system_identifier::text from pg_control_system()) as system,
      current_setting('server_version_num')::int as version,
      current_database() as database,
      coalesce((select rolreplication or rolsuper from pg_roles where rolname = current_user), false)
        as replicates,
      pg_is_in_recovery() as standby,
      current_user as role,
      pg_size_bytes(current_setting('wal_segment_size'))::int as segment_bytes,
      case when pg_is_in_recovery() then '0'
        else pg_snapshot_xmin(pg_current_snapshot())::text end as first_xid,
      (select sum(case when has_database_privilege(oid, 'connect')
          or pg_has_role('pg_read_all_stats', 'usage') then pg_database_size(oid) end)::float8
        from pg_database) as bytes`;
  return {
    system: row?.system,
    version: row?.version,
    database: row?.database,
    replicates: row?.replicates,
    standby: row?.standby,
    role: row?.role,
    segmentBytes: row?.segment_bytes,
    firstXid: row?.first_xid,
    bytes: row?.bytes,
  };
}

/** State of the server's WAL archiver and the segments that wait for it. */
export interface ArchiverFacts {
  library: string;
  /** The newest file that the server has handed over; null: none since its statistics began. */
  lastArchivedWal: string | null;
  lastFailedWal: string | null;
  failing: boolean;
  /** Age of the oldest waiting segment, in seconds; 0 when none waits. */
  waitingSeconds: number;
}

/** Reads the state of the server's WAL archiver. */
export async function readArchiver(sql: Sql): Promise<ArchiverFacts> {
  const [row] = await sql`
    select
      current_setting('archive_library', true) as library,
      last_archived_wal,
      last_failed_wal,
      coalesce(last_failed_time > coalesce(last_archived_time, '-infinity'), false) as failing,
      waits.seconds as waiting_seconds
    from pg_stat_archiver, (
      select
        coalesce(extract(epoch from clock_timestamp() - min(modification)), 0)::float8 as seconds
      from pg_ls_archive_statusdir()
      where name like '%.ready'
    ) as waits`;
  return {
    library: row?.library ?? "",
    lastArchivedWal: row?.last_archived_wal,
    lastFailedWal: row?.last_failed_wal,
    failing: row?.failing,
    waitingSeconds: row?.waiting_seconds,
  };
}
