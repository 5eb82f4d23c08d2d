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
    runbook: {
      impact:
        "The newest backup is older than a day. If the server is lost now, more must be recovered from WAL, or is gone.",
      look: [
        { read: "GET /api/backups", shows: "the last attempts with their problems" },
        { read: "GET /api/health/database", shows: "`backups`: when the next one is due" },
        { read: "df -h", shows: "the disk of the backups" },
      ],
      steps: [
        "Take one now and read what it says: `deno task backup`.",
        "If backups are not scheduled, set `HOLDFAST_BACKUP_HOURS` and, for a server given by `DATABASE_URL`, `HOLDFAST_BACKUP_DIR`. Then restart.",
      ],
      escalate: "at the critical level: two days without a backup.",
    },
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
    runbook: {
      impact:
        "Backups exist, and no trial restore has proven one of them lately. They may be unusable.",
      look: [
        { read: "GET /api/backups", shows: "`problems` and `notes` of the last drill" },
        { read: "df -h", shows: "a drill needs space for the unpacked cluster" },
      ],
      steps: [
        "Run a drill now: `deno task backup --verify ID` with the id of the newest backup.",
        "If there is too little space, make some, or let the temporary directory be on a larger disk (`TMPDIR`).",
      ],
      escalate: "at the critical level: treat it as if there were no backup.",
    },
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
    cause:
      "A backup or a restore drill failed, files are damaged, or WAL is not archived. The evidence names each problem.",
    evidence: ({ backups }) => [{ name: "problems", value: backups.problems.slice(0, 10) }],
    runbook: {
      impact:
        "A backup, or the WAL behind it, is damaged or incomplete. Recovery may stop before it.",
      look: [
        {
          read: "GET /api/health/database",
          shows: "`backups.problems` names each file or segment",
        },
        { read: "GET /api/backups", shows: "which backups are intact" },
      ],
      steps: [
        "Take a backup now: it starts a new chain. Use another disk if this one is faulty.",
        "The table in docs/backups.md says what to do for each problem.",
      ],
      escalate: "if no intact backup is left, or if rows of the live server are named.",
    },
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
    runbook: {
      impact:
        "WAL of this time exists only on the server's disk. If the disk is lost, so are these transactions.",
      look: [
        { read: "GET /api/health/database", shows: "`backups`: how far behind the archive is" },
        { read: "df -h", shows: "the disk of the archive" },
      ],
      steps: [
        "Make space on the disk of the archive, or repair its mount.",
        "Archiving continues by itself.",
      ],
      escalate: "at the critical level: an hour of trades could be lost with the disk.",
    },
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
    runbook: {
      impact:
        "No copy of a recent backup exists elsewhere. If this machine is lost, so is everything since the last copy.",
      look: [
        { read: "GET /api/health/database", shows: "`copy_problem` has the error of the storage" },
        { read: "GET /api/backups", shows: "which backups are copied" },
      ],
      steps: [
        "Correct what `copy_problem` says: credentials, bucket, region, network.",
        "The copy is tried again within a minute.",
      ],
      escalate: "at the critical level.",
    },
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
    runbook: {
      impact: "WAL of this time exists only on this machine.",
      look: [
        { read: "GET /api/health/database", shows: "`copy_problem` has the error of the storage" },
      ],
      steps: [
        "Correct what `copy_problem` says. If there is none, the upload is too slow for the amount of WAL: see `wal_rate`.",
      ],
      escalate: "at the critical level.",
    },
    proof: byReading(copyTest, "the test sets the lag"),
  },
];
