import { bytesText } from "../../../lib/text/format.ts";
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { HoldfastError } from "../../../errors.ts";

/** Space that stays free beside a backup or a restore, in bytes. */
const reserveBytes = 64 * 1024 * 1024;

/** Flushes the entries of a directory to disk. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } catch (error) {
    // Some file systems cannot flush a directory.
    if ((error as { code?: string }).code !== "EINVAL") throw error;
  } finally {
    await handle.close();
  }
}

/** Writes a file atomically: under another name, flushed, then renamed. Makes its folder where there is none. */
export async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await replaceDurably(path, content);
}

/** Does the same in a folder that exists. Throws ENOENT where there is none: somebody may have removed it on purpose. */
export async function replaceDurably(path: string, content: string | Uint8Array): Promise<void> {
  const partial = `${path}.partial`;
  try {
    const handle = await open(partial, "w", 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, path);
    await syncDirectory(dirname(path));
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    throw error;
  }
}

/** Returns size and SHA-256 (hex) of a file. */
export async function hashFile(
  path: string,
  signal?: AbortSignal,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    signal?.throwIfAborted();
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Throws `storage_full` unless the disk of `path` has space for `bytes` and a reserve; `what` names their use. */
export async function ensureFreeSpace(path: string, bytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  if (free >= bytes + reserveBytes) return;
  throw new HoldfastError(
    "storage_full",
    `Not enough room for ${what}: about ${bytesText(bytes)} and a reserve of ${
      bytesText(reserveBytes)
    } are needed, ${bytesText(free)} are free`,
  );
}
