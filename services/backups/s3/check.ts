import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { messageOf } from "../../../errors.ts";
import { firstSegment } from "../catalogue.ts";
import { type BackupRecord, recordName } from "../record.ts";
import { partsOf, segmentName } from "../wal/segments.ts";
import type { Bucket } from "./client/bucket.ts";
import type { Inventory } from "./inventory.ts";
import { backupKey, walKey } from "./names.ts";
import { StorageError } from "./client/request.ts";

interface Work {
  bucket: Bucket;
  inventory: Inventory;
  signal: AbortSignal;
}

/** Reads an object and returns its size and SHA-256. */
async function hashObject({ bucket, signal }: Omit<Work, "inventory">, key: string) {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of bucket.read(key, signal)) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Returns the SHA-256 of an archived segment's content, or why it cannot be unpacked. */
async function hashUnpacked({ bucket, signal }: Omit<Work, "inventory">, key: string) {
  const hash = createHash("sha256");
  try {
    await pipeline(Readable.from(bucket.read(key, signal)), createGunzip(), async (chunks) => {
      for await (const chunk of chunks as AsyncIterable<Uint8Array>) hash.update(chunk);
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof StorageError) throw error;
    return messageOf(error);
  }
  return hash.digest("hex");
}

/**
 * Reads the copy of a backup back, one object at a time, and the WAL from its start on, and compares each with its
 * SHA-256. Returns the problems, each naming its file. Files that are damaged there and intact here are removed, the
 * backup's record first, so that the copy counts as incomplete and the next cycle replaces it.
 */
export async function checkCopy(
  work: Work,
  { record, intactHere, archived }: {
    record: BackupRecord;
    /** Whether the local files of the backup are intact. */
    intactHere: boolean;
    /** Files of the local WAL archive. */
    archived: ReadonlySet<string>;
  },
): Promise<{ files: string[]; wal: string[] }> {
  const { bucket, inventory, signal } = work;
  const { system, id } = record;
  const problems = { files: [] as string[], wal: [] as string[] };
  const stored = inventory.backups.get(id);
  for (const [name, expected] of Object.entries(record.files)) {
    const found = await hashObject(work, backupKey(system, id, name));
    if (found.bytes === expected.bytes && found.sha256 === expected.sha256) continue;
    problems.files.push(
      found.bytes === expected.bytes
        ? `${name} of the copy is damaged: its SHA-256 is another`
        : `${name} of the copy has ${found.bytes} bytes, not ${expected.bytes}`,
    );
    if (!intactHere) continue;
    if (stored?.files.has(recordName)) {
      await bucket.remove(backupKey(system, id, recordName), signal);
      stored.files.delete(recordName);
      stored.record = undefined;
    }
    await bucket.remove(backupKey(system, id, name), signal);
    stored?.files.delete(name);
  }
  if (!record.start_lsn || !record.embedded) return problems;
  const number = (segment: string) => partsOf(segment, record.segment_bytes).number;
  const first = number(firstSegment(record));
  for (const { name, file, sha256 } of [...inventory.wal.values()]) {
    if (segmentName.test(name) && number(name) < first) continue;
    if (await hashUnpacked(work, walKey(system, file)) === sha256) continue;
    problems.wal.push(`WAL segment ${name} of the copy is damaged`);
    if (!archived.has(file)) continue;
    await bucket.remove(walKey(system, file), signal);
    inventory.wal.delete(file);
  }
  return problems;
}
