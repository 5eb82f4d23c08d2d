import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import type { ArchivedFile } from "../wal/archive.ts";
import { type BackupRecord, readRecord, recordName } from "../record.ts";
import type { Bucket } from "./bucket.ts";
import { backupKey, readKey } from "./names.ts";

/** The copy of one backup, whole or in part. */
export interface StoredBackup {
  id: string;
  /** Sizes by name of file. */
  files: Map<string, number>;
  /** What its record says; undefined while there is none, or none that can be read: then it is not whole. */
  record: BackupRecord | undefined;
  /** SHA-256 of its record's text. */
  recordSha256: string | undefined;
  /** When its record, the last of it, was put there; else its newest file. RFC 3339. */
  at: string;
}

/** What a storage holds of one server. */
export interface Inventory {
  backups: Map<string, StoredBackup>;
  /** Archived WAL by the name of its file, with its size. */
  wal: Map<string, ArchivedFile & { bytes: number }>;
}

export const sha256OfText = (text: string) => createHash("sha256").update(text).digest("hex");

/** The largest record that is read: it lists two files, and the notes of one trial. */
const recordBytesMax = 16 * 1024 * 1024;

/** The text of a small object. */
export async function readText(bucket: Bucket, key: string, signal?: AbortSignal): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of bucket.read(key, signal)) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > recordBytesMax) throw new Error(`${key} is too large`);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** Whether a copy has all files of its record, each of the right size. */
export function isWhole(stored: StoredBackup | undefined): stored is
  & StoredBackup
  & { record: BackupRecord } {
  return stored?.record !== undefined &&
    Object.entries(stored.record.files).every(([name, { bytes }]) =>
      stored.files.get(name) === bytes
    );
}

/** Reads what a storage holds of one server: the names, and the records of its backups. */
export async function readInventory(
  bucket: Bucket,
  system: string,
  signal?: AbortSignal,
): Promise<Inventory> {
  const inventory: Inventory = { backups: new Map(), wal: new Map() };
  for (const { key, bytes, at } of await bucket.list(`${system}/`, signal)) {
    const known = readKey(key);
    if (known?.kind === "wal") {
      inventory.wal.set(known.archived.file, { ...known.archived, bytes });
    } else if (known) {
      const { id, file } = known;
      const stored = inventory.backups.get(id) ??
        { id, files: new Map(), record: undefined, recordSha256: undefined, at: "" };
      stored.files.set(file, bytes);
      if (at > stored.at) stored.at = at;
      inventory.backups.set(id, stored);
    }
  }
  for (const stored of inventory.backups.values()) {
    if (!stored.files.has(recordName)) continue;
    const text = await readText(bucket, backupKey(system, stored.id, recordName), signal);
    stored.recordSha256 = sha256OfText(text);
    try {
      const record = readRecord(text);
      if (record.id === stored.id && record.system === system) stored.record = record;
    } catch {
      // A record that was damaged makes no backup: it is copied anew.
    }
  }
  return inventory;
}

/** The servers that a storage holds anything of. */
export async function listSystems(bucket: Bucket, signal?: AbortSignal): Promise<string[]> {
  const known = (await bucket.list("", signal)).map(({ key }) => readKey(key)?.system);
  return [...new Set(known)].filter((system) => system !== undefined);
}
