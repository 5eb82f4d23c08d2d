import type { Rule } from "../rule.ts";
import { usual } from "./usual.ts";

/** Rules on what retention holds back, and on the clocks it goes by. */
export const restraintRules: readonly Rule[] = [
  {
    ...usual,
    name: "retention_held",
    title: "Retention is held back",
    metric: "partition_retention_held",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    phrase: "Steps of retention held back",
    cause:
      "A clock jumped or two clocks do not agree, or much or the newest rows of a table would go at once: GET /api/health/partitions says which. Set the clock right, or read POST /api/partitions/plan and apply it with confirm: true.",
    cure: [],
  },
  {
    ...usual,
    name: "partition_refused",
    title: "A partition can be neither archived nor dropped",
    metric: "partition_leaves_refused",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    phrase: "Partitions not sealed, archived or dropped",
    cause:
      "Its rows are on another server or node, or could not be read, counted or written to the archive: GET /api/health/partitions and GET /api/partitions/log say why. Nothing of it is dropped meanwhile.",
    cure: [],
  },
  {
    ...usual,
    name: "clock_skew",
    title: "Holdfast's clock and the server's are apart",
    metric: "clock_skew_seconds",
    unit: "seconds",
    direction: "above",
    warning: 10,
    critical: 60,
    clear: 5,
    for_seconds: 30,
    phrase: "Clocks apart",
    cause:
      "One of the two machines has no working NTP. Ticks are judged too old or too new by Holdfast's clock, and may all be quarantined; from a minute on retention is held back.",
    cure: [{
      sql: "select clock_timestamp()",
      lock: "none",
      risk: "reads only; compare it with date -u on Holdfast's machine",
    }],
  },
];
