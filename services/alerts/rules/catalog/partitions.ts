import type { Rule } from "../rule.ts";
import { usual } from "./usual.ts";

/** Rules on default partitions that take what other partitions should. */
export const defaultPartitionRules: readonly Rule[] = [
  {
    ...usual,
    name: "partition_cover",
    title: "Rows will soon fall into the default partition",
    metric: "partition_cover_seconds",
    unit: "seconds",
    direction: "below",
    warning: 2 * 3_600,
    critical: null,
    clear: 2 * 3_600 + 600,
    for_seconds: 300,
    phrase: "Time until rows fall into the default partition",
    cause:
      "Rotation, which runs each minute by now, makes no partition ahead: GET /api/health/partitions and POST /api/partitions/plan say why.",
    cure: [],
  },
  {
    ...usual,
    name: "drain_failed",
    title: "A default partition could not be drained",
    metric: "partition_drain_failed",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    phrase: "Drains given up",
    cause:
      "The last drain met an error that comes again each time, and was taken back: failure in GET /api/partitions/conversions has the server's words. It is not begun again until the table has changed or somebody asks for it.",
    cure: [],
  },
];
