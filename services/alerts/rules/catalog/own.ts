import type { Rule } from "../rule.ts";
import { usual } from "./usual.ts";

const hour = 3_600;

/** Rules on what Holdfast does itself: writing, taking ticks in, backing up, watching. */
export const ownRules: readonly Rule[] = [
  {
    ...usual,
    name: "write_slow",
    title: "A small commit takes long",
    metric: "canary_ms",
    unit: "milliseconds",
    direction: "above",
    warning: 500,
    critical: 3_000,
    clear: 250,
    for_seconds: 60,
    phrase: "Write canary slow",
    cause:
      "Possible causes: the disk stalls on flushing the WAL, a synchronous standby does not answer, or the server has no time to run.",
    cure: [{
      sql:
        "select wait_event_type, wait_event, count(*) from pg_stat_activity where state = 'active' group by 1, 2 order by 3 desc",
      lock: "none",
      risk: "reads only; SyncRep: look at the standby, WALSync or DataFileSync: at the disk",
    }],
  },
  {
    ...usual,
    name: "write_failing",
    local: true,
    title: "Nothing can be written",
    metric: "canary_failing",
    unit: "flag",
    direction: "above",
    warning: null,
    critical: 1,
    clear: 0,
    for_seconds: 0,
    keep_firing_seconds: 5, // a write that came through is proof
    phrase: "Nothing can be written",
    cause:
      "Possible causes: the server is read-only (default_transaction_read_only), became a standby, its disk is full, its transaction ids are used up, a lock holds Holdfast's own table, or rights were taken away. The evidence and GET /api/health say which; the log's canary_failed has the server's words.",
    cure: [{
      sql:
        "select pg_is_in_recovery() as standby, current_setting('transaction_read_only') as read_only, (select jsonb_agg(to_jsonb(s)) from pg_db_role_setting as s) as set_for",
      lock: "none",
      risk: "reads only",
    }],
  },
  {
    ...usual,
    name: "disk_full",
    local: true,
    title: "Uploads are refused: the disk is full",
    metric: "ingest_disk_full",
    unit: "flag",
    direction: "above",
    warning: null,
    critical: 1,
    clear: 0,
    for_seconds: 0,
    keep_firing_seconds: 5, // the flag itself stays up for a while after the last refusal
    phrase: "Disk full: uploads are refused",
    cause:
      "Possible causes: tables, WAL kept for a slot or an archive, or temporary files fill the disk.",
    cure: [{
      sql:
        "select slot_name, active, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) as kept_bytes from pg_replication_slots order by 3 desc nulls last",
      lock: "none",
      risk: "reads only; dropping a slot that nobody uses frees its WAL at the next checkpoint",
    }],
  },
  {
    ...usual,
    name: "statement_regression",
    title: "Statements cost at least twice what they did",
    metric: "statement_regressions",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 300,
    phrase: "Statements dearer than usual",
    cause:
      "Possible causes: another plan, more data, stale statistics or a changed setting: GET /api/queries tells each one's cost before and after, since when, and what changed in the hour before.",
    cure: [],
  },
  {
    ...usual,
    name: "feed_stale",
    local: true,
    // Markets close: whoever knows this feed's hours switches it on.
    enabled: false,
    title: "A feed has gone quiet",
    metric: "feed_age_seconds",
    unit: "seconds",
    direction: "above",
    warning: 900,
    critical: hour,
    clear: 300,
    for_seconds: 60,
    phrase: "Newest tick is old",
    cause:
      "Possible causes: its sender stopped, its connection is cut, its rows are quarantined, or the market is closed.",
    cure: [{
      sql:
        "select reason, count(*) from holdfast.quarantine where received_at > now() - interval '1 hour' group by 1",
      lock: "none",
      risk: "reads only",
    }],
  },
  {
    ...usual,
    name: "event_loop_lag",
    local: true,
    title: "Holdfast itself does not get to its work",
    metric: "event_loop_lag_worst_ms",
    unit: "milliseconds",
    direction: "above",
    warning: 2_000,
    critical: 10_000,
    clear: 1_000,
    for_seconds: 0,
    phrase: "Holdfast's event loop was held",
    cause:
      "The machine has no processor time to spare, memory is swapped out, or one piece of Holdfast's work held all others up; requests, live clients and deadlines waited that long.",
    cure: [],
  },
  {
    ...usual,
    name: "collector_failing",
    local: true,
    title: "A part of the watching fails",
    metric: "collector_failing",
    unit: "flag",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 300,
    phrase: "The server refuses a collector's question",
    cause:
      "What the collector reads is unknown; the alert's evidence has the server's code and words, all else is watched as ever.",
    cure: [],
  },
  {
    ...usual,
    name: "watching_cost",
    local: true,
    title: "Watching costs much",
    metric: "monitor_cost_ratio",
    unit: "ratio",
    direction: "above",
    warning: 0.25,
    critical: null,
    clear: 0.15,
    for_seconds: 600,
    phrase: "Collectors keep connections busy",
    cause:
      "Possible causes: the server is slow, or its catalogue is large; dear collectors rest by themselves.",
    cure: [],
  },
];
