import { isStandby } from "../../../monitor/signals/replication.ts";
import type { Snapshot } from "../../../monitor/snapshot.ts";
import { defaults, GiB, type RuleDefinition } from "../definition.ts";
import { onServer } from "../proof.ts";

const file = "monitor/replication_test.ts";
const proofOf = (test: string) =>
  onServer(test, {
    file,
    silent: { test: "a standby that has replayed everything has no lag, and no alert fires", file },
  });
const pausedProof = proofOf(
  "a standby whose replay is paused falls behind, and alerts with its name fire",
);

const standbys = ({ view }: Snapshot) => [{
  name: "standbys",
  value: view.rows("replication")?.filter(isStandby).slice(0, 5),
}];

/** Rules about standbys: of this server, and about this server where it is a standby itself. */
export const replicationRules: readonly RuleDefinition[] = [
  {
    ...defaults,
    name: "replication_lag",
    title: "A standby is far behind",
    metric: "replication_lag_bytes",
    unit: "bytes",
    direction: "above",
    warning: GiB / 4,
    critical: 4 * GiB,
    clear: GiB / 8,
    for_seconds: 120,
    phrase: "Standby behind",
    cause:
      "Possible causes: the network or the standby's disk is too slow, its replay is paused, or a query on the standby delays it.",
    cure: [{
      sql:
        "select application_name, state, sent_lsn, replay_lsn, replay_lag from pg_stat_replication",
      lock: "none",
      risk: "reads only",
    }],
    evidence: standbys,
    inhibitedBy: { rule: "standby_missing", sameScope: true },
    runbook: {
      impact:
        "If the primary is lost now, this standby lacks that much WAL. Reads on the standby are old.",
      look: [
        { read: "/replication", shows: "each standby with its positions" },
        { read: "GET /api/sessions", shows: "whether the sender of WAL waits for the client" },
      ],
      steps: [
        "Compare sent and replayed positions. If WAL is not sent, the network is slow. If it is sent and not replayed, look at the standby: its disk, a paused replay, a long query.",
        "Reduce the load on the primary if the standby must catch up before a switch-over.",
      ],
      escalate: "at the critical level, and before any planned switch-over.",
    },
    proof: pausedProof,
  },
  {
    ...defaults,
    name: "replication_delay",
    title: "A standby replays late",
    metric: "replication_lag_seconds",
    unit: "seconds",
    direction: "above",
    warning: 30,
    critical: 300,
    clear: 10,
    for_seconds: 60,
    phrase: "Standby replays late",
    cause:
      "Queries on the standby see data that is this old. Unless replication is synchronous, a failover would lose this much.",
    evidence: standbys,
    inhibitedBy: { rule: "standby_missing", sameScope: true },
    runbook: {
      impact: "Queries on the standby see data that is this old.",
      look: [
        { read: "/replication", shows: "each standby with its delay" },
      ],
      steps: [
        "Look at the standby: a paused replay, a query that replay waits for (`max_standby_streaming_delay`), a slow disk.",
      ],
      escalate: "at the critical level, or if a failover to this standby is planned.",
    },
    proof: pausedProof,
  },
  {
    ...defaults,
    name: "standby_missing",
    title: "A standby is no longer connected",
    metric: "standby_missing",
    unit: "flag",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 120,
    phrase: "Standby not connected",
    cause:
      "Possible causes: the standby was stopped, or the network to it is interrupted. Holdfast forgets a standby after a day.",
    evidence: standbys,
    runbook: {
      impact:
        "There is one standby less to fail over to. If replication is synchronous and this was the last synchronous standby, commits wait.",
      look: [
        { read: "/replication", shows: "the standbys that are connected, and the slots" },
      ],
      steps: [
        "Check the standby's process and its log.",
        "If it asks for WAL that the primary no longer has, build it anew, or let it fetch from the archive (`restore_command`).",
        "If it was retired on purpose, wait: Holdfast forgets it after a day. Drop its slot.",
      ],
      escalate: "at once if `write_slow` fires too: commits wait for it.",
    },
    proof: proofOf("a standby that disconnects is reported missing until it is back"),
  },
  {
    ...defaults,
    name: "standby_delay",
    title: "This standby is behind the WAL that it received",
    metric: "standby_replay_delay_seconds",
    unit: "seconds",
    direction: "above",
    warning: 30,
    critical: 300,
    clear: 10,
    for_seconds: 60,
    phrase: "Replay behind",
    cause:
      "Possible causes: replay is paused, is delayed on purpose (recovery_min_apply_delay), waits for a query (max_standby_streaming_delay, max_standby_archive_delay), or the disk is slow.",
    cure: [{
      sql: "select pg_wal_replay_resume()",
      lock: "none",
      risk: "helps only where replay was paused",
    }],
    inhibitedBy: { rule: "standby_cut", sameScope: false },
    runbook: {
      impact: "This server is a standby, and queries on it see old data.",
      look: [
        { read: "GET /api/health", shows: "the checks of the standby say what holds replay up" },
        { read: "GET /api/sessions", shows: "queries that replay waits for" },
      ],
      steps: [
        "If replay was paused, resume it with the statement below.",
        "If a query holds replay up, cancel it with `POST /api/locks/{pid}/cancel`, or let reports run on another standby.",
      ],
      escalate: "at the critical level, if this standby is the one for a failover.",
    },
    proof: pausedProof,
  },
  {
    ...defaults,
    name: "standby_paused",
    title: "The replay of this standby is paused",
    metric: "standby_paused",
    unit: "flag",
    direction: "above",
    warning: 1,
    critical: null,
    clear: 0,
    for_seconds: 600,
    phrase: "Replay paused",
    cause:
      "Possible causes: somebody called pg_wal_replay_pause(), a recovery target was reached, or a setting is lower than on the primary. Queries see old data, and Holdfast does not see WAL that waits in an archive.",
    cure: [{
      sql: "select pg_wal_replay_resume()",
      lock: "none",
      risk: "replays what the pause was meant to hold back",
    }],
    runbook: {
      impact:
        "Replay stands still, so queries see data of the moment when it was paused. WAL accumulates.",
      look: [
        { read: "GET /api/health", shows: "the check of the standby says why it is paused" },
      ],
      steps: [
        "Ask who paused it: somebody may be rescuing data. Then resume with the statement below.",
        "If a setting is lower than on the primary, the server's log names it: raise it and restart the standby.",
      ],
      escalate: "before you resume if you do not know why it was paused.",
    },
    proof: pausedProof,
  },
  {
    ...defaults,
    name: "standby_cut",
    title: "This standby receives nothing from its primary",
    metric: "standby_receiving",
    unit: "flag",
    direction: "below",
    warning: null,
    critical: 0,
    clear: 1,
    for_seconds: 60,
    phrase: "Standby cut off from its primary",
    cause:
      "Possible causes: the primary is down, the network is interrupted, or the primary no longer has the WAL that this standby needs.",
    runbook: {
      impact:
        "This standby receives nothing. The data of a failover to it ends where the stream ended.",
      look: [
        { read: "GET /api/health", shows: "the checks of the standby" },
        { read: "deno task doctor", shows: "whether the primary can be reached from here" },
      ],
      steps: [
        "Check whether the primary is alive. If it is lost, this is the moment to decide on a failover.",
        "If the primary lives, read the standby's log: a refused login, a missing slot, or WAL that was removed.",
      ],
      escalate: "at once, if the primary cannot be reached either.",
    },
    proof: proofOf("a standby that loses the connection to its primary reports it"),
  },
];
