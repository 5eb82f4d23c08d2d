import type { MetricValue } from "../../alerts/alert.ts";
import { isOutage, writeChecks } from "../write_access/health.ts";
import { blindSpots, type Check, collectorChecks } from "./blind_spots.ts";
import { lowerBounds } from "../collect/lower_bounds.ts";
import { poolMetrics } from "../signals/derived.ts";
import { publicReport } from "../../partitions/report/report.ts";
import { partitionMetrics, partitionValues } from "../../partitions/report/metrics.ts";
import { recommend } from "../diagnosis/advice.ts";
import type { Snapshot, Status } from "../snapshot.ts";

const iso = (ms: number | undefined) => ms === undefined ? null : new Date(ms).toISOString();

/** undefined_table, invalid_schema_name, of Holdfast's own: a server that is not the one that was prepared. */
const ownTablesGone = (error: string | undefined) =>
  /^(42P01|3F000): .*\bholdfast\b/.test(error ?? "");

/** An alert that the database is away, or took no writes, may stay open for a while after that is over: then it only warns. */
const weightOf = ({ rule, severity, flapping }: Snapshot["firing"][number]): Status =>
  severity === "critical" && rule !== "database_down" && !(rule === "write_failing" && flapping)
    ? "unhealthy"
    : "degraded";

/** The verdict: away is unhealthy, never seen or stale is unknown, else the worst of what fires. */
export function overallStatus(
  known: Omit<Snapshot, "status">,
  fastMaxAgeMs: number,
): Status {
  if (known.unreachable || known.ingest.diskFullSince !== undefined) return "unhealthy";
  if (known.checkedAt === undefined || known.now - known.checkedAt > fastMaxAgeMs) return "unknown";
  if (known.justBack && !isOutage(known.access)) return "unknown";
  if (ownTablesGone(known.tablesError) || isOutage(known.access)) return "unhealthy";
  if (known.firing.some((alert) => weightOf(alert) === "unhealthy")) return "unhealthy";
  return known.firing.length > 0 || known.access.warning !== null ? "degraded" : "healthy";
}

/** The single findings behind the verdict, worst first. */
export function checksOf(snapshot: Snapshot): Check[] {
  const { unreachable, checkedAt, now, firing } = snapshot;
  const connection: Check = {
    name: "database",
    status: unreachable ? "unhealthy" : checkedAt === undefined ? "unknown" : "healthy",
    detail: unreachable
      ? `no answer since ${iso(unreachable.since)}: ${unreachable.error.slice(0, 200)}`
      : checkedAt === undefined
      ? "not asked yet"
      : `answered ${Math.round((now - checkedAt) / 1000)} s ago`,
    observed_at: iso(checkedAt),
  };
  const shown = firing.filter((alert) => alert.rule !== "database_down" || !unreachable);
  const alerts = shown.map((alert): Check => ({
    name: alert.scope ? `${alert.rule}:${alert.scope}` : alert.rule,
    status: weightOf(alert),
    detail: alert.rule === "database_down"
      ? `it answers again; it was away${alert.flapping ? " several times within the hour" : ""}`
      : alert.message,
    observed_at: iso(checkedAt),
  }));
  const partitions: Check = {
    name: "partitions",
    status: ownTablesGone(snapshot.tablesError)
      ? "unhealthy"
      : !snapshot.tablesFresh || unreachable
      ? "unknown"
      : snapshot.tables.some((table) => table.problems.length > 0)
      ? "degraded"
      : "healthy",
    detail: ownTablesGone(snapshot.tablesError)
      ? `Holdfast's tables are not on this server, restart Holdfast to prepare it: ${snapshot.tablesError}`
      : !snapshot.tablesFresh || unreachable
      ? `not read lately${snapshot.tablesError ? `: ${snapshot.tablesError.slice(0, 200)}` : ""}`
      : snapshot.tables.flatMap((table) =>
        table.problems.map((problem) => `${table.table}: ${problem}`)
      )
        .slice(0, 5).join("; ") || `${snapshot.tables.length} table(s) covered`,
    observed_at: iso(snapshot.tablesAt),
  };
  const { diskFullSince } = snapshot.ingest;
  const storage: Check[] = diskFullSince === undefined ? [] : [{
    name: "storage",
    status: "unhealthy",
    detail: `uploads are refused: the database has no disk space left, since ${iso(diskFullSince)}`,
    observed_at: iso(now),
  }];
  const history: Check[] = snapshot.history.problem === undefined || unreachable ? [] : [{
    name: "history",
    status: "degraded",
    detail: `${snapshot.history.waiting} sample(s) wait to be written: ${
      snapshot.history.problem.slice(0, 200)
    }`,
    observed_at: iso(snapshot.history.writtenAt),
  }];
  const { backups } = snapshot;
  // Before the first one there is nothing to judge; the rule backup_age tells when that lasts too long.
  const amiss = [
    ...backups.problems,
    ...backups.copy_problem ? [`not copied: ${backups.copy_problem}`] : [],
  ];
  const backup: Check[] = backups.backups + amiss.length === 0 ? [] : [{
    name: "backups",
    status: amiss.length > 0 ? "degraded" : backups.proven > 0 ? "healthy" : "unknown",
    detail: amiss.slice(0, 3).join("; ") ||
      (backups.last_proven_restore_at
        ? `last proven restore ${backups.last_proven_restore_at}, in ${
          Math.round(backups.recovery_seconds ?? 0)
        } s`
        : "no backup has been restored on trial yet"),
    observed_at: backups.last_proven_restore_at,
  }];
  return [
    connection,
    ...(unreachable ? [] : writeChecks(snapshot.access)),
    ...storage,
    ...alerts,
    partitions,
    ...backup,
    ...blindSpots(snapshot),
    ...history,
    ...collectorChecks(snapshot),
  ];
}

