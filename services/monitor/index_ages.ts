import type { IndexRow } from "../../db/collectors/rows.ts";

/**
 * Keeps since when no use of each index has been seen: one made between two readings has not been there for as long
 * as the statistics count, and partitions dropped since, or counters reset, take what they counted with them.
 */
export function createIndexAges() {
  let unusedSince: Map<number, number> | undefined;
  return {
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
    /** Seconds up to `at` in which no use of it was seen; Infinity as far as is known. */
    unusedSeconds: ({ index_oid }: IndexRow, at: number): number =>
      (at - (unusedSince?.get(index_oid) ?? -Infinity)) / 1_000,
  };
}
