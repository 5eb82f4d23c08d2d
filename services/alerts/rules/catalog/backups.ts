import { defaults, hour, type RuleDefinition } from "../definition.ts";
import { byReading } from "../proof.ts";

const backupTest = "backups that are old, unproven or damaged, and WAL that waits to be archived";
const copyTest = "backups and WAL that have not been copied for a long time";
const agesProof = byReading(backupTest, "backups do not grow old within a test");

/** Rules about backups, restore drills, the WAL archive, and their copies. */
export const backupRules: readonly RuleDefinition[] = [
  {
    ...defaults,
    name: "backup_age",
    title: "The newest backup is old",
    metric: "backup_age_seconds",
    unit: "seconds",
    direction: "above",
    warning: 26 * hour,
    critical: 50 * hour,
    clear: 25 * hour,
    for_seconds: 0,
    phrase: "No backup for a long time",
    cause:
      "Possible causes: backups fail, or are not scheduled. GET /api/backups shows the problems of the last one.",
    proof: agesProof,
  },
  {
    ...defaults,
    name: "backup_unproven",
    title: "No recent backup has been restored on trial",
    metric: "backup_unproven_seconds",
    unit: "seconds",
    direction: "above",
    warning: 50 * hour,
    critical: 98 * hour,
    clear: 49 * hour,
    for_seconds: 0,
    phrase: "No proven backup for a long time",
    cause:
      "Possible causes: restore drills fail, or do not run. Without a restore drill, nothing proves that a backup can be restored.",
    proof: agesProof,
  },
  {
    ...defaults,
    name: "backup_problems",
    title: "A backup is damaged, or could not be restored",
    metric: "backup_problems",
    unit: "count",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 0,
    phrase: "Problems with backups",
    cause: "GET /api/health/database names each problem under backups.problems.",
    proof: byReading(backupTest, "the test sets the number of problems"),
  },
  {
    ...defaults,
    name: "archive_lag",
    title: "Finished WAL waits to be archived",
    metric: "archive_lag_seconds",
    unit: "seconds",
    direction: "above",
    warning: 900,
    critical: hour,
    clear: 300,
    for_seconds: 60,
    phrase: "WAL archive behind",
    cause:
      "Possible causes: the disk of the archive is full or slow. WAL that is not archived is lost with the server.",
    cure: [{
      sql: "select * from pg_stat_archiver",
      lock: "none",
      risk: "reads only; the server's log has the archiver's errors",
    }],
    proof: byReading(backupTest, "the test sets the lag"),
  },
  {
    ...defaults,
    name: "backup_copy_age",
    title: "The newest copied backup is old",
    metric: "backup_copy_age_seconds",
    unit: "seconds",
    direction: "above",
    warning: 26 * hour,
    critical: 50 * hour,
    clear: 25 * hour,
    for_seconds: 0,
    phrase: "No backup copied for a long time",
    cause:
      "Copying to the S3-compatible storage fails, or is too slow. copy_problem under backups in GET /api/health/database has the error.",
    proof: byReading(copyTest, "backups do not grow old within a test"),
  },
  {
    ...defaults,
    name: "backup_copy_lag",
    title: "Archived WAL waits to be copied",
    metric: "backup_copy_lag_seconds",
    unit: "seconds",
    direction: "above",
    warning: hour,
    critical: 6 * hour,
    clear: 900,
    for_seconds: 60,
    phrase: "Copy of the WAL archive behind",
    cause:
      "The S3-compatible storage is unreachable, or too slow. WAL that is not copied is lost with this disk.",
    proof: byReading(copyTest, "the test sets the lag"),
  },
];
