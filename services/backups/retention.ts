import { type BackupRecord, isProven } from "./record.ts";
import { parseLsn } from "./wal/segments.ts";

const failuresKept = 5;

/** How far ahead of the clock a date may be that is believed, in milliseconds. */
const aheadMaxMs = 3_600_000;

const isAhead = ({ started_at }: BackupRecord, now: number) =>
  Date.parse(started_at) - now > aheadMaxMs;

/**
 * Backups of one server, newest first: base backups by where they begin in its WAL, which no clock moves, logical ones
 * by their dates among them. One dated ahead of `now` (milliseconds since 1970) is of unknown age: a base backup counts
 * as no newer than the one before it, a logical one comes after all others. `records` are newest first by date.
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

/** Those that are not dated in the future: what a clock that was ahead dated says nothing of its age. */
export function notAhead(records: readonly BackupRecord[], now: number): BackupRecord[] {
  return records.filter((record) => !isAhead(record, now));
}

/**
 * Which backups of one server may go, of records newest first: those beyond `keep`, but never one of the newest `keep`
 * that are proven, and never a whole one while none at all is proven, nor the one just `taken` (its id). `now` is in
 * milliseconds since 1970.
 */
export function retire(
  dated: readonly BackupRecord[],
  keep: number,
  { now, taken }: { now: number; taken?: string | undefined },
): BackupRecord[] {
  const records = newestFirst(dated, now);
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
  return [...old, ...surplus, ...bad].filter(({ id }) => id !== taken);
}
