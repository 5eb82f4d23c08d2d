import type { Sql } from "../connection.ts";

/** Where a server is in the WAL, and in the WAL of which cluster. */
export interface WalPosition {
  /** Whether it is a standby. */
  inRecovery: boolean;
  /**
   * The end of the last record, in bytes from the beginning of WAL: of those that a standby has replayed, or that a primary
   * has inserted. Undefined on a standby that has replayed none.
   */
  end: bigint | undefined;
  /** The system identifier of the cluster. */
  system: string;
  /** The OID of the database, which is the same on all servers of a cluster. */
  database: string;
  /** The timeline that a primary writes; on a standby, the newest one that it is known to have followed. */
  timeline: number;
}

const shortHeader = 24n;
const longHeader = 40n;

/**
 * Returns the end of the last record before an insert position; in bytes. At the start of a page, the server gives the
 * position behind the page's header, where the next record will begin, and a standby that has replayed everything is
 * before that header. Pure.
 */
export function lastRecordEnd(inserted: bigint, blockSize: bigint, segmentSize: bigint): bigint {
  if (inserted % segmentSize === longHeader) return inserted - longHeader;
  return inserted % blockSize === shortHeader ? inserted - shortHeader : inserted;
}

/**
 * Reads the position of the server that answers. It needs no rights beyond those of PUBLIC; a role that may read all
 * statistics (`pg_read_all_stats`) learns of a standby's new timeline at once, others at its next restartpoint. What is
 * committed and visible on a primary before the call is before its position. What a standby shows in a later statement
 * includes all that is before its own.
 */
export async function readWalPosition(sql: Sql): Promise<WalPosition> {
  const [row] = await sql<{
    in_recovery: boolean;
    wal_end: string | null;
    block_size: string;
    segment_size: string;
    system: string;
    database: string;
    timeline: number;
  }[]>`
    select
      server.in_recovery,
      (server.wal_end - '0/0'::pg_lsn)::text as wal_end,
      current_setting('wal_block_size') as block_size,
      pg_size_bytes(current_setting('wal_segment_size'))::text as segment_size,
      (select system_identifier::text from pg_control_system()) as system,
      (select oid::text from pg_database where datname = current_database()) as database,
      case
        when server.in_recovery then greatest(
          (select timeline_id from pg_control_checkpoint()),
          (select min_recovery_end_timeline from pg_control_recovery()),
          (select received_tli from pg_stat_wal_receiver)
        )
        else ('x' || left(pg_walfile_name(server.wal_end), 8))::bit(32)::int4
      end as timeline
    from (
      select
        role.in_recovery,
        case
          when role.in_recovery then pg_last_wal_replay_lsn()
          else pg_current_wal_insert_lsn()
        end as wal_end
      from (select pg_is_in_recovery() as in_recovery) as role
    ) as server`;
  if (!row) throw new Error("Cannot read the WAL position: the server returned no row");
  const { in_recovery: inRecovery, system, database, timeline } = row;
  const at = row.wal_end === null ? undefined : BigInt(row.wal_end);
  const end = inRecovery || at === undefined
    ? at
    : lastRecordEnd(at, BigInt(row.block_size), BigInt(row.segment_size));
  return { inRecovery, end, system, database, timeline };
}
