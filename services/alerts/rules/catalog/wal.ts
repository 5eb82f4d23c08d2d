import { defaults, MiB, type RuleDefinition } from "../definition.ts";
import { onServer } from "../proof.ts";

/** Rules about writing and archiving WAL. */
export const walRules: readonly RuleDefinition[] = [
  {
    ...defaults,
    name: "archiver",
    title: "WAL is not archived",
    metric: "archiver_failing",
    unit: "flag",
    direction: "above",
    warning: null,
    critical: 1,
    clear: 0,
    for_seconds: 300,
    phrase: "Archiving of WAL fails",
    cause:
      "The last attempt to archive a segment failed. The server's log has the error of archive_command. WAL accumulates until archiving works.",
    cure: [{
      sql: "select * from pg_stat_archiver",
      lock: "none",
      risk: "reads only; the server's log has the error of archive_command",
    }],
    evidence: ({ view }) => [{ name: "archiver", value: view.rows("archiver")?.[0] }],
    runbook: {
      impact:
        "WAL is not archived, so point-in-time recovery ends at the last archived segment. WAL also accumulates until the disk is full.",
      look: [
        {
          read: "GET /api/alerts?state=firing",
          shows: "the evidence: the last segment that failed, and when",
        },
        { read: "df -h", shows: "the disk of the archive, and the disk of pg_wal" },
      ],
      steps: [
        "Read the server's log for the output of `archive_command`: full disk, wrong permission, unreachable host.",
        "Repair the target. The server tries again by itself; nothing must be restarted.",
        "Never delete files in pg_wal by hand.",
      ],
      escalate: "if the disk of pg_wal has space for less than two hours.",
    },
    proof: onServer("WAL that does not reach its archive"),
  },
  {
    ...defaults,
    name: "checkpoints_forced",
    title: "Checkpoints are forced before they are due",
    metric: "checkpoints_requested_per_hour",
    unit: "per_hour",
    direction: "above",
    warning: 12,
    critical: null,
    clear: 6,
    for_seconds: 600,
    phrase: "Checkpoints forced",
    cause:
      "The WAL reaches max_wal_size before checkpoint_timeout. Pages are written out too often.",
    cure: [{
      sql: "alter system set max_wal_size = '8GB'; select pg_reload_conf()",
      lock: "none",
      risk: "needs that much disk space, and recovery after a crash takes longer",
    }],
    evidence: ({ view }) => [{ name: "checkpoints", value: view.rows("checkpoints")?.[0] }],
    runbook: {
      impact:
        "Checkpoints come early, so pages are written more often and WAL has more full-page images. Writes become slower.",
      look: [
        { read: "GET /api/alerts?state=firing", shows: "the evidence: the counts of checkpoints" },
        { read: "GET /api/queries", shows: "statements that write most WAL" },
      ],
      steps: [
        "Raise `max_wal_size`, as the statement below does. It takes effect without a restart.",
        "If this was a bulk load, wait: the alert ends by itself.",
      ],
      escalate: "not needed.",
    },
    proof: onServer("checkpoints forced one after the other"),
  },
  {
    ...defaults,
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
      "Possible causes: a bulk load, an update of whole tables, or full-page images after frequent checkpoints.",
    cure: [{
      sql: "select * from pg_stat_statements(false) order by wal_bytes desc limit 10",
      lock: "none",
      risk: "reads only",
    }],
    runbook: {
      impact: "Much WAL fills the archive, delays standbys and makes backups larger.",
      look: [
        { read: "GET /api/queries", shows: "statements that write most WAL" },
        {
          read: "GET /api/operations",
          shows: "imports, conversions and other long work of Holdfast",
        },
      ],
      steps: [
        "Find the statement. Let bulk work run in smaller portions, or at night.",
        "If checkpoints are frequent, follow `checkpoints_forced`: full-page images are a large part of WAL.",
      ],
      escalate: "if `archive_lag`, `replication_lag` or `slot_retained` fires too.",
    },
    proof: onServer("bloat, and a high rate of WAL"),
  },
];
