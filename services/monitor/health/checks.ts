import type { Snapshot } from "../snapshot.ts";
import { writeChecks } from "../write_access/health.ts";
import { blindSpots, collectorChecks } from "./blind_spots.ts";
import { type Check, lacksOwnTables, statusOfAlert } from "./status.ts";

/** The longest part of an error that a detail shows; characters. */
const errorMax = 200;

const iso = (ms: number | undefined) => ms === undefined ? null : new Date(ms).toISOString();

/** Returns the findings behind the overall status, in a fixed order. Pure. */
export function checksOf(snapshot: Snapshot): Check[] {
  return [
    connectionCheck(snapshot),
    ...(snapshot.unreachable ? [] : writeChecks(snapshot.access)),
    ...storageChecks(snapshot),
    ...alertChecks(snapshot),
    partitionCheck(snapshot),
    ...backupChecks(snapshot),
    ...blindSpots(snapshot),
    ...historyChecks(snapshot),
    ...collectorChecks(snapshot),
  ];
}

function connectionCheck({ unreachable, checkedAt, now }: Snapshot): Check {
  const check = { name: "database", observed_at: iso(checkedAt) };
  if (unreachable) {
    const error = unreachable.error.slice(0, errorMax);
    const detail = `no answer since ${iso(unreachable.since)}: ${error}`;
    return { ...check, status: "unhealthy", detail };
  }
  if (checkedAt === undefined) return { ...check, status: "unknown", detail: "not asked yet" };
  const seconds = Math.round((now - checkedAt) / 1000);
  return { ...check, status: "healthy", detail: `answered ${seconds} s ago` };
}

function storageChecks({ ingest: { diskFullSince }, now }: Snapshot): Check[] {
  return diskFullSince === undefined ? [] : [{
    name: "storage",
    status: "unhealthy",
    detail: `uploads are refused: the database has no disk space left, since ${iso(diskFullSince)}`,
    observed_at: iso(now),
  }];
}

function alertChecks({ firing, unreachable, checkedAt }: Snapshot): Check[] {
  return firing.filter(({ rule }) => rule !== "database_down" || !unreachable).map((alert) => ({
    name: alert.scope ? `${alert.rule}:${alert.scope}` : alert.rule,
    status: statusOfAlert(alert),
    detail: alert.rule === "database_down"
      ? `it answers again; it was away${alert.flapping ? " several times within the hour" : ""}`
      : alert.message,
    observed_at: iso(checkedAt),
  }));
}

function partitionCheck(
  { tables, tablesAt, tablesFresh, tablesError, unreachable }: Snapshot,
): Check {
  const check = { name: "partitions", observed_at: iso(tablesAt) };
  if (lacksOwnTables(tablesError)) {
    const detail =
      `Holdfast's tables are not on this server, restart Holdfast to prepare it: ${tablesError}`;
    return { ...check, status: "unhealthy", detail };
  }
  if (!tablesFresh || unreachable) {
    const reason = tablesError ? `: ${tablesError.slice(0, errorMax)}` : "";
    return { ...check, status: "unknown", detail: `not read lately${reason}` };
  }
  const problems = tables.flatMap(({ table, problems }) =>
    problems.map((problem) => `${table}: ${problem}`)
  );
  return problems.length > 0
    ? { ...check, status: "degraded", detail: problems.slice(0, 5).join("; ") }
    : { ...check, status: "healthy", detail: `${tables.length} table(s) covered` };
}

function historyChecks(
  { history: { problem, waiting, writtenAt }, unreachable }: Snapshot,
): Check[] {
  return problem === undefined || unreachable ? [] : [{
    name: "history",
    status: "degraded",
    detail: `${waiting} sample(s) are not written yet: ${problem.slice(0, errorMax)}`,
    observed_at: iso(writtenAt),
  }];
}

/** Before the first backup there is nothing to judge; the rule backup_age fires when that lasts too long. */
function backupChecks({ backups }: Snapshot): Check[] {
  const problems = [
    ...backups.problems,
    ...backups.copy_problem ? [`not copied: ${backups.copy_problem}`] : [],
  ];
  if (backups.backups + problems.length === 0) return [];
  const { last_proven_restore_at: provenAt, recovery_seconds, proven } = backups;
  const check = { name: "backups", observed_at: provenAt };
  if (problems.length > 0) {
    return [{ ...check, status: "degraded", detail: problems.slice(0, 3).join("; ") }];
  }
  const detail = provenAt
    ? `last proven restore ${provenAt}, in ${Math.round(recovery_seconds ?? 0)} s`
    : "no backup has been restored on trial yet";
  return [{ ...check, status: proven > 0 ? "healthy" : "unknown", detail }];
}
