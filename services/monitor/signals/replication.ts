import type { CollectorRows } from "../../../db/collectors/list.ts";
import type { Scoped, Signal, View } from "./signal.ts";

const slots = (
  { rows }: View,
  value: (slot: CollectorRows["slots"]) => number | null,
): Scoped[] | undefined => rows("slots")?.map((row) => ({ scope: row.slot, value: value(row) }));

const flag = (value: boolean | null | undefined) =>
  typeof value === "boolean" ? Number(value) : null;

type Receiver = CollectorRows["replication"];

export const standbyName = (row: Receiver) => row.application_name || row.client;

export const isStandby = ({ kind }: Receiver) => kind === "standby";

/** Returns the number of receivers of a kind; null where this role may not see other sessions. */
const countOf = ({ rows, seesAll }: View, kind: Receiver["kind"]) =>
  seesAll ? rows("replication")?.filter((row) => row.kind === kind).length : null;

/** Returns a value per standby name: the worst of those that share it, and null for a standby that is gone. */
function standbys(
  { rows, seesAll, standbys: seen }: View,
  value: (standby: Receiver) => number | null,
): Scoped[] | undefined {
  const found = rows("replication")?.filter(isStandby);
  if (!found) return undefined;
  const worst = new Map<string, number | null>();
  for (const row of found) {
    const scope = standbyName(row);
    const now = seesAll ? value(row) : null;
    const before = worst.get(scope);
    worst.set(
      scope,
      before === undefined || before === null || now === null
        ? now ?? before ?? null
        : Math.max(before, now),
    );
  }
  for (const scope of seen) if (!worst.has(scope)) worst.set(scope, null);
  return [...worst].map(([scope, value]) => ({ scope, value }));
}

export const replicationSignals: readonly Signal[] = [
  {
    name: "standbys",
    unit: "count",
    collector: "replication",
    about: "Standbys that stream from this server, without backups, archivers and subscribers",
    read: (view) => countOf(view, "standby"),
  },
  {
    name: "wal_archivers",
    unit: "count",
    collector: "replication",
    about:
      "Receivers that stream WAL to store it: pg_receivewal, Barman, or the stream of a pg_basebackup",
    read: (view) => countOf(view, "archiver"),
  },
  {
    name: "wal_archiver_lag_bytes",
    unit: "bytes",
    collector: "replication",
    of: "archiver",
    about:
      "WAL that an archiver has not flushed to its disk; pg_receivewal without --synchronous reports it file by file",
    read: ({ rows, seesAll }) =>
      rows("replication")?.filter(({ kind }) => kind === "archiver").map((row) => ({
        scope: standbyName(row),
        value: seesAll ? row.unflushed_bytes : null,
      })),
  },
  {
    name: "logical_subscribers",
    unit: "count",
    collector: "replication",
    about: "Receivers of logical changes: subscriptions, pg_recvlogical, change data capture",
    read: (view) => countOf(view, "subscriber"),
  },
  {
    name: "replication_lag_bytes",
    unit: "bytes",
    collector: "replication",
    of: "standby",
    about: "WAL that a standby has not replayed",
    read: (view) => standbys(view, ({ lag_bytes }) => lag_bytes),
  },
  {
    name: "replication_lag_seconds",
    unit: "seconds",
    collector: "replication",
    of: "standby",
    about:
      "Time from a recent commit on this server to its replay on the standby; 0 for a standby that has replayed everything",
    read: (view) =>
      standbys(view, ({ lag_seconds, lag_bytes }) => lag_seconds ?? (lag_bytes === 0 ? 0 : null)),
  },
  {
    name: "standby_missing",
    unit: "flag",
    collector: "replication",
    of: "standby",
    about: "1 when a standby that streamed within the last day does not stream now",
    read: ({ rows, seesAll, standbys: seen }) => {
      // A standby that has just reconnected has not reported how far it has replayed.
      const present = rows("replication")?.map(standbyName);
      return present && seen.map((scope) => ({
        scope,
        // A role that lost pg_monitor sees no standby, but none is missing.
        value: seesAll ? Number(!present.includes(scope)) : null,
      }));
    },
  },
  {
    name: "standby_replay_delay_seconds",
    unit: "seconds",
    collector: "standby",
    about:
      "On a standby: how long it has had WAL, streamed or in its archive, that it has not replayed; 0 when it has replayed everything",
    read: ({ standby }) => standby?.delay_seconds,
  },
  {
    name: "standby_receiving",
    unit: "flag",
    collector: "standby",
    about:
      "On a standby: 1 while it streams from its primary, 0 when the connection is lost; unknown for a standby that restores from an archive",
    read: ({ standby }) => flag(standby?.receiving),
  },
  {
    name: "standby_paused",
    unit: "flag",
    collector: "standby",
    about: "On a standby: 1 while its replay is paused",
    read: ({ standby }) => flag(standby?.paused),
  },
  {
    name: "slot_retained_bytes",
    unit: "bytes",
    collector: "slots",
    of: "slot",
    about: "WAL that this server keeps for the slot",
    read: (view) => slots(view, ({ retained_bytes }) => retained_bytes),
  },
  {
    name: "slot_safe_bytes",
    unit: "bytes",
    collector: "slots",
    of: "slot",
    about:
      "WAL that can be written before the slot is lost; unknown without max_slot_wal_keep_size",
    read: (view) => slots(view, ({ safe_bytes }) => safe_bytes),
  },
  {
    name: "slot_safe_ratio",
    unit: "ratio",
    collector: "slots",
    of: "slot",
    about:
      "Share of max_slot_wal_keep_size that is left before the slot is lost; unknown without that setting",
    read: (view) =>
      slots(
        view,
        ({ safe_bytes, retained_bytes }) =>
          safe_bytes === null || retained_bytes === null || safe_bytes + retained_bytes <= 0
            ? null
            : Math.max(0, safe_bytes) / (Math.max(0, safe_bytes) + retained_bytes),
      ),
  },
  {
    name: "slot_inactive_seconds",
    unit: "seconds",
    collector: "slots",
    of: "slot",
    minVersion: 170_000,
    about: "Time since the slot was last in use; 0 while it is in use",
    read: (view) => slots(view, ({ active, inactive_seconds }) => active ? 0 : inactive_seconds),
  },
  {
    name: "slot_lost",
    unit: "flag",
    collector: "slots",
    of: "slot",
    about: "1 when WAL that the slot needs has been removed: its consumer must be rebuilt",
    read: (view) =>
      slots(
        view,
        ({ wal_status, invalidation_reason }) =>
          Number(wal_status === "lost" || invalidation_reason !== null),
      ),
  },
];
