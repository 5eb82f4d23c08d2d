import { join } from "node:path";
import { firstSegment } from "../repository.ts";
import { hashFile } from "../base/files.ts";
import { type BackupRecord, recordName, writeRecord } from "../record.ts";
import { newestFirst, retire } from "../retention.ts";
import { partsOf, segmentName } from "../wal/segments.ts";
import type { Bucket } from "./bucket.ts";
import { type Inventory, isWhole, sha256OfText, type StoredBackup } from "./inventory.ts";
import { backupKey, readKey, walKey } from "./names.ts";
import { uploadFile } from "./upload.ts";

/** What has lain half-done for this long is nobody's work any more, not even another Holdfast's. */
const abandonedMs = 24 * 3_600_000;

interface Work {
  bucket: Bucket;
  inventory: Inventory;
  signal: AbortSignal;
}

/** Writes a backup's record to the storage: the last of its files, which makes the copy one. */
export async function putRecord({ bucket, inventory, signal }: Work, record: BackupRecord) {
  const text = writeRecord(record);
  const bytes = new TextEncoder().encode(text);
  const sha256 = sha256OfText(text);
  const { system, id } = record;
  await bucket.put(backupKey(system, id, recordName), bytes, sha256, signal);
  const files = inventory.backups.get(id)?.files ?? new Map<string, number>();
  files.set(recordName, bytes.length);
  const at = new Date().toISOString();
  inventory.backups.set(id, { id, files, record, recordSha256: sha256, at });
}

/**
 * Copies one backup, its record last. Files that stand there as they should, from a try that was cut short, are not sent
 * again. Throws a StorageError, or a `conflict` when a file here is damaged.
 */
export async function copyBackup(
  work: Work,
  { record, path, partBytes, onBytes }: {
    record: BackupRecord;
    path: string;
    partBytes?: number;
    onBytes: (bytes: number, sent: boolean) => void;
  },
): Promise<void> {
  const { bucket, inventory, signal } = work;
  const files = new Map<string, number>();
  for (const [name, expected] of Object.entries(record.files)) {
    const key = backupKey(record.system, record.id, name);
    const seen = inventory.backups.get(record.id)?.files.get(name) === expected.bytes;
    const there = seen ? await bucket.head(key, signal) : undefined;
    if (there?.bytes === expected.bytes && there.sha256 === expected.sha256) {
      onBytes(expected.bytes, false);
    } else {
      await uploadFile({
        bucket,
        key,
        path: join(path, name),
        expected,
        ...(partBytes ? { partBytes } : {}),
        signal,
        onBytes: (bytes) => onBytes(bytes, true),
      });
    }
    files.set(name, expected.bytes);
  }
  inventory.backups.set(record.id, {
    id: record.id,
    files,
    record: undefined,
    recordSha256: undefined,
    at: "",
  });
  await putRecord(work, record);
}

/** Writes records anew that have changed since: a trial's result belongs to the copy, too. */
export async function refreshRecords(work: Work, records: readonly BackupRecord[]): Promise<void> {
  for (const record of records) {
    const stored = work.inventory.backups.get(record.id);
    if (record.status !== "complete" || !isWhole(stored)) continue;
    if (stored.recordSha256 !== sha256OfText(writeRecord(record))) await putRecord(work, record);
  }
}

/** Copies one file of archived WAL. Throws when the storage has another under its name. */
export async function copyWal(
  { bucket, inventory, signal }: Work,
  { system, archive, name, file, sha256 }: {
    system: string;
    archive: string;
    name: string;
    file: string;
    sha256: string;
  },
): Promise<number> {
  const twin = [...inventory.wal.values()].find((one) => one.name === name && one.file !== file);
  if (twin) {
    throw new Error(
      `${name} is in the storage with other content; neither was touched. Give each server a folder of its own`,
    );
  }
  const path = join(archive, file);
  const expected = await hashFile(path, signal);
  await uploadFile({ bucket, key: walKey(system, file), path, expected, signal });
  inventory.wal.set(file, { name, file, sha256, bytes: expected.bytes });
  return expected.bytes;
}

/** Removes the copy of a backup, its record first: from then on it looks whole no more. */
export async function removeCopy(
  { bucket, inventory, signal }: Work,
  system: string,
  { id, files }: StoredBackup,
): Promise<void> {
  const first = [...files.keys()].sort((a, b) =>
    Number(b === recordName) - Number(a === recordName)
  );
  for (const file of first) {
    await bucket.remove(backupKey(system, id, file), signal);
    files.delete(file);
    const stored = inventory.backups.get(id);
    if (stored && file === recordName) stored.record = undefined;
  }
  inventory.backups.delete(id);
}

/** The whole copies as records, newest first. */
export const copiedRecords = ({ backups }: Inventory): BackupRecord[] =>
  [...backups.values()].filter(isWhole).map(({ record }) => record)
    .sort((a, b) => a.id < b.id ? 1 : -1);

/** Which archived WAL some backup, here or there, needs: all from the oldest's start on. Undefined while there is none. */
export function whatIsNeeded(
  inventory: Inventory,
  local: readonly BackupRecord[],
): ((name: string) => boolean) | undefined {
  const placed = [...copiedRecords(inventory), ...local].filter(({ start_lsn }) => start_lsn);
  const oldest = newestFirst(placed, Infinity).at(-1);
  if (!oldest) return undefined;
  const number = (segment: string) => partsOf(segment, oldest.segment_bytes).number;
  const first = number(firstSegment(oldest));
  return (name) => !segmentName.test(name) || number(name) >= first;
}

/**
 * Removes copies by the rule that holds for the backups here, and WAL that neither a copy nor a backup here needs. What
 * stands here decides nothing else: when this disk is lost, the copies must not follow it. Answers the ids removed.
 */
export async function retireCopies(
  work: Work,
  { system, local, keep, now }: {
    system: string;
    local: readonly BackupRecord[];
    keep: number;
    now: number;
  },
): Promise<string[]> {
  const { bucket, inventory, signal } = work;
  const gone: string[] = [];
  const remove = async (stored: StoredBackup | undefined) => {
    if (!stored) return;
    await removeCopy(work, system, stored);
    gone.push(stored.id);
  };
  const whole = copiedRecords(inventory);
  for (const { id } of retire(whole, keep, { now })) await remove(inventory.backups.get(id));
  const mine = new Set(local.map(({ id }) => id));
  for (const stored of [...inventory.backups.values()]) {
    // One with a record is somebody's, even if this Holdfast cannot read it.
    const half = !stored.files.has(recordName);
    const old = now - Date.parse(stored.at) > abandonedMs;
    if (half && !mine.has(stored.id) && old) await remove(stored);
  }
  const isNeeded = whatIsNeeded(inventory, local);
  if (!isNeeded) return gone;
  for (const { name, file } of [...inventory.wal.values()]) {
    if (isNeeded(name)) continue;
    await bucket.remove(walKey(system, file), signal);
    inventory.wal.delete(file);
  }
  return gone;
}

/** Aborts uploads that nobody goes on with: those of our own backups, and others' of long ago. */
export async function sweepUploads(
  { bucket, signal }: Omit<Work, "inventory">,
  { system, mine, now }: { system: string; mine: (id: string) => boolean; now: number },
): Promise<number> {
  let swept = 0;
  for (const upload of await bucket.openUploads(`${system}/`, signal)) {
    const known = readKey(upload.key);
    if (!known) continue;
    const ours = known.kind === "backup" && mine(known.id);
    if (!ours && now - Date.parse(upload.at) <= abandonedMs) continue;
    await bucket.abortUpload(upload, signal);
    swept++;
  }
  return swept;
}
