import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { HoldfastError } from "../../../../errors.ts";
import type { Bucket } from "./bucket.ts";
import { StorageError } from "./request.ts";

const MiB = 1024 * 1024;
const defaultPartBytes = 16 * MiB;
/** S3 allows 10,000 parts. */
const partsMax = 9_000;
/** Bytes that are read and hashed at a time. */
const stepBytes = MiB;

type FileHandle = Awaited<ReturnType<typeof open>>;

/** Fills `buffer` from a file and hashes what it reads. Returns the number of bytes read. */
async function fill(
  file: FileHandle,
  buffer: Uint8Array<ArrayBuffer>,
  hash: ReturnType<typeof createHash>,
): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const length = Math.min(stepBytes, buffer.length - filled);
    const { bytesRead } = await file.read(buffer, filled, length, null);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(filled, filled + bytesRead));
    filled += bytesRead;
  }
  return filled;
}

/** Returns the size of a part, which is also the memory an upload takes: larger than `partBytes` only where S3 would not allow as many parts. */
export const partSize = (bytes: number, partBytes: number) =>
  Math.max(partBytes, Math.ceil(bytes / partsMax / MiB) * MiB);

/**
 * Uploads a file, in parts when it is large. Compares the bytes read with the expected SHA-256, each part with its hash on
 * arrival, and the stored object with size and SHA-256. The object appears only when all of it has arrived; a failed
 * upload is aborted. Throws a `conflict` when the local file is damaged.
 */
export async function uploadFile(
  { bucket, key, path, expected, partBytes = defaultPartBytes, signal, onBytes = () => {} }: {
    bucket: Bucket;
    key: string;
    path: string;
    expected: { bytes: number; sha256: string };
    partBytes?: number;
    signal: AbortSignal;
    onBytes?: (bytes: number) => void;
  },
): Promise<void> {
  const name = basename(path);
  const hash = createHash("sha256");
  const checkRead = (bytes: number) => {
    if (bytes === expected.bytes && hash.digest("hex") === expected.sha256) return;
    throw new HoldfastError(
      "conflict",
      `${name} is damaged here: it differs from what was backed up`,
    );
  };
  const file = await open(path, "r");
  try {
    const size = partSize(expected.bytes, partBytes);
    const buffer = new Uint8Array(Math.min(size, expected.bytes + 1));
    let filled = await fill(file, buffer, hash);
    if (expected.bytes <= size && filled === expected.bytes) {
      checkRead(filled);
      await bucket.put(key, buffer.subarray(0, filled), expected.sha256, signal);
      onBytes(filled);
    } else {
      const upload = { key, id: await bucket.beginUpload(key, expected.sha256, signal) };
      try {
        const tags: string[] = [];
        let sent = 0;
        while (filled > 0) {
          const part = buffer.subarray(0, filled);
          tags.push(await bucket.putPart(upload, tags.length + 1, part, signal));
          sent += filled;
          onBytes(filled);
          filled = await fill(file, buffer, hash);
        }
        checkRead(sent);
        await bucket.endUpload(upload, tags, signal);
      } catch (error) {
        // Otherwise the storage keeps the parts, and charges for them.
        await bucket.abortUpload(upload, AbortSignal.timeout(3_000)).catch(() => {});
        throw error;
      }
    }
  } finally {
    await file.close();
  }
  const found = await bucket.head(key, signal);
  if (found?.bytes !== expected.bytes || found.sha256 !== expected.sha256) {
    throw new StorageError(`${name} differs in the storage from what was sent`, {
      retryable: true,
    });
  }
}