/** Managed tables in sum, as part of the database's health. */
export function partitionHealth(snapshot: Snapshot) {
  const { tables, tablesAt, tablesFresh } = snapshot;
  const runways = tables.flatMap((table) =>
    table.runway_seconds === null ? [] : [table.runway_seconds]
  );
  return {
    checked_at: iso(tablesAt),
    tables_managed: tablesFresh ? tables.length : null,
    partitions: tablesFresh ? tables.reduce((sum, table) => sum + table.partitions, 0) : null,
    runway_seconds: tablesFresh && runways.length > 0 ? Math.min(...runways) : null,
    holes: tablesFresh ? tables.reduce((sum, table) => sum + table.holes.length, 0) : null,
    default_rows: tablesFresh && tables.every((table) => table.default_rows !== null)
      ? tables.reduce((sum, table) => sum + (table.default_rows ?? 0), 0)
      : null,
    problems: tables.flatMap((table) =>
      table.problems.map((problem) => `${table.table}: ${problem}`)
    ),
  };
}

/** The payload of a `database_performance` message. */
export function databasePerformance(snapshot: Snapshot) {
  return {
    connection_pool: snapshot.pool,
    performance_metrics: snapshot.metrics,
    partition_health: partitionHealth(snapshot),
    overall_status: snapshot.status,
  };
}

/** The whole report on the database: `DatabaseHealthResponse`. */
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
    backups: snapshot.backups,
    alerts: snapshot.firing,
    recommendations: recommend(snapshot),
  };
}

/** The report on managed tables. */
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
    // A runway of minutes ago is a promise nobody can keep while the server is away.
    tables: tables.map((table) => {
      const told = publicReport(table);
      return known ? told : { ...told, runway_seconds: null };
    }),
  };
}

/** Metrics all of whose scopes were just read: an alert on a scope that is not among them is over. */
export function completeMetrics(
  snapshot: Omit<Snapshot, "status">,
  ofSignals: readonly string[],
): Set<string> {
  if (snapshot.unreachable) return new Set();
  return new Set([...ofSignals, ...(snapshot.tablesFresh ? partitionMetrics : [])]);
}

/** What the rules judge, from a snapshot; unknown stays null. */
export function metricValues(snapshot: Snapshot): MetricValue[] {
  const server = (metric: string, value: number | null): MetricValue => ({
    metric,
    scope: "",
    value,
  });
  const backedUpElsewhere = snapshot.access.mode === "watch_only";
  const floors = snapshot.unreachable ? {} : lowerBounds(snapshot);
  return [
    server("database_down", snapshot.unreachable ? 1 : snapshot.checkedAt === undefined ? null : 0),
    // What was read before the server went away says nothing of now, and must not resolve an alert.
    ...snapshot.signals.map(({ name, scope, value }) => ({
      metric: name,
      scope,
      value: snapshot.unreachable ? null : value,
      ...(scope === "" && value === null ? { floor: floors[name] } : {}),
    })),
    server("backup_age_seconds", backedUpElsewhere ? null : snapshot.backups.backup_age_seconds),
    server("backup_unproven_seconds", backedUpElsewhere ? null : snapshot.backups.unproven_seconds),
    server("backup_problems", snapshot.backups.problems.length),
    server("archive_lag_seconds", snapshot.backups.archive_lag_seconds),
    server("backup_copy_age_seconds", snapshot.backups.copy_age_seconds),
    server("backup_copy_lag_seconds", snapshot.backups.copy_lag_seconds),
    ...Object.entries(poolMetrics(snapshot.pool)).map(([name, value]) => server(name, value)),
    ...partitionValues(snapshot),
  ];
}
