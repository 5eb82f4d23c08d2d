import {
  addPartitions,
  maintainByPartman,
  readPartmanConfig,
} from "../../../../db/alerts/cures.ts";
import { type JudgedTable, publicTable } from "../../../monitor/unmanaged/unmanaged.ts";
import type { Cure } from "../../alert.ts";
import { day, defaults, hour, type RuleDefinition } from "../definition.ts";
import { onServer, onServerBoth } from "../proof.ts";

const gapProof = onServer("a gap between partitions, and rows in a default partition");
const lateTest = "a default partition that receives present rows, and one that cannot be drained";
const heldBackProof = onServer(
  "retention that is held back, and a partition that can be neither archived nor dropped",
);
const sealFile = "partitions/proof_routes_test.ts";

/** Returns what pg_partman, which manages the table or may do so, is asked. */
function partmanCures({ row, table }: JudgedTable): Cure[] {
  const { partman_schema: schema, by_partman } = row;
  if (schema === null || by_partman === false) return [];
  const config = { sql: readPartmanConfig(schema, table), lock: "none", risk: "reads only" };
  if (by_partman === null) {
    return [{
      ...config,
      risk: "reads only; a row means that pg_partman manages the table: let it",
    }];
  }
  return [{
    sql: maintainByPartman(schema, table),
    lock: "ACCESS EXCLUSIVE on the table, for each new partition",
    risk:
      "creates the partitions that pg_partman's premake asks for, and retires those that its retention names",
  }, {
    ...config,
    risk: "reads only; premake, automatic_maintenance and infinite_time_partitions",
  }];
}

/** Returns the next partition's statements, and the policy that creates those after it. */
function nextPartitionCures({ row, table, next }: JudgedTable): Cure[] {
  if (!next) return [];
  const { partitions, policy } = next;
  return [{
    sql: addPartitions(row, partitions),
    lock: "ACCESS EXCLUSIVE on the table, for a moment",
    risk: "waits at most 2 s for the lock; each is as long as the last partition: check the ranges",
  }, {
    sql: `-- PUT /api/partitions/policies/${encodeURIComponent(table)} ${
      JSON.stringify(policy)
    } lets Holdfast create the next ones; add time_zone if they do not begin at midnight UTC`,
    lock: "none",
    risk: "keeps all rows: without retention nothing is dropped",
  }];
}

