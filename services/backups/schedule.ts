import { type BackupRecord, isProven } from "./record.ts";
import { notAhead } from "./retention.ts";

const hour = 3_600_000;
/** No job starts this soon after the start of Holdfast or after a failure. */
const graceMs = hour;

export type Due = "backup" | "drill";

/** Returns the backup whose age and proof count: the newest complete one that is not dated ahead. `records` are newest first. Pure. */
export const newestComplete = (
  records: readonly BackupRecord[],
  now: number,
): BackupRecord | undefined => notAhead(records, now).find(({ status }) => status === "complete");

/** Returns what is due now: a backup, a drill of the newest one, or nothing. `records` are newest first. Pure. */
export function whatIsDue(
  { records, now, startedAt, backupHours, drillHours, lastFailureAt, lastDrillAt }: {
    records: readonly BackupRecord[];
    now: number;
    startedAt: number;
    /** 0: never. */
    backupHours: number;
    drillHours: number;
    lastFailureAt: number | undefined;
    lastDrillAt: number | undefined;
  },
): Due | undefined {
  const since = (at: number) => Math.abs(now - at);
  if (lastFailureAt !== undefined && since(lastFailureAt) < graceMs) return undefined;
  const newest = newestComplete(records, now);
  if (backupHours > 0) {
    const age = newest ? now - Date.parse(newest.started_at) : undefined;
    const due = age === undefined ? since(startedAt) >= graceMs : age >= backupHours * hour;
    if (due) return "backup";
  }
  if (drillHours === 0 || !newest || newest.kind !== "base") return undefined;
  // Backups that were taken by hand are drilled too, but only where a schedule is set.
  if (backupHours === 0) return undefined;
  const proofAt = newest.proof ? Date.parse(newest.proof.at) : undefined;
  const lastProof = proofAt !== undefined && proofAt - now > graceMs ? 0 : proofAt;
  const last = Math.max(
    lastProof ?? 0,
    newest.proof && lastDrillAt !== undefined && lastDrillAt <= now ? lastDrillAt : 0,
  );
  if (!isProven(newest) && !newest.proof) return "drill";
  return now - last >= drillHours * hour ? "drill" : undefined;
}
