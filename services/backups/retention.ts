import { type BackupRecord, isProven } from "./record.ts";

const failuresKept = 5;

/**
 * Which backups of one server may go, of records newest first: those beyond `keep`, but never one of the newest `keep`
 * that are proven, and never a whole one while none at all is proven.
 */
export function retire(records: readonly BackupRecord[], keep: number): BackupRecord[] {
  const whole = records.filter(({ status }) => status === "complete");
  const proven = whole.filter(isProven);
  const kept = new Set([...whole.slice(0, keep), ...proven.slice(0, keep)]);
  const provenEnough = proven.length >= keep;
  const bad = records.filter(({ status }) => status !== "complete").slice(failuresKept);
  const old = provenEnough ? whole.filter((record) => !kept.has(record)) : [];
  // Unproven ones do not pile up for ever behind proven ones that are too few.
  const surplus = provenEnough
    ? []
    : whole.filter((record) => !kept.has(record) && !isProven(record)).slice(keep);
  return [...old, ...surplus, ...bad];
}
