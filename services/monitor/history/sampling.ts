import type { Tier } from "../../../db/collectors/collector.ts";
import { tierOf } from "../../../db/collectors/list.ts";
import { metricValues } from "../health/metric_values.ts";
import { signals } from "../signals/list.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Sample } from "./sample_queue.ts";

const tierOfMetric = new Map<string, Tier>(
  signals.map(({ name, collector }) => [name, tierOf(collector)]),
);

/** Each value once in its own tier's turn; what is read from elsewhere goes with the fast one, tables' with statistics. */
function tierFor(metric: string): Tier {
  return tierOfMetric.get(metric) ?? (metric.startsWith("partition_") ? "stats" : "fast");
}

/** What a turn of `tier` adds to history; what is not known leaves a gap. */
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
