import process from "node:process";
import type { EventLoopLag } from "../collect/event_loop.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Family, Sample } from "./exposition.ts";
import { collectorFamilies, counterFamilies, signalFamilies } from "./server.ts";

/** Facts about this process that are not in the snapshot. */
export interface ProcessFacts {
  version: string;
  /** The start of this process; milliseconds since 1970. */
  startedAt: number;
  messages: number;
  clients: number;
  lag: EventLoopLag;
}

const family = (type: Family["type"], name: string, help: string, samples: Sample[]): Family => ({
  name,
  type,
  help,
  samples,
});
const gauge = (name: string, help: string, samples: Sample[] | number | null): Family =>
  family(
    "gauge",
    `holdfast_${name}`,
    help,
    typeof samples === "number" ? [{ value: samples }] : samples ?? [],
  );
const counter = (name: string, help: string, samples: Sample[] | number): Family =>
  family(
    "counter",
    `holdfast_${name}`,
    help,
    typeof samples === "number" ? [{ value: samples }] : samples,
  );

const databaseUpFamily = (up: boolean) =>
  gauge(
    "database_up",
    "1 when the database answered the last poll; 0 when it did not or was not polled yet",
    Number(up),
  );

const statusFamily = (present: Snapshot["status"]) =>
  gauge(
    "status",
    "1 for the present overall status, 0 for the others",
    ["healthy", "degraded", "unhealthy", "unknown"].map((status) => ({
      labels: { status },
      value: Number(status === present),
    })),
  );

function upFamilies(
  { status, unreachable, checkedAt, now, firing, access }: Snapshot,
  facts: ProcessFacts,
) {
  return [
    gauge("up", "1: this Holdfast is running", 1),
    databaseUpFamily(!unreachable && checkedAt !== undefined),
    family("info", "holdfast_build", "Version of this Holdfast", [
      { labels: { version: facts.version }, value: 1 },
    ]),
    statusFamily(status),
    gauge(
      "mode",
      "1 for the present mode, 0 for the others: writing, read_only (a primary that does not accept writes), watch_only (a standby)",
      ["writing", "read_only", "watch_only"].map((one) => ({
        labels: { mode: one },
        value: Number(one === access.mode),
      })),
    ),
    gauge(
      "snapshot_age_seconds",
      "Time since the database last answered",
      checkedAt === undefined ? null : Math.max(0, now - checkedAt) / 1000,
    ),
    gauge(
      "alerts_firing",
      "Firing alerts, by severity",
      (["warning", "critical"] as const).map((severity) => ({
        labels: { severity },
        value: firing.filter((alert) => alert.severity === severity).length,
      })),
    ),
  ];
}

function poolFamilies({ pool }: Snapshot): Family[] {
  const { p50, p95, p99 } = pool.acquire_wait_ms;
  return [
    gauge("pool_connections_limit", "Connections the application's pool may open", pool.size),
    gauge("pool_connections", "Connections of the application's pool, by state", [
      { labels: { state: "active" }, value: pool.active },
      { labels: { state: "idle" }, value: pool.idle },
    ]),
    gauge("pool_requests_waiting", "Requests that wait for a connection", pool.waiting),
    family(
      "summary",
      "holdfast_pool_acquire_wait_seconds",
      "Recent waiting times for a connection",
      [
        { labels: { quantile: "0.5" }, value: p50 / 1000 },
        { labels: { quantile: "0.95" }, value: p95 / 1000 },
        { labels: { quantile: "0.99" }, value: p99 / 1000 },
      ],
    ),
  ];
}

