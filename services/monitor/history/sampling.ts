import type { Tier } from "../../../db/collectors/collector.ts";
import { tierOf } from "../../../db/collectors/list.ts";
import { planMetric } from "../diagnosis/plan_changes.ts";
import { metricValues } from "../health/metric_values.ts";
import { signals } from "../signals/list.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Sample } from "./sample_queue.ts";

const tierOfMetric = new Map<string, Tier>(
  signals.map(({ name, collector }) => [name, tierOf(collector)]),
);

/**
 * Returns the tier in which a metric is sampled: its collector's, `stats` for partitions, `hourly` for plans, which change once
 * a day, `fast` for all others.
 */
function tierFor(metric: string): Tier {
  if (metric === planMetric) return "hourly";
  return tierOfMetric.get(metric) ?? (metric.startsWith("partition_") ? "stats" : "fast");
}

/** Returns the samples that a run of `tier` adds to history; unknown values leave a gap. */
export function samplesOf(snapshot: Snapshot, tier: Tier): Sample[] {
  const { now: at, metrics } = snapshot;
  const values = [
    ...metricValues(snapshot),
    { metric: "ticks_per_second", scope: "", value: metrics.ticks_per_second },
  ];
  return values.flatMap(({ metric, scope, value }) =>
    value === null || tierFor(metric) !== tier ? [] : [{ at, name: metric, scope, value }]
  );
}
