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
    runbook: {
      impact:
        "Holdfast itself stood still for this long. Requests waited, and readings are late. The database was not affected.",
      look: [
        { read: "GET /api/health", shows: "`age_ms`, and the checks that are unknown" },
        { read: "GET /api/operations", shows: "long work of this process" },
      ],
      steps: [
        "Check the machine: processor, swap, a throttled container (`cpu` limits).",
        "Move other work away, or start a second instance beside the same database.",
      ],
      escalate:
        "if it returns although the machine has processor time left; send the log of that time.",
    },
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
    runbook: {
      impact: "One kind of reading is missing, so rules about it are unknown. All others work.",
      look: [
        { read: "GET /api/health", shows: "the check `collector:…` has the server's error" },
        { read: "deno task doctor", shows: "missing grants, with the statement for each" },
      ],
      steps: [
        "42501: grant what the doctor names, usually `pg_monitor`.",
        "57014 or 55P03: the statement ran into its time limit or a lock; it is tried again.",
        "42P01 or 42703: the view differs from what this version of Postgres should have. Update Holdfast or the extension.",
      ],
      escalate: "as a defect report, with the error, if the server is of a supported version.",
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
    runbook: {
      impact:
        "Holdfast's own readings keep its monitoring connections busy. Holdfast already reduces them.",
      look: [
        { read: "GET /api/metrics", shows: "`monitor_cost_ratio`, and the time of each collector" },
        { read: "GET /api/health", shows: "collectors that are skipped" },
      ],
      steps: [
        "Find out why the server is slow: see `write_slow` and `cache_hit_ratio`.",
        "If the catalog is very large, raise `HOLDFAST_FAST_TIER_SECONDS`.",
      ],
      escalate: "not needed, unless it lasts for a day.",
    },
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
    runbook: {
      impact:
        "Some values are unknown because reading them is too expensive at the moment. Rules about them neither fire nor end.",
      look: [
        { read: "GET /api/health", shows: "the checks `collector:…` that are unknown" },
        { read: "GET /api/metrics", shows: "the time of each collector" },
      ],
      steps: [
        "Find out why the server is slow: see `write_slow` and `cache_hit_ratio`.",
        "The collectors return by themselves.",
      ],
      escalate: "not needed, unless it lasts for a day.",
    },
    proof: byReading(costTest, "a collector is skipped only after two expensive runs"),
  },
];
