import type { Rule } from "../rule.ts";
import { usual } from "./usual.ts";

const MiB = 1024 ** 2;

export const storageRules: readonly Rule[] = [
  {
    ...usual,
    name: "sequence",
    title: "A sequence runs out",
    metric: "sequence_used_ratio",
    unit: "ratio",
    direction: "above",
    warning: 0.85,
    critical: 0.95,
    clear: 0.8,
    for_seconds: 0,
    phrase: "Sequence used up",
    cause: "Its last value, or the largest its column can hold, comes near; then inserts fail.",
    cure: [{
      sql:
        "select schemaname, sequencename, last_value, max_value from pg_sequences where last_value is not null order by last_value::numeric / max_value desc limit 10",
      lock: "none",
      risk: "reads only; alter table … alter column … type bigint then rewrites the table",
    }],
  },
  {
    ...usual,
    name: "invalid_index",
    title: "An index is invalid",
    metric: "invalid_indexes",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    phrase: "Invalid indexes",
    cause:
      "Its build did not finish, or a partition lacks its part: it costs every write and serves no read.",
    cure: [{
      sql:
        "select indexrelid::regclass as index, indrelid::regclass as table from pg_index where not indisvalid",
      lock: "ACCESS SHARE",
      risk: "reads only; then reindex index concurrently, or drop index concurrently",
    }],
  },
  {
    ...usual,
    name: "duplicate_index",
    title: "Two indexes are the same",
    metric: "duplicate_indexes",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    phrase: "Duplicate indexes",
    cause: "Each write keeps both; one does all that the other does.",
    cure: [{
      sql:
        "select indrelid::regclass as table, array_agg(indexrelid::regclass) as indexes from pg_index group by indrelid, indkey::text, indclass::text, indcollation::text, indoption::text, indexprs::text, indpred::text having count(*) > 1",
      lock: "ACCESS SHARE",
      risk: "reads only; GET /api/indexes names the one to drop",
    }],
  },
  {
    ...usual,
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
      "Possible causes: it is switched off, held back by its cost limits or by locks, or has too few workers.",
    cure: [{
      sql:
        "select relid::regclass as table, n_dead_tup, last_autovacuum from pg_stat_user_tables order by n_dead_tup desc limit 10",
      lock: "ACCESS SHARE",
      risk: "reads only; vacuum (analyze) then reads and writes the table",
    }],
  },
  {
    ...usual,
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
    cause: "Many rows changed since the last analyze: plans are made for a table that is no more.",
    cure: [{
      sql:
        "select relid::regclass as table, n_mod_since_analyze, last_autoanalyze from pg_stat_user_tables order by n_mod_since_analyze desc limit 10",
      lock: "ACCESS SHARE",
      risk: "reads only; analyze then reads a sample of the table",
    }],
  },
  {
    ...usual,
    name: "freeze_lag",
    title: "A forced vacuum of a table does not come to an end",
    metric: "freeze_lag",
    unit: "times",
    direction: "above",
    warning: 1.5,
    critical: 3,
    clear: 1.2,
    for_seconds: 900,
    phrase: "Age over autovacuum_freeze_max_age",
    cause:
      "Possible causes: a vacuum against wraparound is due and cannot finish: locks, an old snapshot, or its cost limits.",
    cure: [{
      sql:
        "select oid::regclass as table, age(relfrozenxid) from pg_class where relkind in ('r', 'm') order by age(relfrozenxid) desc limit 10",
      lock: "ACCESS SHARE",
      risk: "reads only; vacuum (freeze) then reads and writes the whole table",
    }],
  },
  {
    ...usual,
    name: "temp_files",
    title: "Much is sorted or hashed on disk",
    metric: "temp_bytes_per_second",
    unit: "bytes_per_second",
    direction: "above",
    warning: 50 * MiB,
    critical: 500 * MiB,
    clear: 10 * MiB,
    for_seconds: 300,
    phrase: "Temporary files written",
    cause: "Sorts and hashes do not fit in work_mem; GET /api/queries shows which (temp_blocks).",
    cure: [{
      sql:
        "select userid::regrole as role, queryid, temp_blks_written, calls from pg_stat_statements(false) order by temp_blks_written desc limit 10",
      lock: "none",
      risk:
        "reads only; alter role … set work_mem then gives each sort of each session of that role as much memory",
    }],
  },
  {
    ...usual,
    name: "watching_sheds",
    local: true,
    title: "Holdfast leaves out some of its watching",
    metric: "collectors_resting",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 1_800,
    phrase: "Collectors left out",
    cause: "They cost more than their budget; what they read is unknown meanwhile.",
    cure: [],
  },
];
