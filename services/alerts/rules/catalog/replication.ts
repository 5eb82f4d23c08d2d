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
    proof: proofOf("a standby that loses the connection to its primary reports it"),
  },
];
