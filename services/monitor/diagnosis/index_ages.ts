import type { IndexRow } from "../../../db/collectors/tables/collectors.ts";

/** Use is counted at least this long before an index counts as unused, so that weekly jobs are seen; seconds. */
export const unusedAfterSeconds = 7 * 86_400;

/** The server that counts index use, as one reading shows it. */
export interface CountingServer {
  inRecovery: boolean;
  /** When its postmaster started, in milliseconds since 1970. */
  startedAt: number;
}

/** A start time is worked out from the uptime: differences up to this are the time an answer takes. */
const sameStartMs = 60_000;

/**
 * Keeps since when no use of each index has been seen. The statistics alone do not show it: an index may be younger than
 * they are, and dropped partitions and resets remove counts. A standby counts only its own reads, so time counts from the
 * first reading of this server as a primary.
 */
export function createIndexAges() {
  let unusedSince: Map<number, number> | undefined;
  let server: CountingServer | undefined;
  let primarySince: number | undefined;
  let wasAnother = false;

  return {
    /** Records what the server was at `at`, in milliseconds. */
    noteServer(now: CountingServer, at: number): void {
      const before = server;
      server = now;
      const another = before !== undefined && (before.inRecovery !== now.inRecovery ||
        Math.abs(before.startedAt - now.startedAt) > sameStartMs);
      if (before && !another) return;
      wasAnother ||= another;
      primarySince = now.inRecovery ? undefined : at;
      if (another) unusedSince = undefined;
    },
    /** Takes in a reading at `at`, in milliseconds. */
    note(rows: readonly IndexRow[], at: number): void {
      const before = unusedSince;
      // Indexes of the first reading may be as old as the statistics.
      const atFirstSight = before ? at : -Infinity;
      unusedSince = new Map(rows.map(({ index_oid, scans }) => [
        index_oid,
        scans > 0 ? at : before?.get(index_oid) ?? atFirstSight,
      ]));
    },
    /** Returns since when this server is known to be a primary, in milliseconds; undefined on a standby or when unknown. */
    primarySince: () => primarySince,
    /** Returns whether a count of zero means unused at `at`: on a primary, and a week after it replaced another server. */
    areCountsComplete: (at: number): boolean =>
      primarySince !== undefined &&
      (!wasAnother || (at - primarySince) / 1_000 >= unusedAfterSeconds),
    /**
     * Returns the seconds up to `at` in which use of the index was counted and none was seen, where the statistics have
     * counted for `countedSeconds`; null where the server is not known to be a primary.
     */
    unusedSeconds({ index_oid }: IndexRow, at: number, countedSeconds: number): number | null {
      if (primarySince === undefined) return null;
      const since = Math.max(primarySince, unusedSince?.get(index_oid) ?? -Infinity);
      return Math.min(countedSeconds, (at - since) / 1_000);
    },
  };
}
