import { analyzeOf, vacuumOf } from "../../../../db/alerts/cures.ts";
import type { Snapshot } from "../../../monitor/snapshot.ts";
import type { Cure } from "../../alert.ts";
import { day, defaults, GiB, type RuleDefinition } from "../definition.ts";
import { onServer } from "../proof.ts";

const idsProof = onServer("transaction ids and multixact ids near wraparound");
const vacuumProof = onServer(
  "a table that autovacuum and analyze do not reach, and one with an overdue freeze",
);
const lock = "SHARE UPDATE EXCLUSIVE";
const freezeAll = { sql: "vacuum (freeze, verbose)", lock, risk: "heavy reads and writes" };

/** Returns a cure of one statement, or undefined where the statement is unknown. */
const cureOf = (sql: string | undefined, risk: string): Cure[] | undefined =>
  sql === undefined ? undefined : [{ sql, lock, risk }];

const idAges = ({ view }: Snapshot) => [{ name: "ids", value: view.rows("wraparound")?.[0] }];

const tableFacts = ({ view }: Snapshot, scope: string) => [
  { name: "table", value: view.rows("tables")?.find(({ table }) => table === scope) },
  { name: "under_way", value: view.rows("progress") },
];

/** Rules about vacuum: transaction ids, dead rows, statistics and bloat. */
export const vacuumRules: readonly RuleDefinition[] = [
  {
    ...defaults,
    name: "wraparound",
    title: "Transaction ids run out",
    metric: "xid_age",
    unit: "count",
    direction: "above",
    warning: 1_000_000_000,
    critical: 1_600_000_000,
    clear: 900_000_000,
    for_seconds: 0,
    phrase: "Oldest transaction id is old",
    cause:
      "Vacuum does not freeze old rows. Possible causes: a long transaction, a replication slot, or autovacuum that is held back.",
    cure: [freezeAll],
    evidence: idAges,
    runbook: {
      impact:
        "When no ids are left (about 2.1 thousand million), the server refuses every write until vacuum has frozen old rows. This can take hours.",
      look: [
        {
          read: "/storage",
          shows: "the age, the time that is left, and how due each table is for a freeze",
        },
        { read: "GET /api/sessions", shows: "long transactions; they hold vacuum back" },
      ],
      steps: [
        "Remove what holds vacuum back first: long transactions, prepared transactions, unused slots (`xmin_horizon`).",
        "Freeze the oldest tables first, one by one: `vacuum (freeze, verbose)` with the name of a table. The runbook of `freeze_lag` has the query that lists them.",
        "Do not cancel an autovacuum whose text ends with (to prevent wraparound).",
      ],
      escalate:
        "at once at the critical level. Below 40 million ids the server warns in its log; at 3 million it stops writing.",
    },
    proof: idsProof,
  },
  {
    ...defaults,
    name: "wraparound_soon",
    title: "At the present rate transaction ids run out soon",
    metric: "wraparound_seconds",
    unit: "seconds",
    direction: "below",
    warning: 14 * day,
    critical: 3 * day,
    clear: 21 * day,
    for_seconds: 300,
    phrase: "Time until ids run out",
    cause:
      "Ids are used faster than vacuum freezes them. Possible causes: many small transactions, or vacuum that is held back.",
    cure: [freezeAll],
    inhibitedBy: { rule: "wraparound", sameScope: false },
    runbook: {
      impact:
        "At this rate the ids end before vacuum comes round by itself. See `wraparound` for what happens then.",
      look: [
        { read: "/storage", shows: "the age, and the time that is left" },
        {
          read: "GET /api/queries",
          shows: "statements with very many calls: each writing transaction takes one id",
        },
      ],
      steps: [
        "Freeze the oldest tables, as the runbook of `wraparound` says.",
        "Let clients write in batches: one transaction takes one id, however many rows it writes.",
      ],
      escalate: "at the critical level, on the same day.",
    },
    proof: idsProof,
  },
  {
    ...defaults,
    name: "multixact_wraparound",
    title: "Multixact ids run out",
    metric: "multixact_age",
    unit: "count",
    direction: "above",
    warning: 1_000_000_000,
    critical: 1_600_000_000,
    clear: 900_000_000,
    for_seconds: 0,
    phrase: "Oldest multixact id is old",
    cause:
      "Many sessions lock the same rows, as foreign keys do, and vacuum does not freeze these rows.",
    cure: [freezeAll],
    evidence: idAges,
    runbook: {
      impact:
        "When multixact ids end, statements that lock rows fail, and so do inserts that check a foreign key.",
      look: [
        {
          read: "GET /api/alerts?state=firing",
          shows: "the evidence: the ages of both kinds of ids",
        },
        { read: "GET /api/queries", shows: "`for share` and `for key share` with very many calls" },
      ],
      steps: [
        "Freeze as the runbook of `wraparound` says: a vacuum with freeze also advances multixact ids.",
        "Reduce the cause: many transactions that reference the same parent row at the same time.",
      ],
      escalate: "at once at the critical level.",
    },
    proof: idsProof,
  },
  {
    ...defaults,
    name: "autovacuum_lag",
    title: "Autovacuum does not keep up with a table",
    metric: "autovacuum_lag",
    unit: "times",
    direction: "above",
    warning: 5,
    critical: 20,
    clear: 2,
    for_seconds: 900,
    phrase: "Rows to vacuum, over the level that starts autovacuum",
    cause:
      "Possible causes: autovacuum is switched off, is held back by its cost limits or by locks, or has too few workers.",
    cure: [{
      sql:
        "select relid::regclass as table, n_dead_tup, last_autovacuum from pg_stat_user_tables order by n_dead_tup desc limit 10",
      lock: "ACCESS SHARE",
      risk: "reads only; vacuum (analyze) then reads and writes the table",
    }],
    cureFor: (_view, scope) =>
      cureOf(
        vacuumOf(scope, "analyze"),
        "reads and writes the table; raise autovacuum_vacuum_cost_limit afterwards",
      ),
    evidence: tableFacts,
    runbook: {
      impact: "Dead rows accumulate. Queries read them, and the table grows.",
      look: [
        {
          read: "GET /api/alerts?state=firing",
          shows: "the evidence: the table with its dead rows, and the vacuums under way",
        },
        {
          read: "GET /api/sessions",
          shows: "long transactions; while they are open vacuum removes little",
        },
      ],
      steps: [
        "Run the statement below for the table. If it does not remove the rows, follow `xmin_horizon`.",
        "Afterwards raise `autovacuum_vacuum_cost_limit`, or `autovacuum_max_workers` at the next restart.",
      ],
      escalate: "if the lag returns within a day although autovacuum runs all the time.",
    },
    proof: vacuumProof,
  },
  {
    ...defaults,
    name: "stale_statistics",
    title: "The planner's statistics of a table are stale",
    metric: "analyze_lag",
    unit: "times",
    direction: "above",
    warning: 5,
    critical: null,
    clear: 2,
    for_seconds: 900,
    phrase: "Rows changed, over the level that starts an analyze",
    cause:
      "Many rows changed since the last analyze. The planner uses statistics that no longer match the data.",
    cure: [{
      sql:
        "select relid::regclass as table, n_mod_since_analyze, last_autoanalyze from pg_stat_user_tables order by n_mod_since_analyze desc limit 10",
      lock: "ACCESS SHARE",
      risk: "reads only; analyze then reads a sample of the table",
    }],
    cureFor: (_view, scope) => cureOf(analyzeOf(scope), "reads a sample of the table"),
    evidence: tableFacts,
    runbook: {
      impact: "The planner may choose a wrong plan, such as a scan of the whole table.",
      look: [
        {
          read: "GET /api/alerts?state=firing",
          shows: "the evidence: the table, and its changes since the last analyze",
        },
        { read: "GET /api/queries", shows: "statements that became slower at the same time" },
      ],
      steps: [
        "Run the statement below. It takes seconds and blocks nobody.",
      ],
      escalate:
        "not needed, unless the alert returns each hour: then autovacuum has too few workers.",
    },
    proof: vacuumProof,
  },
  {
    ...defaults,
    name: "freeze_lag",
    title: "A vacuum against wraparound does not finish",
    metric: "freeze_lag",
    unit: "times",
    direction: "above",
    warning: 1.5,
    critical: 3,
    clear: 1.2,
    for_seconds: 900,
    phrase: "Age over autovacuum_freeze_max_age",
    cause:
      "A vacuum against wraparound is due and cannot finish. Possible causes: locks, an old snapshot, or its cost limits.",
    cure: [{
      sql:
        "select oid::regclass as table, age(relfrozenxid) from pg_class where relkind in ('r', 'm') order by age(relfrozenxid) desc limit 10",
      lock: "ACCESS SHARE",
      risk: "reads only; vacuum (freeze) then reads and writes the whole table",
    }],
    cureFor: (_view, scope) =>
      cureOf(vacuumOf(scope, "freeze"), "reads and writes the whole table"),
    evidence: tableFacts,
    runbook: {
      impact: "A vacuum against wraparound is overdue. If it never ends, `wraparound` fires next.",
      look: [
        {
          read: "GET /api/alerts?state=firing",
          shows: "the evidence: the table, and the progress of the vacuum",
        },
        { read: "GET /api/locks", shows: "whether the vacuum waits for a lock" },
      ],
      steps: [
        "If the vacuum is slow, let it run and raise `autovacuum_vacuum_cost_limit`.",
        "If it waits or is cancelled again and again, find who locks the table: DDL in a loop, or a job with `lock table`.",
      ],
      escalate: "at the critical level.",
    },
    proof: vacuumProof,
  },
  {
    ...defaults,
    name: "bloat",
    title: "Tables and indexes hold much empty space",
    metric: "bloat_bytes",
    unit: "bytes",
    direction: "above",
    warning: 20 * GiB,
    critical: null,
    clear: 15 * GiB,
    for_seconds: 0,
    phrase: "Estimated bloat",
    cause: "Rows were deleted or updated faster than vacuum made their space reusable.",
    cure: [{
      sql:
        "select indexrelid::regclass as index, relid::regclass as table, pg_size_pretty(pg_relation_size(indexrelid)) as size from pg_stat_user_indexes order by pg_relation_size(indexrelid) desc limit 10",
      lock: "ACCESS SHARE",
      risk:
        "reads only; reindex index concurrently then needs space for a second copy; a table needs pg_repack, or VACUUM FULL (ACCESS EXCLUSIVE)",
    }],
    runbook: {
      impact: "Space on disk, in memory and in backups holds nothing. It is an estimate.",
      look: [
        { read: "/storage", shows: "the largest tables, and how due each is for a vacuum" },
        { read: "GET /api/indexes", shows: "the sizes of the indexes" },
      ],
      steps: [
        "Rebuild the worst indexes with `reindex index concurrently`, one by one; each needs its size again on disk.",
        "For a partitioned table, wait: retention drops old partitions with their bloat.",
      ],
      escalate: "not at night: plan it for a quiet hour.",
    },
    proof: onServer("bloat, and a high rate of WAL"),
  },
];
