import type { MetricValue } from "../../alerts/alert.ts";
import type { Snapshot } from "../../monitor/snapshot.ts";
import type { TableReport } from "./report.ts";

/** Values of each managed table for the rules; null: not known from the last reading. */
const measures: Record<string, (table: TableReport) => number | null | undefined> = {
  partition_runway_seconds: ({ runway_seconds }) => runway_seconds,
  // Without a default partition this equals the runway; a leaf that was not read may be one. With rotation disabled no
  // partition is expected.
  partition_cover_seconds({ policy, has_default, unread, leaves_unknown, cover_seconds }) {
    if (!policy?.enabled) return undefined;
    if (has_default) return cover_seconds;
    return unread || leaves_unknown > 0 ? null : undefined;
  },
  // An unread leaf may fill what looks like a gap, or hide one.
  partition_holes: ({ unread, leaves_unknown, holes }) =>
    unread || leaves_unknown > 0 ? null : holes.length,
  partition_default_rows: ({ default_rows }) => default_rows,
  partition_drain_failed: ({ drain_failure }) => drain_failure === null ? 0 : 1,
  partition_sealed_changed: ({ sealed_changed }) => sealed_changed,
  partition_retention_held: ({ held }) => held,
  partition_leaves_refused: ({ refused }) => refused,
};

/** Metrics whose scopes are the managed tables. */
export const partitionMetrics: readonly string[] = Object.keys(measures);

/** Returns the values of all managed tables, unknown without a recent reading. */
export function partitionValues(
  { tables, tablesFresh, unreachable }: Pick<Snapshot, "tables" | "tablesFresh" | "unreachable">,
): MetricValue[] {
  const known = tablesFresh && !unreachable;
  return tables.flatMap((table) =>
    Object.entries(measures).flatMap(([metric, measure]) => {
      const value = measure(table);
      return value === undefined
        ? []
        : [{ metric, scope: table.table, value: known ? value : null }];
    })
  );
}