function ingestFamilies({ ingest }: Snapshot): Family[] {
  return [
    counter(
      "ingest_ticks_accepted",
      "Ticks stored since the start of this process",
      ingest.accepted,
    ),
    counter(
      "ingest_ticks_quarantined",
      "Ticks quarantined since the start of this process, by reason",
      Object.entries(ingest.byReason).map(([reason, value]) => ({ labels: { reason }, value })),
    ),
    gauge("ingest_uploads", "Uploads in progress, and uploads that wait for a connection", [
      { labels: { state: "active" }, value: ingest.lanes.active },
      { labels: { state: "waiting" }, value: ingest.lanes.waiting },
    ]),
  ];
}

/** Returns the figures of managed tables, which are few; without a fresh reading they have no sample. */
function partitionFamilies({ tables, tablesFresh, unreachable, metrics }: Snapshot): Family[] {
  const known = tablesFresh && !unreachable;
  const of = (value: (table: Snapshot["tables"][number]) => number | null): Sample[] =>
    known
      ? tables.slice(0, 50).flatMap((table) => {
        const found = value(table);
        return found === null ? [] : [{ labels: { table: table.table }, value: found }];
      })
      : [];
  return [
    gauge("partitions", "Partitions of a managed table", of(({ partitions }) => partitions)),
    gauge(
      "partition_runway_seconds",
      "Time until inserts find no partition",
      of(({ runway_seconds }) => runway_seconds),
    ),
    gauge(
      "partition_holes",
      "Gaps between partitions into which rows may fall",
      of(({ unread, leaves_unknown, holes }) => unread || leaves_unknown > 0 ? null : holes.length),
    ),
    gauge(
      "partition_default_rows",
      "Rows in the default partition, counted up to 1,000",
      of(({ default_rows }) => default_rows),
    ),
    gauge(
      "partition_retention_held",
      "Retention steps that are suspended until they are confirmed",
      of(({ held }) => held),
    ),
    gauge(
      "partition_leaves_refused",
      "Partitions whose sealing, archiving or dropping failed",
      of(({ refused }) => refused),
    ),
    gauge(
      "connections_by_state",
      "Client sessions by state",
      unreachable ? [] : Object.entries(metrics.connections_by_state ?? {}).map((
        [state, value],
      ) => ({ labels: { state }, value })),
    ),
  ];
}

function backupFamilies({ backups }: Snapshot): Family[] {
  const at = (time: string | null) => time === null ? null : Date.parse(time) / 1000;
  return [
    gauge("backups", "Complete backups, and backups that a test restore has verified", [
      { labels: { state: "whole" }, value: backups.backups },
      { labels: { state: "proven" }, value: backups.proven },
    ]),
    gauge("backup_problems", "Problems with backups and the WAL archive", backups.problems.length),
    gauge("backup_age_seconds", "Age of the newest backup", backups.backup_age_seconds),
    gauge(
      "backup_unproven_seconds",
      "Age of the newest backup that a test restore has verified",
      backups.unproven_seconds,
    ),
    gauge("backup_size_bytes", "Size of the newest backup", backups.last_backup_bytes),
    gauge("backup_duration_seconds", "Duration of the newest backup", backups.last_backup_seconds),
    gauge(
      "backup_last_proven_timestamp_seconds",
      "Time of the last successful test restore",
      at(backups.last_proven_restore_at),
    ),
    gauge(
      "backup_recovery_seconds",
      "Duration of recovery in the last successful test restore",
      backups.recovery_seconds,
    ),
    gauge(
      "archive_lag_seconds",
      "Age of the oldest completed WAL segment that is not archived",
      backups.archive_lag_seconds,
    ),
    ...copyFamilies(backups),
  ];
}

/** Returns nothing where copying is off. */
function copyFamilies(backups: Snapshot["backups"]): Family[] {
  if (!backups.copy_enabled) return [];
  return [
    gauge("backup_copies", "Complete backups in the S3-compatible storage", backups.copies),
    gauge("backup_copy_age_seconds", "Age of the newest copied backup", backups.copy_age_seconds),
    gauge(
      "backup_copy_lag_seconds",
      "Age of the oldest archived WAL that is not copied",
      backups.copy_lag_seconds,
    ),
    counter("backup_copy_failures", "Failed runs of copying", backups.copy_failures),
    counter("backup_copied_bytes", "Bytes of backups and WAL copied", backups.copied_bytes),
  ];
}

