import { type BackupRecord, isProven, isReadable } from "./record.ts";
import { parseLsn } from "./wal/segments.ts";

const failuresKept = 5;

/** Dates at most this far ahead of the clock are accepted; milliseconds. */
const aheadMaxMs = 3_600_000;

const isAhead = ({ started_at }: BackupRecord, now: number) =>
  Date.parse(started_at) - now > aheadMaxMs;

/**
 * Returns the backups of one server, newest first. Base backups are ordered by their start in the WAL, which does not
 * depend on a clock; logical ones are placed among them by date. A date ahead of `now` (milliseconds since 1970) is not
 * used: a base backup then counts as no newer than the one before it, a logical one comes last. `records` are newest
 * first by date. Pure.
 */
export function newestFirst(records: readonly BackupRecord[], now: number): BackupRecord[] {
  const place = ({ start_lsn }: BackupRecord) => start_lsn === null ? 0n : parseLsn(start_lsn);
  const placed = records.filter(({ start_lsn }) => start_lsn !== null).sort((a, b) => {
    const timelines = (b.timeline ?? 0) - (a.timeline ?? 0);
    if (timelines !== 0) return timelines;
    return place(a) === place(b) ? 0 : place(a) > place(b) ? -1 : 1;
  });
  const dates = new Map<BackupRecord, string>();
  let before = "";
  for (const record of placed.toReversed()) {
    if (!isAhead(record, now)) before = record.started_at;
    dates.set(record, before);
  }
  const logical = records.filter(({ start_lsn }) => start_lsn === null);
  const dated = logical.filter((record) => !isAhead(record, now));
  const merged: BackupRecord[] = [];
  while (placed.length + dated.length > 0) {
    const [a, b] = [placed[0], dated[0]];
    const first = !b || a && (dates.get(a) ?? "") >= b.started_at ? placed : dated;
    merged.push(...first.splice(0, 1));
  }
  return [...merged, ...logical.filter((record) => isAhead(record, now))];
}

/** Returns the records that are not dated in the future. A date from a clock that was ahead does not show the age. Pure. */
export function notAhead(records: readonly BackupRecord[], now: number): BackupRecord[] {
  return records.filter((record) => !isAhead(record, now));
}

/**
 * Returns the backups of one server that may be removed: those beyond the newest `keep`, except the newest `keep` proven
 * ones, complete ones while too few are proven, those whose record cannot be read, and the one just `taken` (its id). `dated`
 * are newest first by date; `now` is in milliseconds since 1970. Pure.
 */
export function retire(
  dated: readonly BackupRecord[],
  keep: number,
  { now, taken }: { now: number; taken?: string | undefined },
): BackupRecord[] {
  const records = newestFirst(dated, now);
  const complete = records.filter(({ status }) => status === "complete");
  const proven = complete.filter(isProven);
  const kept = new Set([...complete.slice(0, keep), ...proven.slice(0, keep)]);
  const provenEnough = proven.length >= keep;
  // The files of an unreadable one may be intact: a person decides.
  const bad = records.filter((one) => one.status !== "complete" && isReadable(one))
    .slice(failuresKept);
  const old = provenEnough ? complete.filter((record) => !kept.has(record)) : [];
  // Limits how many unproven backups accumulate while too few are proven.
  const surplus = provenEnough
    ? []
    : complete.filter((record) => !kept.has(record) && !isProven(record)).slice(keep);
  return [...old, ...surplus, ...bad].filter(({ id }) => id !== taken);
}
