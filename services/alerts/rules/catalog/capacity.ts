import type { Rule } from "../rule.ts";
import { day, usual } from "./usual.ts";

const GiB = 1024 ** 3;
const MiB = 1024 ** 2;

/** Rules on what runs out, or is carried along for nothing. */
export const capacityRules: readonly Rule[] = [
  {
    ...usual,
    name: "blocked_sessions",
    title: "Many sessions wait for locks",
    metric: "blocked_sessions",
    unit: "count",
    direction: "above",
    warning: 5,
    critical: 50,
    clear: 1,
    for_seconds: 15,
    phrase: "Sessions blocked",
    cause: "A queue behind one lock: GET /api/locks names its root.",
    cure: [{
      sql:
        "select pid, pg_blocking_pids(pid), query from pg_stat_activity where wait_event_type = 'Lock'",
      lock: "none",
      risk: "reads only; then pg_cancel_backend(root) cancels its statement",
    }],
  },
  {
    ...usual,
    name: "wraparound_soon",
    title: "At this rate transaction ids run out soon",
    metric: "wraparound_seconds",
    unit: "seconds",
    direction: "below",
    warning: 14 * day,
    critical: 3 * day,
    clear: 21 * day,
    for_seconds: 300,
    phrase: "Time until ids run out",
    cause:
      "Possible causes: ids are used faster than vacuum freezes them: many small transactions, or vacuum held back.",
    cure: [{
      sql: "vacuum (freeze, verbose)",
      lock: "SHARE UPDATE EXCLUSIVE",
      risk: "heavy reads and writes",
    }],
  },
  {
    ...usual,
    name: "sequence_soon",
    title: "At this rate a sequence runs out soon",
    metric: "sequence_left_seconds",
    unit: "seconds",
    direction: "below",
    warning: 30 * day,
    critical: 7 * day,
    clear: 45 * day,
    for_seconds: 900,
    phrase: "Time until the sequence ends",
    cause: "Inserts use it up; then they fail.",
    cure: [{
      sql:
        "select schemaname, sequencename, last_value, max_value from pg_sequences where last_value is not null order by last_value::numeric / max_value desc limit 10",
      lock: "none",
      risk: "reads only; alter table … alter column … type bigint then rewrites the table",
    }],
  },
  {
    ...usual,
    name: "slot_safe",
    title: "A slot is about to be lost",
    metric: "slot_safe_ratio",
    unit: "ratio",
    direction: "below",
    warning: 0.3,
    critical: 0.1,
    clear: 0.4,
    for_seconds: 0,
    phrase: "WAL left before the slot is lost",
    cause:
      "Possible causes: its consumer is gone or too slow, and max_slot_wal_keep_size is nearly reached.",
    cure: [{
      sql: "alter system set max_slot_wal_keep_size = '100GB'; select pg_reload_conf()",
      lock: "none",
      risk: "needs that much disk",
    }],
  },
  {
    ...usual,
    name: "wal_rate",
    title: "Much WAL is written",
    metric: "wal_bytes_per_second",
    unit: "bytes_per_second",
    direction: "above",
    warning: 200 * MiB,
    critical: null,
    clear: 100 * MiB,
    for_seconds: 900,
    phrase: "WAL written",
    cause:
      "Possible causes: a bulk load, an update of whole tables, or full pages after too many checkpoints.",
    cure: [{
      sql: "select * from pg_stat_statements(false) order by wal_bytes desc limit 10",
      lock: "none",
      risk: "reads only",
    }],
  },
  {
    ...usual,
    name: "index_hit_ratio",
    title: "Indexes do not stay in memory",
    metric: "index_hit_ratio",
    unit: "ratio",
    direction: "below",
    warning: 0.9,
    critical: null,
    clear: 0.95,
    for_seconds: 1_800,
    phrase: "Index hit ratio low",
    cause:
      "Possible causes: indexes outgrew shared_buffers, or unused ones are read by writes alone.",
    cure: [],
  },
  {
    ...usual,
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
    cause: "Rows were deleted or updated faster than vacuum could reuse their space.",
    cure: [{
      sql:
        "select indexrelid::regclass as index, relid::regclass as table, pg_size_pretty(pg_relation_size(indexrelid)) as size from pg_stat_user_indexes order by pg_relation_size(indexrelid) desc limit 10",
      lock: "ACCESS SHARE",
      risk:
        "reads only; reindex index concurrently then needs space for a second copy, a table needs pg_repack or VACUUM FULL (ACCESS EXCLUSIVE)",
    }],
  },
  {
    ...usual,
    name: "missing_index",
    // Advice by default, not an alarm: GET /api/indexes has it.
    enabled: false,
    title: "A foreign key has no index",
    metric: "missing_indexes",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    phrase: "Foreign keys without an index",
    cause: "Each delete or update of the referenced row scans the referencing table.",
    cure: [{
      sql:
        "select conrelid::regclass as table, conname, pg_get_constraintdef(c.oid) from pg_constraint as c where contype = 'f' and not exists (select from pg_index as i where i.indrelid = c.conrelid and i.indkey[0] = c.conkey[1])",
      lock: "ACCESS SHARE",
      risk: "reads only; GET /api/indexes has the statement for each",
    }],
  },
  {
    ...usual,
    name: "unused_index",
    // Advice by default, not an alarm: GET /api/indexes has it.
    enabled: false,
    title: "Indexes that nobody reads take space",
    metric: "unused_index_bytes",
    unit: "bytes",
    direction: "above",
    warning: 10 * GiB,
    critical: null,
    clear: 5 * GiB,
    for_seconds: 0,
    phrase: "Unused indexes",
    cause: "Each write keeps them; a standby may still read them.",
    cure: [{
      sql:
        "select indexrelid::regclass as index, relid::regclass as table, pg_size_pretty(pg_relation_size(indexrelid)) as size from pg_stat_user_indexes where idx_scan = 0 order by pg_relation_size(indexrelid) desc limit 10",
      lock: "ACCESS SHARE",
      risk: "reads only; GET /api/indexes names those that nothing needs",
    }],
  },
];
