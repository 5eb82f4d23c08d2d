import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { HoldfastError } from "../../../errors.ts";
import type { Bucket } from "./bucket.ts";
import { StorageError } from "./request.ts";

const MiB = 1024 * 1024;
export const usualPartBytes = 16 * MiB;
/** S3 takes 10,000 parts at most. */
const partsMax = 9_000;
/** How much is read, and hashed, at a time. */
const stepBytes = MiB;

type FileHandle = Awaited<ReturnType<typeof open>>;

/** Fills `buffer` from a file, and hashes what it reads. Answers how many bytes there were. */
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

/** What an upload may take of the memory: one part, larger than asked for only where there would be too many. */
export const partSize = (bytes: number, partBytes: number) =>
  Math.max(partBytes, Math.ceil(bytes / partsMax / MiB) * MiB);

/**
 * Brings a file to a bucket, in parts when it is large, and compares: what is read here with the SHA-256 it shall have,
 * what arrives with the hash of each part, what stands there with its size. Nothing takes the object's place before all
 * of it has arrived; an upload that fails is aborted. Throws a `conflict` when the file here is damaged.
 */
export async function uploadFile(
  { bucket, key, path, expected, partBytes = usualPartBytes, signal, onBytes = () => {} }: {
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
  const needSame = (bytes: number) => {
    if (bytes === expected.bytes && hash.digest("hex") === expected.sha256) return;
    throw new HoldfastError("conflict", `${name} is damaged here: it is not what was backed up`);
  };
  const file = await open(path, "r");
  try {
    const size = partSize(expected.bytes, partBytes);
    const buffer = new Uint8Array(Math.min(size, expected.bytes + 1));
    let filled = await fill(file, buffer, hash);
    if (expected.bytes <= size && filled === expected.bytes) {
      needSame(filled);
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
        needSame(sent);
        await bucket.endUpload(upload, tags, signal);
      } catch (error) {
        // Its parts would be kept, and paid for, for ever.
        await bucket.abortUpload(upload, AbortSignal.timeout(3_000)).catch(() => {});
        throw error;
      }
    }
  } finally {
    await file.close();
  }
  const found = await bucket.head(key, signal);
  if (found?.bytes !== expected.bytes || found.sha256 !== expected.sha256) {
    throw new StorageError(`${name} is not in the storage as it was sent`, { again: true });
  }
}
