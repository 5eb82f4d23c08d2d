import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import type { ArchivedFile } from "../wal/archive.ts";
import { type BackupRecord, readRecord, recordName } from "../record.ts";
import type { Bucket } from "./client/bucket.ts";
import { backupKey, readKey } from "./names.ts";

/** The copy of one backup, complete or not. */
export interface StoredBackup {
  id: string;
  /** Bytes by file name. */
  files: Map<string, number>;
  /** Its record; undefined while there is no readable one: then the copy is incomplete. */
  record: BackupRecord | undefined;
  /** SHA-256 of its record's text. */
  recordSha256: string | undefined;
  /** When its newest file was written; of a complete copy that is its record. RFC 3339. */
  at: string;
}

/** Objects of one server in a storage. */
export interface Inventory {
  backups: Map<string, StoredBackup>;
  /** Archived WAL by file name. */
  wal: Map<string, ArchivedFile & { bytes: number }>;
}

export const sha256OfText = (text: string) => createHash("sha256").update(text).digest("hex");

/** A record lists two files and the notes of one drill; larger ones are not read. */
const recordBytesMax = 16 * 1024 * 1024;

/** Returns the text of a small object. */
async function readText(bucket: Bucket, key: string, signal?: AbortSignal): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of bucket.read(key, signal)) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > recordBytesMax) throw new Error(`${key} is larger than ${recordBytesMax} bytes`);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** Returns whether a copy has all files of its record, each of the right size. */
export function isComplete(stored: StoredBackup | undefined): stored is
  & StoredBackup
  & { record: BackupRecord } {
  return stored?.record !== undefined &&
    Object.entries(stored.record.files).every(([name, { bytes }]) =>
      stored.files.get(name) === bytes
    );
}

/** Reads the objects of one server: their names and sizes, and the records of its backups. */
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
      // A damaged record makes the copy incomplete: it is replaced.
    }
  }
  return inventory;
}

/** Lists the servers that a storage holds objects of. */
export async function listSystems(bucket: Bucket, signal?: AbortSignal): Promise<string[]> {
  const known = (await bucket.list("", signal)).map(({ key }) => readKey(key)?.system);
  return [...new Set(known)].filter((system) => system !== undefined);
}
