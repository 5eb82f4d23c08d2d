import type { CollectorName } from "../../../../db/collectors/list.ts";
import { defaults, type RuleDefinition } from "../definition.ts";
import { byReading, onServerBoth } from "../proof.ts";

const costTest = "monitoring that is expensive, and collectors that are skipped";

/** Rules about Holdfast's own monitoring. */
export const monitoringRules: readonly RuleDefinition[] = [
  {
    ...defaults,
    name: "event_loop_lag",
    local: true,
    title: "Holdfast's event loop is blocked",
    metric: "event_loop_lag_worst_ms",
    unit: "milliseconds",
    direction: "above",
    warning: 2_000,
    critical: 10_000,
    clear: 1_000,
    for_seconds: 0,
    phrase: "Holdfast's event loop was blocked",
    cause:
      "Possible causes: the machine has no processor time left, memory is swapped out, or one task of Holdfast blocked all others. Requests, live clients and deadlines waited this long.",
    proof: byReading(
      "an event loop that is blocked for seconds",
      "a blocked event loop would fail the other tests of the process",
    ),
  },
  {
    ...defaults,
    name: "collector_failing",
    local: true,
    title: "A collector fails",
    metric: "collector_failing",
    unit: "flag",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 300,
    phrase: "The server refuses a collector's query",
    cause:
      "What the collector reads is unknown. The evidence has the server's error code and message. All other collectors continue.",
    evidence: ({ readings }, scope) => {
      const { refusal } = readings[scope as CollectorName] ?? {};
      const value = refusal
        ? { error: refusal.error, at: new Date(refusal.at).toISOString() }
        : null;
      return [{ name: "error", value }];
    },
    proof: onServerBoth(
      "an error of a collector affects that collector only, whichever it is and whatever the error",
      "monitor/collector_failures_test.ts",
    ),
  },
  {
    ...defaults,
    name: "watching_cost",
    local: true,
    title: "Monitoring is expensive",
    metric: "monitor_cost_ratio",
    unit: "ratio",
    direction: "above",
    warning: 0.25,
    critical: null,
    clear: 0.15,
    for_seconds: 600,
    phrase: "Collectors keep connections busy",
    cause:
      "Possible causes: the server is slow, or its catalog is large. Holdfast skips runs of expensive collectors by itself.",
    proof: byReading(costTest, "a test server is too fast for it"),
  },
  {
    ...defaults,
    name: "watching_sheds",
    local: true,
    title: "Holdfast skips collectors",
    metric: "collectors_resting",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 1_800,
    phrase: "Collectors skipped",
    cause:
      "These collectors exceed their time budget. While a collector is skipped, its values are unknown.",
    evidence: ({ readings }) => [{
      name: "collectors",
      value: Object.entries(readings)
        .filter(([, { budget }]) => budget.resting > 0)
        .map(([name, { durationMs }]) => ({ name, cost_ms: durationMs })),
    }],
    proof: byReading(costTest, "a collector is skipped only after two expensive runs"),
  },
];
