import { join } from "node:path";
import { earliestInWal, firstSegment } from "../catalogue.ts";
import { hashFile } from "../base/files.ts";
import { type BackupRecord, recordName, writeRecord } from "../record.ts";
import { retire } from "../retention.ts";
import { partsOf, segmentName } from "../wal/segments.ts";
import type { Bucket } from "./client/bucket.ts";
import { type Inventory, isComplete, sha256OfText, type StoredBackup } from "./inventory.ts";
import { backupKey, readKey, walKey } from "./names.ts";
import { uploadFile } from "./client/upload.ts";

/** Incomplete copies and uploads older than this are abandoned, also those of other instances. */
const abandonedMs = 24 * 3_600_000;

interface Work {
  bucket: Bucket;
  inventory: Inventory;
  signal: AbortSignal;
}

/** Writes a backup's record to the storage. It is the last file, and completes the copy. */
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
 * Copies one backup, its record last. Files that an interrupted attempt has sent are not sent again. Throws a
 * StorageError, or a `conflict` when a local file is damaged.
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

/** Replaces records that have changed since they were copied: a drill's result belongs to the copy too. */
export async function refreshRecords(work: Work, records: readonly BackupRecord[]): Promise<void> {
  for (const record of records) {
    const stored = work.inventory.backups.get(record.id);
    if (record.status !== "complete" || !isComplete(stored)) continue;
    if (stored.recordSha256 !== sha256OfText(writeRecord(record))) await putRecord(work, record);
  }
}

/** Copies one file of archived WAL and returns its size. Throws when the storage has other content under its name. */
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

/** Removes the copy of a backup, its record first: without it the copy counts as incomplete. */
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

/** Returns the records of complete copies, newest first. */
export const copiedRecords = ({ backups }: Inventory): BackupRecord[] =>
  [...backups.values()].filter(isComplete).map(({ record }) => record)
    .sort((a, b) => a.id < b.id ? 1 : -1);

/** Returns whether archived WAL is needed by a backup here or a copy: all from the oldest one's start. Undefined without backups. */
export function whatIsNeeded(
  inventory: Inventory,
  local: readonly BackupRecord[],
): ((name: string) => boolean) | undefined {
  const oldest = earliestInWal([...copiedRecords(inventory), ...local]);
  if (!oldest) return undefined;
  const number = (segment: string) => partsOf(segment, oldest.segment_bytes).number;
  const first = number(firstSegment(oldest));
  return (name) => !segmentName.test(name) || number(name) >= first;
}

/**
 * Applies the retention to the copies, and removes WAL that neither a copy nor a local backup needs. Copies of missing
 * local backups stay: when the local disk is lost, the copies must survive it. Returns the ids removed.
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
  const complete = copiedRecords(inventory);
  for (const { id } of retire(complete, keep, { now })) await remove(inventory.backups.get(id));
  const localIds = new Set(local.map(({ id }) => id));
  for (const stored of [...inventory.backups.values()]) {
    // A copy with a record is complete for some instance, even if this one cannot read it.
    const incomplete = !stored.files.has(recordName);
    const old = now - Date.parse(stored.at) > abandonedMs;
    if (incomplete && !localIds.has(stored.id) && old) await remove(stored);
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

/** Aborts uploads that nobody continues: those of local backups, and abandoned ones. Returns their number. */
export async function sweepUploads(
  { bucket, signal }: Omit<Work, "inventory">,
  { system, isLocal, now }: { system: string; isLocal: (id: string) => boolean; now: number },
): Promise<number> {
  let swept = 0;
  for (const upload of await bucket.openUploads(`${system}/`, signal)) {
    const known = readKey(upload.key);
    if (!known) continue;
    const ours = known.kind === "backup" && isLocal(known.id);
    if (!ours && now - Date.parse(upload.at) <= abandonedMs) continue;
    await bucket.abortUpload(upload, signal);
    swept++;
  }
  return swept;
}
