import { day, defaults, hour, type RuleDefinition } from "../definition.ts";
import { byReading, onServer, onServerBoth } from "../proof.ts";

const canaryProof = onServer("a slow commit, and a commit that does not finish");
const diskFull = { rule: "disk_full", sameScope: false };

/** Rules about writing: the write canary, a full disk, and feeds that send nothing. */
export const writeRules: readonly RuleDefinition[] = [
  {
    ...defaults,
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
      "Possible causes: the disk is slow to flush the WAL, a synchronous standby does not answer, or the server has no processor time.",
    cure: [{
      sql:
        "select wait_event_type, wait_event, count(*) from pg_stat_activity where state = 'active' group by 1, 2 order by 3 desc",
      lock: "none",
      risk:
        "reads only; for SyncRep check the standby, for WALSync and DataFileSync check the disk",
    }],
    inhibitedBy: diskFull,
    runbook: {
      impact:
        "Each small commit takes this long. Uploads become slow first, then they are refused because too many wait.",
      look: [
        { read: "GET /api/sessions", shows: "what the sessions wait for" },
        { read: "/replication", shows: "standbys that commits may wait for" },
      ],
      steps: [
        "For SyncRep, check the synchronous standby (`standby_missing`).",
        "For WALSync, WALWrite or DataFileSync, check the disk: its latency, a snapshot, a throttled cloud volume.",
        "If sessions wait for nothing, the processor is busy: see `GET /api/queries`.",
      ],
      escalate: "at the critical level to whoever runs the storage.",
    },
    proof: canaryProof,
  },
  {
    ...defaults,
    name: "write_failing",
    local: true,
    title: "Writes fail",
    metric: "canary_failing",
    unit: "flag",
    direction: "above",
    warning: null,
    critical: 1,
    clear: 0,
    for_seconds: 0,
    // One successful write proves that writes work again.
    keep_firing_seconds: 5,
    phrase: "Writes fail",
    cause:
      "Possible causes: the server is read-only (default_transaction_read_only) or became a standby, its disk is full, its transaction ids are used up, a lock blocks Holdfast's own table, or privileges were revoked. The evidence and GET /api/health say which; canary_failed in the log has the server's error.",
    cure: [{
      sql:
        "select pg_is_in_recovery() as standby, current_setting('transaction_read_only') as read_only, (select jsonb_agg(to_jsonb(s)) from pg_db_role_setting as s) as set_for",
      lock: "none",
      risk: "reads only",
    }],
    evidence: ({ access: { mode, cause, reason, remedy } }) =>
      mode === "writing" ? [] : [{ name: "server", value: { mode, cause, reason, remedy } }],
    inhibitedBy: diskFull,
    runbook: {
      impact:
        "Nothing can be stored. Uploads are answered 503 with the reason, and readiness is 503. Reads are still served.",
      look: [
        {
          read: "GET /api/health",
          shows: "the check `write_access` has the reason and what to do",
        },
        {
          read: "deno task doctor",
          shows: "the same in full, and where a read-only default was set",
        },
      ],
      steps: [
        "Read-only by a setting: run the statement that the doctor prints. A managed service sets it when its disk is nearly full: make space first.",
        "A standby: the address leads to the wrong server after a switch-over. Correct it, or wait for the promotion.",
        "Disk full: follow `disk_full`. Ids used up: follow `wraparound`.",
      ],
      escalate: "at once, if none of the reasons applies or you may not change the server.",
    },
    proof: canaryProof,
  },
  {
    ...defaults,
    name: "disk_full",
    local: true,
    title: "Uploads are refused because the disk is full",
    metric: "ingest_disk_full",
    unit: "flag",
    direction: "above",
    warning: null,
    critical: 1,
    clear: 0,
    for_seconds: 0,
    // The flag itself stays set for a while after the last refusal.
    keep_firing_seconds: 5,
    phrase: "Disk full: uploads are refused",
    cause:
      "Possible causes: tables, WAL retained for a slot or an archive, or temporary files fill the disk.",
    cure: [{
      sql:
        "select slot_name, active, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) as kept_bytes from pg_replication_slots order by 3 desc nulls last",
      lock: "none",
      risk: "reads only; dropping an unused slot frees its WAL at the next checkpoint",
    }],
    runbook: {
      impact:
        "The disk of the server is full, and uploads are refused. Clients that retry lose nothing.",
      look: [
        { read: "df -h", shows: "which disk is full: data, pg_wal, or the one of the backups" },
        { read: "/replication", shows: "slots that retain WAL" },
      ],
      steps: [
        "Never delete files of the data directory by hand.",
        "Free the largest share first: an unused slot (`slot_inactive`), an archive that fails (`archiver`), temporary files of one query (cancel it), old partitions (`POST /api/partitions/plan`).",
        "If the disk holds backups too, remove the oldest with `DELETE /api/backups/{id}`.",
        "When there is space, uploads continue by themselves.",
      ],
      escalate: "at once if you cannot free 5 % of the disk within 15 minutes.",
    },
    proof: byReading("uploads that a full disk refuses", "the test fills no disk"),
  },
  {
    ...defaults,
    name: "disk_full_soon",
    title: "At the present rate the disk is full soon",
    metric: "disk_full_seconds",
    unit: "seconds",
    direction: "below",
    warning: day,
    critical: 4 * hour,
    clear: 36 * hour,
    // Soon after a start the rate is that of a few minutes: a load or a backup is over within this time, or goes on.
    for_seconds: 1_800,
    phrase: "Time until the disk is full",
    cause:
      "Rows, indexes, retained WAL, temporary files or other files on the same disk grow. The rate is the mean of the last day, or of the time since Holdfast started.",
    cure: [{
      sql:
        "select slot_name, active, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) as kept_bytes from pg_replication_slots order by 3 desc nulls last",
      lock: "none",
      risk: "reads only; dropping an unused slot frees its WAL at the next checkpoint",
    }, {
      sql:
        "select oid::regclass as relation, pg_total_relation_size(oid) as bytes from pg_class where relkind in ('r', 'm') order by 2 desc limit 10",
      lock: "ACCESS SHARE on each table",
      risk: "reads only; waits while a table is locked exclusively",
    }],
    evidence: ({ view }) => [{ name: "disk", value: view.disk }],
    inhibitedBy: diskFull,
    runbook: {
      impact: "A full disk stops all writes, and a server that cannot write its WAL stops itself.",
      look: [
        { read: "/storage", shows: "free space, when the disk is full, and which tables grow" },
        { read: "df -h", shows: "which disk fills, and whether other programs use it" },
        { read: "/replication", shows: "slots that retain WAL" },
      ],
      steps: [
        "If WAL grows, follow `slot_retained` and `archiver`. If a query writes temporary files, cancel it: see `temp_files`.",
        "If tables grow as they should, retire old partitions: give the policy a `retention`, then `POST /api/partitions/plan` and `POST /api/partitions/apply`.",
        "If backups are on the same disk, remove the oldest with `DELETE /api/backups/{id}`, or move them.",
        "Enlarge the disk before it is full. Never delete files of the data directory by hand.",
      ],
      escalate: "at the critical level to whoever runs the storage: four hours are left.",
    },
    proof: byReading("a disk that is full soon", "the test fills no disk"),
  },
  {
    ...defaults,
    name: "feed_stale",
    local: true,
    // Off by default, because markets close: switch it on for feeds whose hours are known.
    enabled: false,
    title: "A feed sends nothing",
    metric: "feed_age_seconds",
    unit: "seconds",
    direction: "above",
    warning: 900,
    critical: hour,
    clear: 300,
    for_seconds: 60,
    phrase: "Newest tick is old",
    cause:
      "Possible causes: the sender stopped, its connection is interrupted, its rows are quarantined, or the market is closed.",
    cure: [{
      sql:
        "select reason, count(*) from holdfast.quarantine where received_at > now() - interval '1 hour' group by 1",
      lock: "none",
      risk: "reads only",
    }],
    runbook: {
      impact: "No tick of this feed has been stored for some time. Holdfast and the database work.",
      look: [
        {
          read: "GET /api/health/feeds",
          shows: "the last tick of each feed, and what was quarantined",
        },
        { read: "GET /api/quarantine", shows: "whether its rows are refused, and why" },
      ],
      steps: [
        "If rows are quarantined, correct the cause and retry them: `POST /api/quarantine/retry`.",
        "If nothing arrives, ask the sender. Its log has Holdfast's answers.",
        "If the market is closed, silence the rule for that time: `POST /api/alerts/silences`.",
      ],
      escalate: "to the owner of the feed. This rule is off by default, because markets close.",
    },
    proof: onServerBoth("a feed that sends nothing"),
  },
];