function extendTable(
  tables: readonly JudgedTable[] | undefined,
  scope: string,
): Cure[] | undefined {
  const found = tables?.find(({ table }) => table === scope);
  if (!found) return undefined;
  const byPartman = partmanCures(found);
  return found.managed_by === null ? [...byPartman, ...nextPartitionCures(found)] : byPartman;
}

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
    runbook: {
      impact: "When the runway ends, inserts fail, because no partition takes the row.",
      look: [
        {
          read: "GET /api/health/partitions",
          shows: "the table, its runway, and the problems of the rotation",
        },
        { read: "GET /api/partitions/log", shows: "the last steps with their errors" },
      ],
      steps: [
        "Ask for the plan: `POST /api/partitions/plan`. It lists each statement that is due, and what prevents it.",
        "Apply it with its digest: `POST /api/partitions/apply`. Creating partitions blocks nobody.",
        "If `GET /api/partitions/policies` has `enabled: false` for the table, set it to true with `PUT /api/partitions/policies/{table}`.",
        "If a lock prevents it, follow `lock_wait`.",
      ],
      escalate: "at the critical level: less than a day is left.",
    },
    proof: onServer(
      "with rotation off, the alert fires days before inserts fail, and its statements fix it",
      { file: "partitions/routes_test.ts" },
    ),
  },
  {
    ...defaults,
    name: "unmanaged_runway",
    title: "Inserts into a table without a policy will soon find no partition",
    metric: "unmanaged_runway_seconds",
    unit: "seconds",
    direction: "below",
    warning: 3 * day,
    critical: day,
    clear: 3 * day + hour,
    // A table that is being set up gets its partitions one after the other.
    for_seconds: 600,
    phrase: "Time until the last partition ends",
    cause:
      "The table has no policy, so Holdfast creates no partitions for it, and whoever does so has not created the next one.",
    cure: [{
      sql:
        "select i.inhparent::regclass as parent, pg_get_expr(c.relpartbound, 0) as bound from pg_partitioned_table as p join pg_inherits as i on i.inhparent = p.partrelid join pg_class as c on c.oid = i.inhrelid where p.partstrat = 'r' and p.partdefid = 0 order by 1, 2 desc",
      lock: "none",
      risk: "reads only",
    }],
    cureFor: (view, scope) => extendTable(view.unmanaged, scope),
    evidence({ view }, scope) {
      const found = view.unmanaged?.find(({ table }) => table === scope);
      return found ? [{ name: "table", value: publicTable(found) }] : [];
    },
    runbook: {
      impact:
        "When the last partition ends, every insert of a present row fails with 23514: no partition of relation found for row.",
      look: [
        {
          read: "GET /api/health/partitions",
          shows:
            "`unmanaged`: the table, its last partition, when it ends, and how fast rows arrive",
        },
        {
          read: "GET /api/alerts?state=firing",
          shows: "the statements, with the table's name and the next range",
        },
      ],
      steps: [
        "Find out who creates the table's partitions. If `managed_by` is `pg_partman`, run its maintenance and read its errors in the server's log; a job of `pg_cron` or of the application may have stopped.",
        "If nobody can be found in time, create the next partition with the statement of the alert. It takes an exclusive lock for a moment.",
        "Let Holdfast create the partitions from now on: `PUT /api/partitions/policies/{table}`. Do not do so while another tool creates them.",
        "If no rows are to be inserted any more, nothing is to be done: the alert ends a week after the end.",
      ],
      escalate: "at the critical level to the owner of the table: less than a day is left.",
    },
    proof: onServer("a table without a policy whose last partition ends soon"),
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
    runbook: {
      impact:
        "Rows will soon go to the default partition. They are stored, but must be moved later.",
      look: [
        { read: "GET /api/health/partitions", shows: "the table and its problems" },
        { read: "GET /api/partitions/log", shows: "the last steps with their errors" },
      ],
      steps: [
        "Apply the plan, as the runbook of `partition_runway` says.",
      ],
      escalate: "if the plan cannot be applied within an hour.",
    },
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
    runbook: {
      impact:
        "Rows of that time find no partition: inserts of old ticks fail, or go to the default partition.",
      look: [
        { read: "GET /api/health/partitions", shows: "the table, and the ranges that are missing" },
        { read: "GET /api/partitions/log", shows: "who dropped the partition" },
        { read: "GET /api/partitions/archives", shows: "whether it was archived" },
      ],
      steps: [
        "If it was dropped by mistake, restore it: `POST /api/partitions/restore` from its archive, or one table from a backup.",
        "If its range is only empty, `POST /api/partitions/plan` and `POST /api/partitions/apply` create it again.",
      ],
      escalate: "before you restore, if you do not know why the partition is missing.",
    },
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
    runbook: {
      impact:
        "These rows are stored and readable. The partition that should hold them cannot be attached until they have moved.",
      look: [
        { read: "GET /api/health/partitions", shows: "how many rows, and of which range" },
        { read: "GET /api/partitions/conversions", shows: "whether a drain is under way" },
      ],
      steps: [
        "Wait for the drain: rotation starts it in the maintenance windows. `POST /api/partitions/plan` shows it.",
        "If the rows have wrong times, correct or delete them in the default partition.",
      ],
      escalate: "if the number grows: see `partition_cover`.",
    },
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
    runbook: {
      impact: "The rows stay in the default partition. Nothing is lost, and nothing was changed.",
      look: [
        {
          read: "GET /api/partitions/conversions",
          shows: "`failure`: the server's error, the constraint and the step",
        },
        { read: "GET /api/health/partitions", shows: "the problem in words" },
      ],
      steps: [
        "Remove the cause that `failure` names, usually a row that violates a constraint.",
        "Start the drain again: `POST /api/partitions/plan` and `POST /api/partitions/apply` for that table.",
      ],
      escalate: "to the owner of the table, if rows must be changed.",
    },
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
    runbook: {
      impact:
        "Old partitions are kept longer than the policy says. Nothing is lost; the disk fills more slowly than with a wrong drop.",
      look: [
        { read: "GET /api/health/partitions", shows: "which step is held back, and why" },
        { read: "date -u", shows: "on Holdfast's machine and on the server" },
      ],
      steps: [
        "If a clock is wrong, correct it: see `clock_skew`.",
        "If the step is right (a shorter retention drops much at once), read the plan from `POST /api/partitions/plan` and apply it with `confirm: true`.",
      ],
      escalate: "to the owner of the data, before you confirm that much is dropped.",
    },
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
    runbook: {
      impact:
        "The partition is kept. Nothing of it is dropped until the reason is gone, so the disk fills.",
      look: [
        { read: "GET /api/health/partitions", shows: "the partition and the reason" },
        { read: "GET /api/partitions/log", shows: "the attempts with their errors" },
      ],
      steps: [
        "Remove the reason: an archive directory that is full or not writable, a missing grant, a foreign partition.",
        "The next rotation tries again.",
      ],
      escalate: "if the reason is a row that could not be read: follow `checksum_failures`.",
    },
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
    runbook: {
      impact:
        "The content of a sealed partition differs from its manifest. Somebody changed history, or the disk did.",
      look: [
        {
          read: "GET /api/partitions/verify",
          shows:
            "the last verification: the partitions, the kind of change and the stretch of the key",
        },
        { read: "GET /api/audit", shows: "changes through the API: an unseal is listed here" },
      ],
      steps: [
        "Keep the evidence: take a backup now with `deno task backup`, and do not seal the partition again.",
        "Compare with the archive, or with an older backup, which have the sealed content.",
        "If the change was legitimate, unseal the partition, let rotation seal it again, and write down why.",
      ],
      escalate: "at once, to the owner of the data and to security.",
    },
    proof: onServer("verify reports what it read and names what differs, and so does health", {
      file: sealFile,
      silent: {
        test: "only a verification that finds the partition as it was sealed resolves the alert",
        file: sealFile,
      },
    }),
  },
];
