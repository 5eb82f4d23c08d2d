import { publicReport } from "../../partitions/report/report.ts";
import { recommend } from "../diagnosis/advice.ts";
import { publicTable, unmanagedTotals } from "../unmanaged/unmanaged.ts";
import type { Snapshot, Status } from "../snapshot.ts";
import { checksOf } from "./checks.ts";

const iso = (ms: number | undefined) => ms === undefined ? null : new Date(ms).toISOString();

/** Returns the tables without a policy as last judged; undefined while the server is unreachable or they are not known. */
const unmanagedOf = ({ view, unreachable }: Snapshot) => unreachable ? undefined : view.unmanaged;

/** Returns the totals of all tables partitioned by range; null is unknown, also while the server is unreachable. */
export function partitionHealth(snapshot: Snapshot) {
  const { tables, tablesAt, tablesFresh, unreachable } = snapshot;
  const known = tablesFresh && !unreachable;
  const runways = tables.flatMap((table) =>
    table.runway_seconds === null ? [] : [table.runway_seconds]
  );
  const holes = tables.reduce((sum, table) => sum + table.holes.length, 0);
  // A table that was not read may have holes; those that were found are there.
  const isUnread = tables.some(({ unread, leaves_unknown }) => unread || leaves_unknown > 0);
  return {
    checked_at: iso(tablesAt),
    tables_managed: known ? tables.length : null,
    partitions: known ? tables.reduce((sum, table) => sum + table.partitions, 0) : null,
    runway_seconds: known && runways.length > 0 ? Math.min(...runways) : null,
    holes: known && (holes > 0 || !isUnread) ? holes : null,
    default_rows: known && tables.every((table) => table.default_rows !== null)
      ? tables.reduce((sum, table) => sum + (table.default_rows ?? 0), 0)
      : null,
    ...unmanagedTotals(unmanagedOf(snapshot)),
    problems: tables.flatMap((table) =>
      table.problems.map((problem) => `${table.table}: ${problem}`)
    ),
  };
}

/** Returns the payload of a `database_performance` message. */
export function databasePerformance(snapshot: Snapshot) {
  return {
    connection_pool: snapshot.pool,
    performance_metrics: snapshot.metrics,
    partition_health: partitionHealth(snapshot),
    overall_status: snapshot.status,
  };
}

/** Returns the report on the database: `DatabaseHealthResponse`. */
export function databaseHealth(snapshot: Snapshot) {
  return {
    overall_status: snapshot.status,
    checked_at: iso(snapshot.checkedAt),
    age_ms: snapshot.checkedAt === undefined
      ? null
      : Math.max(0, snapshot.now - snapshot.checkedAt),
    checks: checksOf(snapshot),
    connection_pool: snapshot.pool,
    performance_metrics: snapshot.metrics,
    partition_health: partitionHealth(snapshot),
    ingest: {
      accepted: snapshot.ingest.accepted,
      quarantined: snapshot.ingest.quarantined,
      quarantined_by_reason: snapshot.ingest.byReason,
      uploads_active: snapshot.ingest.lanes.active,
      uploads_waiting: snapshot.ingest.lanes.waiting,
    },
    ...(snapshot.reads ? { reads: snapshot.reads } : {}),
    backups: snapshot.backups,
    alerts: snapshot.firing,
    recommendations: recommend(snapshot),
  };
}

/** Returns the report on tables partitioned by range: `PartitionHealthResponse`. */
export function partitionsHealth(snapshot: Snapshot) {
  const { tables, tablesAt, tablesFresh, unreachable } = snapshot;
  const worst = tables.some((table) => table.runway_seconds !== null && table.runway_seconds <= 0)
    ? "unhealthy"
    : tables.some((table) => table.problems.length > 0)
    ? "degraded"
    : "healthy";
  const known = !unreachable && tablesFresh;
  return {
    overall_status: known ? worst : "unknown" as Status,
    checked_at: iso(tablesAt),
    // While the server is unreachable, an old runway says nothing.
    tables: tables.map((table) => {
      const report = publicReport(table);
      return known ? report : { ...report, runway_seconds: null };
    }),
    unmanaged: unmanagedOf(snapshot)?.map(publicTable) ?? null,
  };
}
