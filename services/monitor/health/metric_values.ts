import type { MetricValue } from "../../alerts/alert.ts";
import { partitionMetrics, partitionValues } from "../../partitions/report/metrics.ts";
import { planMetric, planValues } from "../diagnosis/plan_changes.ts";
import { lowerBounds } from "../observations/lower_bounds.ts";
import { poolMetrics } from "../signals/derived.ts";
import type { Snapshot } from "../snapshot.ts";

/** Returns the metrics of which every scope was read: an alert on another scope of them ends. */
export function completeMetrics(
  snapshot: Omit<Snapshot, "status">,
  ofSignals: readonly string[],
): Set<string> {
  if (snapshot.unreachable) return new Set();
  return new Set([
    ...ofSignals,
    ...(snapshot.tablesFresh ? partitionMetrics : []),
    ...(snapshot.plans ? [planMetric] : []),
  ]);
}

/** Returns the values that rules judge; null is unknown. */
export function metricValues(snapshot: Snapshot): MetricValue[] {
  const server = (metric: string, value: number | null): MetricValue => ({
    metric,
    scope: "",
    value,
  });
  const backedUpElsewhere = snapshot.access.mode === "watch_only";
  const bounds = snapshot.unreachable ? {} : lowerBounds(snapshot);
  return [
    server("database_down", snapshot.unreachable ? 1 : snapshot.checkedAt === undefined ? null : 0),
    // Values from before an outage must not resolve an alert.
    ...snapshot.signals.map(({ name, scope, value }) => ({
      metric: name,
      scope,
      value: snapshot.unreachable ? null : value,
      ...(scope === "" && value === null ? { floor: bounds[name] } : {}),
    })),
    server("backup_age_seconds", backedUpElsewhere ? null : snapshot.backups.backup_age_seconds),
    server("backup_unproven_seconds", backedUpElsewhere ? null : snapshot.backups.unproven_seconds),
    server("backup_problems", snapshot.backups.problems.length),
    server("archive_lag_seconds", snapshot.backups.archive_lag_seconds),
    server("backup_copy_age_seconds", snapshot.backups.copy_age_seconds),
    server("backup_copy_lag_seconds", snapshot.backups.copy_lag_seconds),
    ...Object.entries(poolMetrics(snapshot.pool)).map(([name, value]) => server(name, value)),
    ...planValues(snapshot.plans ?? []),
    ...partitionValues(snapshot),
  ];
}