/** Returns nothing where no standby may answer reads. */
function readFamilies({ reads }: Snapshot): Family[] {
  if (!reads) return [];
  const { standbys } = reads;
  return [
    counter("market_reads", "Reads of ticks and candles, by the server that answered", [
      { labels: { target: "primary" }, value: reads.primary },
      ...standbys.map(({ name, served }) => ({ labels: { target: name }, value: served })),
    ]),
    counter(
      "market_reads_fallen_back",
      "Reads that the primary answered because a standby could not, by standby and reason",
      standbys.flatMap(({ name, fallen_back }) =>
        Object.entries(fallen_back).map(([reason, value]) => ({
          labels: { standby: name, reason },
          value,
        }))
      ),
    ),
    gauge(
      "read_standby_staleness_seconds",
      "Upper bound of what a standby for reads is behind the primary",
      standbys.flatMap(({ name, staleness_seconds: value }) =>
        value === null ? [] : [{ labels: { standby: name }, value }]
      ),
    ),
    gauge(
      "read_standby_used",
      "1: the standby gets reads",
      standbys.map(({ name, refusal }) => ({
        labels: { standby: name },
        value: Number(refusal === null),
      })),
    ),
  ];
}

function hubFamilies({ messages, clients }: ProcessFacts): Family[] {
  return [
    counter("hub_messages", "Messages published on the live channel", messages),
    gauge("websocket_clients", "WebSocket clients connected", clients),
  ];
}

function processFamilies({ startedAt, lag }: ProcessFacts): Family[] {
  const { rss, heapUsed } = process.memoryUsage();
  const { user, system } = process.cpuUsage();
  return [
    family("gauge", "process_resident_memory_bytes", "Resident memory of this process", [
      { value: rss },
    ]),
    family(
      "summary",
      "holdfast_event_loop_lag_seconds",
      "Delay of timers in this process within the last minute; requests wait as long",
      [
        { labels: { quantile: "0.99" }, value: lag.p99_ms / 1000 },
        { labels: { quantile: "1" }, value: lag.worst_ms / 1000 },
      ],
    ),
    gauge("heap_bytes", "Heap in use by the JavaScript engine", heapUsed),
    family("counter", "process_cpu_seconds", "CPU time of this process", [
      { value: (user + system) / 1e6 },
    ]),
    family("gauge", "process_start_time_seconds", "Start time of this process", [
      { value: startedAt / 1000 },
    ]),
  ];
}

/** Returns all metric families of /metrics; `holdfast_up` and `holdfast_database_up` always have a sample. */
export function familiesOf(snapshot: Snapshot, facts: ProcessFacts): Family[] {
  return [
    ...upFamilies(snapshot, facts),
    ...poolFamilies(snapshot),
    ...ingestFamilies(snapshot),
    ...partitionFamilies(snapshot),
    ...readFamilies(snapshot),
    ...backupFamilies(snapshot),
    ...hubFamilies(facts),
    ...processFamilies(facts),
    ...collectorFamilies(snapshot),
    ...counterFamilies(snapshot),
    ...signalFamilies(snapshot),
  ];
}

/** The families that describe the process, however many databases it has. */
export const processWide: ReadonlySet<string> = new Set([
  "holdfast_up",
  "holdfast_build",
  "holdfast_event_loop_lag_seconds",
  "holdfast_heap_bytes",
  "process_resident_memory_bytes",
  "process_cpu_seconds",
  "process_start_time_seconds",
]);

/** Returns the families of a database whose Holdfast could not be made: it is down. */
export function familiesOfMissing(status: Snapshot["status"]): Family[] {
  return [databaseUpFamily(false), statusFamily(status)];
}
