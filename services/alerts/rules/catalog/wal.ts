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
    proof: onServer("bloat, and a high rate of WAL"),
  },
];
