import type { IndexRow } from "../../../db/collectors/tables/collectors.ts";

/** Use that was counted for less than this has not seen the weekly report; seconds. */
export const unusedAfterSeconds = 7 * 86_400;

/** The server whose index use is counted, as one reading shows it. */
export interface CountingServer {
  inRecovery: boolean;
  /** When its postmaster started, in milliseconds since 1970. */
  startedAt: number;
}

/** Start times of one postmaster, worked out from its uptime, differ by the time an answer takes. */
const sameStartMs = 60_000;

/**
 * Keeps since when no use of each index has been seen: one made between two readings has not been there for as long
 * as the statistics count, and partitions dropped since, or counters reset, take what they counted with them. A standby
 * counts its own reads only: what the primary reads counts from the moment this server was first seen as a primary.
 */
export function createIndexAges() {
  let unusedSince: Map<number, number> | undefined;
  let server: CountingServer | undefined;
  let primarySince: number | undefined;
  let wasAnother = false;

  return {
    /** Takes in what the server was at `at`, in milliseconds. */
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
      // Those there at the first reading may be as old as the statistics.
      const atFirstSight = before ? at : -Infinity;
      unusedSince = new Map(rows.map(({ index_oid, scans }) => [
        index_oid,
        scans > 0 ? at : before?.get(index_oid) ?? atFirstSight,
      ]));
    },
    /** Since when this server is known to be a primary, in milliseconds; undefined while it is none, or that is unknown. */
    primarySince: () => primarySince,
    /** Whether counts of zero say anything at `at`: on a primary, and a week after it took the place of another server. */
    areCountsComplete: (at: number): boolean =>
      primarySince !== undefined &&
      (!wasAnother || (at - primarySince) / 1_000 >= unusedAfterSeconds),
    /**
     * Seconds up to `at` in which its use was counted and none was seen, given how long the statistics count; null where
     * the server is not known to be a primary.
     */
    unusedSeconds({ index_oid }: IndexRow, at: number, countedSeconds: number): number | null {
      if (primarySince === undefined) return null;
      const since = Math.max(primarySince, unusedSince?.get(index_oid) ?? -Infinity);
      return Math.min(countedSeconds, (at - since) / 1_000);
    },
  };
}
