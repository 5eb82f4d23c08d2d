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
    proof: byReading(
      "a plan that changed and became more expensive",
      "it takes two backups and two rehearsals; tests/rehearsals/after_drill_test.ts does this with a dropped index",
    ),
  },
];
