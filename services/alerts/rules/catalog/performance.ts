import { planEvidence, planMetric } from "../../../monitor/diagnosis/plan_changes.ts";
import { defaults, MiB, type RuleDefinition } from "../definition.ts";
import { byReading, onServer, onServerBoth } from "../proof.ts";

const cacheTest = "reads of tables and indexes that miss the buffer cache";

/** Rules about reads that miss memory, and statements that became slower. */
export const performanceRules: readonly RuleDefinition[] = [
  {
    ...defaults,
    name: "cache_hit_ratio",
    title: "Reads miss the buffer cache",
    metric: "cache_hit_ratio",
    unit: "ratio",
    direction: "below",
    warning: 0.9,
    critical: 0.5,
    clear: 0.95,
    for_seconds: 300,
    phrase: "Cache hit ratio low",
    cause: "Possible causes: the working set exceeds shared_buffers, or a large scan runs.",
    runbook: {
      impact: "Queries read from disk what they used to find in memory, and are many times slower.",
      look: [
        {
          read: "GET /api/queries",
          shows: "statements with the most blocks read in the last quarter of an hour",
        },
        {
          read: "GET /api/changes",
          shows: "a restart empties the cache; then the ratio recovers by itself",
        },
      ],
      steps: [
        "If one statement reads most blocks, give it an index or a bound on time, or run it at night.",
        "If the present partition is larger than the cache, follow the recommendation on the interval in `GET /api/health/partitions`.",
        "Otherwise give the server more memory (`shared_buffers`, at about a quarter of it).",
      ],
      escalate: "if the critical level lasts for an hour and no statement stands out.",
    },
    proof: onServerBoth(cacheTest),
  },
  {
    ...defaults,
    name: "index_hit_ratio",
    title: "Reads of indexes miss the buffer cache",
    metric: "index_hit_ratio",
    unit: "ratio",
    direction: "below",
    warning: 0.9,
    critical: null,
    clear: 0.95,
    for_seconds: 1_800,
    phrase: "Index hit ratio low",
    cause:
      "Possible causes: the indexes exceed shared_buffers, or writes load pages of indexes that no query uses.",
    runbook: {
      impact: "Pages of indexes come from disk, so each lookup and each insert waits for reads.",
      look: [
        { read: "GET /api/indexes", shows: "large indexes, and those that nothing uses" },
        { read: "GET /api/queries", shows: "statements with the most blocks read" },
      ],
      steps: [
        "Drop duplicate and unused indexes: they compete for the same memory.",
        "Use shorter partitions, so that the indexes of the present one fit in memory.",
      ],
      escalate:
        "not at night: plan it for the next working day, unless `cache_hit_ratio` is critical too.",
    },
    proof: onServer(cacheTest),
  },
  {
    ...defaults,
    name: "temp_files",
    title: "Queries sort or hash on disk",
    metric: "temp_bytes_per_second",
    unit: "bytes_per_second",
    direction: "above",
    warning: 50 * MiB,
    critical: 500 * MiB,
    clear: 10 * MiB,
    for_seconds: 300,
    phrase: "Temporary files written",
    cause:
      "Sorts and hashes do not fit in work_mem. GET /api/queries shows which statements (temp_blocks).",
    cure: [{
      sql:
        "select userid::regrole as role, queryid, temp_blks_written, calls from pg_stat_statements(false) order by temp_blks_written desc limit 10",
      lock: "none",
      risk:
        "reads only; alter role … set work_mem then gives each sort of each session of that role this much memory",
    }],
    runbook: {
      impact: "Sorts and hashes spill to disk. They are slow, and may fill the disk.",
      look: [
        { read: "GET /api/queries", shows: "`temp_blocks` of each statement" },
      ],
      steps: [
        "Raise `work_mem` for the role of the statement that spills most, not for all.",
        "Set `temp_file_limit` as a guard against a single query that fills the disk.",
      ],
      escalate: "if the free space of the disk falls quickly: cancel the statement first.",
    },
    proof: onServer("sorts on disk"),
  },
  {
    ...defaults,
    name: "statement_regression",
    title: "Statements take at least twice as long as usual",
    metric: "statement_regressions",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 300,
    phrase: "Statements slower than usual",
    cause:
      "Possible causes: another plan, more data, stale statistics, or a changed setting. GET /api/queries shows the cost of each statement before and after, since when, and what changed in the hour before.",
    runbook: {
      impact:
        "A statement costs at least twice what it usually does, which often is the first sign of a lost plan.",
      look: [
        {
          read: "GET /api/queries",
          shows: "`regressions`: the cost before and after, since when, and what changed",
        },
        {
          read: "GET /api/changes",
          shows: "settings, DDL, indexes, plans and restarts of that time",
        },
      ],
      steps: [
        "If statistics are stale, run `analyze` on the tables of the statement.",
        "If an index was dropped or became invalid, create it again with `create index concurrently`.",
        "Rehearse a change before you make it: `deno task rehearse change.sql`.",
      ],
      escalate: "to the team that owns the statement, if nothing changed on the server.",
    },
    proof: byReading(
      "statements that became slower",
      "the usual cost of a statement takes hours to learn; tests/monitor/regressions_test.ts tests how it is learned",
    ),
  },
  {
    ...defaults,
    name: "plan_regression",
    title: "A statement's plan changed, and an execution costs at least twice as much on the copy",
    metric: planMetric,
    unit: "times",
    direction: "above",
    warning: 2,
    critical: null,
    clear: 1.5,
    for_seconds: 0,
    phrase: "Plan became more expensive",
    cause:
      "Possible causes: an index was dropped or became invalid, the statistics are stale or a table has grown, or a setting changed. GET /api/changes lists what changed since the earlier backup. The alert ends when a later rehearsal finds the earlier plan or cost again, or once the earlier backup is seven days older than the newest rehearsed one.",
    evidence: ({ plans }, scope) => planEvidence(plans ?? [], scope),
    cure: [{
      sql:
        'select indrelid::regclass as "table", indexrelid::regclass as index from pg_index where not indisvalid',
      lock: "none",
      risk:
        "reads only; reindex index concurrently repairs an invalid index. Create an index again that the nodes before name and pg_indexes lacks",
    }, {
      sql:
        'select relid::regclass as "table", n_live_tup, n_mod_since_analyze, greatest(last_analyze, last_autoanalyze) as analyzed from pg_stat_user_tables order by n_mod_since_analyze desc limit 10',
      lock: "none",
      risk:
        "reads only; analyze of a table that changed much takes SHARE UPDATE EXCLUSIVE, which blocks neither reads nor writes. Rehearse it first: deno task rehearse",
    }],
    runbook: {
      impact:
        "Users have not felt it yet, if the plan changed on the copy first; otherwise the statement is slower on production, too.",
      look: [
        {
          read: "GET /api/alerts/{id}",
          shows: "the statement, and the nodes of its plan before and after",
        },
        {
          read: "GET /api/changes",
          shows: "settings, DDL, indexes and restarts between the two backups",
        },
      ],
      steps: [
        "If an index is gone or invalid, create it again with `create index concurrently`.",
        "If statistics are stale, run `analyze` on the tables of the statement.",
        "Rehearse the remedy before you apply it: `deno task rehearse change.sql`.",
      ],
      escalate:
        "to the team that owns the statement, if neither an index nor statistics explain it.",
    },
    proof: byReading(
      "a plan that changed and became more expensive",
      "it takes two backups and two rehearsals; tests/rehearsals/after_drill_test.ts does this with a dropped index",
    ),
  },
];
