import type { Snapshot, Status } from "../snapshot.ts";
import { isOutage } from "../write_access/health.ts";

/** One finding of the health report. `observed_at`: when its source was last read. */
export interface Check {
  name: string;
  status: Status;
  detail: string;
  observed_at: string | null;
}

/** Returns the role of the server; null before it was polled. Pure. */
export function roleOf(
  { checkedAt, access }: Pick<Snapshot, "checkedAt" | "access">,
): "primary" | "standby" | null {
  if (checkedAt === undefined) return null;
  return access.cause === "standby" ? "standby" : "primary";
}

/**
 * Returns whether an error says that a table or the schema of Holdfast is missing (undefined_table, invalid_schema_name):
 * this is not the server that was prepared.
 */
export function lacksOwnTables(error: string | undefined): boolean {
  return /^(42P01|3F000): .*\bholdfast\b/.test(error ?? "");
}

/**
 * Returns the status that a firing alert gives. The alerts about a database that is down, or takes no writes, may stay
 * open for a while after its recovery: then they only degrade the status.
 */
export function statusOfAlert({ rule, severity, flapping }: Snapshot["firing"][number]): Status {
  const isOver = rule === "database_down" || rule === "write_failing" && flapping;
  return severity === "critical" && !isOver ? "unhealthy" : "degraded";
}

/**
 * Returns the overall status: unhealthy while the server is unreachable or takes no writes, unknown while it was not read
 * or its reading is older than `fastMaxAgeMs`, otherwise the worst of what fires. Pure.
 */
export function overallStatus(known: Omit<Snapshot, "status">, fastMaxAgeMs: number): Status {
  if (known.unreachable || known.ingest.diskFullSince !== undefined) return "unhealthy";
  if (known.checkedAt === undefined || known.now - known.checkedAt > fastMaxAgeMs) return "unknown";
  if (known.justBack && !isOutage(known.access)) return "unknown";
  if (lacksOwnTables(known.tablesError) || isOutage(known.access)) return "unhealthy";
  if (known.firing.some((alert) => statusOfAlert(alert) === "unhealthy")) return "unhealthy";
  return known.firing.length > 0 || known.access.warning !== null ? "degraded" : "healthy";
}
