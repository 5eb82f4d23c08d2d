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

/** How many receivers are of a kind; a role that sees no other sessions sees none of them. */
const countOf = ({ rows, seesAll }: View, kind: Receiver["kind"]) =>
  seesAll ? rows("replication")?.filter((row) => row.kind === kind).length : null;

/** Standbys may share a name; the worst of them stands for it. One that is gone is unknown, not caught up. */
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
    about: "Standbys that stream from this server; backups, archivers and subscribers are none",
    read: (view) => countOf(view, "standby"),
  },
  {
    name: "wal_archivers",
    unit: "count",
    collector: "replication",
    about:
      "Who streams WAL to keep it: pg_receivewal, Barman, or the stream beside a pg_basebackup",
    read: (view) => countOf(view, "archiver"),
  },
  {
    name: "wal_archiver_lag_bytes",
    unit: "bytes",
    collector: "replication",
    of: "archiver",
    about:
      "WAL that such an archiver has not on its disk; pg_receivewal without --synchronous says so file by file",
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
    about: "Who receives changes of tables: subscriptions, pg_recvlogical, change data capture",
    read: (view) => countOf(view, "subscriber"),
  },
  {
    name: "replication_lag_bytes",
    unit: "bytes",
    collector: "replication",
    of: "standby",
    about: "WAL that a standby has not replayed yet",
    read: (view) => standbys(view, ({ lag_bytes }) => lag_bytes),
  },
  {
    name: "replication_lag_seconds",
    unit: "seconds",
    collector: "replication",
    of: "standby",
    about: "Time from a recent commit here to its replay there; 0 for an idle standby that has all",
    read: (view) =>
      standbys(view, ({ lag_seconds, lag_bytes }) => lag_seconds ?? (lag_bytes === 0 ? 0 : null)),
  },
  {
    name: "standby_missing",
    unit: "flag",
    collector: "replication",
    of: "standby",
    about: "1 when a standby that streamed within the last day does not any more",
    read: ({ rows, seesAll, standbys: seen }) => {
      // One that has just come back has not said yet how far it has replayed.
      const present = rows("replication")?.map(standbyName);
      return present && seen.map((scope) => ({
        scope,
        // Who lost pg_monitor sees no standby, and misses none.
        value: seesAll ? Number(!present.includes(scope)) : null,
      }));
    },
  },
  {
    name: "standby_replay_delay_seconds",
    unit: "seconds",
    collector: "standby",
    about:
      "On a standby: how long it has had WAL that it did not replay, streamed or in its archive; 0 when it has replayed all",
    read: ({ standby }) => standby?.delay_seconds,
  },
  {
    name: "standby_receiving",
    unit: "flag",
    collector: "standby",
    about:
      "On a standby: 1 while it streams from its primary, 0 when the link is cut; unknown for one that lives on an archive",
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
    about: "WAL kept on this server for the slot",
    read: (view) => slots(view, ({ retained_bytes }) => retained_bytes),
  },
  {
    name: "slot_safe_bytes",
    unit: "bytes",
    collector: "slots",
    of: "slot",
    about:
      "WAL that can still be written before the slot is lost; unknown without max_slot_wal_keep_size",
    read: (view) => slots(view, ({ safe_bytes }) => safe_bytes),
  },
  {
    name: "slot_inactive_seconds",
    unit: "seconds",
    collector: "slots",
    of: "slot",
    minVersion: 170_000,
    about: "Since when nobody has used the slot; 0 while it is used",
    read: (view) => slots(view, ({ active, inactive_seconds }) => active ? 0 : inactive_seconds),
  },
  {
    name: "slot_lost",
    unit: "flag",
    collector: "slots",
    of: "slot",
    about: "1 when WAL the slot needs is gone: its consumer must be made anew",
    read: (view) =>
      slots(
        view,
        ({ wal_status, invalidation_reason }) =>
          Number(wal_status === "lost" || invalidation_reason !== null),
      ),
  },
];
