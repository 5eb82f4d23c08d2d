import { bytesText } from "../../../lib/text/format.ts";
import { createHash } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HoldfastError } from "../../../errors.ts";
import { firstSegment } from "../catalogue.ts";
import type { BackupRecord } from "../record.ts";
import { ensureFreeSpace } from "../base/files.ts";
import { historyName, missingSegments, partsOf, segmentName } from "../wal/segments.ts";
import type { Bucket } from "./client/bucket.ts";
import { copiedRecords } from "./transfer.ts";
import { type Inventory, listSystems, readInventory } from "./inventory.ts";
import { backupKey, walKey } from "./names.ts";

/** The objects of a storage by server. */
export type Storage = ReadonlyMap<string, Inventory>;

/** Reads the objects of all servers. */
export async function readStorage(bucket: Bucket, signal: AbortSignal): Promise<Storage> {
  const storage = new Map<string, Inventory>();
  for (const system of await listSystems(bucket, signal)) {
    storage.set(system, await readInventory(bucket, system, signal));
  }
  return storage;
}

/** Returns the records of the complete backups in a storage, newest first. */
export const recordsOf = (storage: Storage): BackupRecord[] =>
  [...storage.values()].flatMap(copiedRecords).sort((a, b) => a.id < b.id ? 1 : -1);

/** Downloads one object and returns its size and SHA-256. */
async function fetchObject(bucket: Bucket, key: string, to: string, signal: AbortSignal) {
  const hash = createHash("sha256");
  let bytes = 0;
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const file = await open(to, "wx", 0o600);
  try {
    for await (const piece of bucket.read(key, signal)) {
      hash.update(piece);
      bytes += piece.length;
      await file.writeFile(piece);
    }
  } finally {
    await file.close();
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Returns the archived WAL that the recovery of a backup may need, in order. */
function walFor(record: BackupRecord, { wal }: Inventory) {
  const number = (name: string) => partsOf(name, record.segment_bytes).number;
  const first = firstSegment(record);
  return [...wal.values()].sort((a, b) => a.file < b.file ? -1 : 1).filter(({ name }) =>
    historyName.test(name) || segmentName.test(name) && number(name) >= number(first)
  );
}

/** Returns missing segments, at which recovery ends. Empty across timelines, where only recovery knows which it needs. */
function gapsIn(record: BackupRecord, names: readonly string[]): string[] {
  const segments = names.filter((name) => segmentName.test(name));
  const timelines = new Set(segments.map((name) => partsOf(name, record.segment_bytes).timeline));
  if (timelines.size !== 1) return [];
  return missingSegments(segments, {
    first: firstSegment(record),
    segmentBytes: record.segment_bytes,
  });
}

/**
 * Downloads a backup, and with `wal` the WAL behind it, into the empty directory `to`, laid out as a repository. The
 * backup's files are compared with their SHA-256; the WAL is when it is unpacked. Throws a `conflict` that names a damaged
 * file.
 */
export async function fetchBackup(
  { bucket, inventory, record, wal, to, signal, say }: {
    bucket: Bucket;
    inventory: Inventory;
    record: BackupRecord;
    wal: boolean;
    to: string;
    signal: AbortSignal;
    say: (step: string) => void;
  },
): Promise<void> {
  const { system, id } = record;
  const segments = wal ? walFor(record, inventory) : [];
  const walBytes = segments.reduce((sum, { bytes }) => sum + bytes, 0);
  await ensureFreeSpace(dirname(to), record.bytes + walBytes, "the copy");
  for (const [name, expected] of Object.entries(record.files)) {
    say(`fetching ${name}, ${bytesText(expected.bytes)}`);
    const at = join(to, system, id, name);
    const found = await fetchObject(bucket, backupKey(system, id, name), at, signal);
    if (found.bytes !== expected.bytes || found.sha256 !== expected.sha256) {
      throw new HoldfastError(
        "conflict",
        `${name} of the copy is damaged: its SHA-256 is another. Choose another backup with --backup ID`,
      );
    }
  }
  if (!wal) return;
  say(`fetching ${segments.length} WAL files, ${bytesText(walBytes)}`);
  for (const { file } of segments) {
    await fetchObject(bucket, walKey(system, file), join(to, system, "wal", file), signal);
  }
  const [gap] = gapsIn(record, segments.map(({ name }) => name));
  if (gap) say(`WAL segment ${gap} is missing from the copy: recovery ends before it`);
}
