import { day, defaults, hour, type RuleDefinition } from "../definition.ts";
import { onServer, onServerBoth } from "../proof.ts";

const gapProof = onServer("a gap between partitions, and rows in a default partition");
const lateTest = "a default partition that receives present rows, and one that cannot be drained";
const heldBackProof = onServer(
  "retention that is held back, and a partition that can be neither archived nor dropped",
);
const sealFile = "partitions/proof_routes_test.ts";

/** Rules about partitions: those that are missing, and retention, archiving and seals. */
export const partitionRules: readonly RuleDefinition[] = [
  {
    ...defaults,
    name: "partition_runway",
    title: "Inserts will soon find no partition",
    metric: "partition_runway_seconds",
    unit: "seconds",
    direction: "below",
    warning: 3 * day,
    critical: day,
    clear: 3 * day + hour,
    for_seconds: 0,
    phrase: "Time until inserts fail",
    cause: "Rotation creates no partitions ahead: it fails, or is switched off.",
    proof: onServer(
      "with rotation off, the alert fires days before inserts fail, and its statements fix it",
      { file: "partitions/routes_test.ts" },
    ),
  },
  {
    ...defaults,
    name: "partition_cover",
    title: "Rows will soon go to the default partition",
    metric: "partition_cover_seconds",
    unit: "seconds",
    direction: "below",
    warning: 2 * hour,
    critical: null,
    clear: 2 * hour + 600,
    for_seconds: 300,
    phrase: "Time until rows fall into the default partition",
    cause:
      "Rotation, which now runs each minute, creates no partition ahead. GET /api/health/partitions and POST /api/partitions/plan show why.",
    proof: onServerBoth(lateTest),
  },
  {
    ...defaults,
    name: "partition_holes",
    title: "There is a gap between partitions",
    metric: "partition_holes",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    phrase: "Holes between partitions",
    cause: "A partition was dropped or never created. Rows of that time have no partition.",
    proof: gapProof,
  },
  {
    ...defaults,
    name: "default_rows",
    title: "A default partition holds rows",
    metric: "partition_default_rows",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    phrase: "Rows in the default partition",
    cause:
      "Rows arrived for which no partition existed. While they are in the default partition, the right partition cannot be attached.",
    proof: gapProof,
  },
  {
    ...defaults,
    name: "drain_failed",
    title: "A default partition could not be drained",
    metric: "partition_drain_failed",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    phrase: "Drains failed",
    cause:
      "The last drain met an error that recurs at each try, and was undone: failure in GET /api/partitions/conversions has the server's error. The drain starts again when the table changes or on request.",
    proof: onServer(lateTest),
  },
  {
    ...defaults,
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
      "A clock jumped, two clocks disagree, or retention would drop much of a table or its newest rows at once. GET /api/health/partitions says which. Correct the clock, or check POST /api/partitions/plan and apply it with confirm: true.",
    proof: heldBackProof,
  },
  {
    ...defaults,
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
      "The partition's rows are on another server or node, or could not be read, counted or archived. GET /api/health/partitions and GET /api/partitions/log show why. Until this is solved, nothing of the partition is dropped.",
    proof: heldBackProof,
  },
  {
    ...defaults,
    name: "sealed_partitions_changed",
    title: "A sealed partition has changed",
    metric: "partition_sealed_changed",
    unit: "count",
    direction: "above",
    warning: null,
    critical: 1,
    clear: 0,
    for_seconds: 0,
    phrase: "Sealed partitions that have changed",
    cause:
      "Somebody changed rows in spite of the triggers that prevent it, or the disk lost rows. POST /api/partitions/verify names the partitions.",
    proof: onServer("verify reports what it read and names what differs, and so does health", {
      file: sealFile,
      silent: {
        test: "only a verification that finds the partition as it was sealed resolves the alert",
        file: sealFile,
      },
    }),
  },
];
