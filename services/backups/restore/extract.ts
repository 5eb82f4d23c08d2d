import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chown, mkdir, open, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import type { RunAs } from "../../../db/embedded/command.ts";
import { HoldfastError, messageOf } from "../../../errors.ts";
import { compareFiles, type FoundFile, readManifest } from "../base/manifest.ts";
import type { BackupRecord } from "../record.ts";
import { archiveName, manifestName } from "../base/base_backup.ts";
import { createTarReader } from "../base/tar.ts";

/** Returns the path of an archive's entry; throws a `conflict` when it lies outside of `to`. */
function placeIn(to: string, path: string): string {
  if (path.startsWith("/") || path.split("/").includes("..")) {
    throw new HoldfastError(
      "conflict",
      `The archive has an entry outside of its directory: ${path}`,
    );
  }
  return join(to, path);
}

/**
 * Unpacks a backup into the empty directory `to`, files owned by the server's user, and compares each with the manifest.
 * Throws a `conflict` that names what is damaged.
 */
export async function extractBackup(
  { path, record, to, as, durable, signal }: {
    path: string;
    record: BackupRecord;
    to: string;
    as: RunAs | undefined;
    /** Whether each file is flushed to disk; scratch clusters need not be. */
    durable: boolean;
    signal?: AbortSignal | undefined;
  },
): Promise<void> {
  const found: FoundFile[] = [];
  let current:
    | { path: string; size: number; hash: ReturnType<typeof createHash>; file: FileHandle }
    | undefined;
  const own = async (at: string) => {
    if (as) await chown(at, as.uid, as.gid);
  };
  const reader = createTarReader({
    async entry({ path: name, kind, size, target }) {
      const at = placeIn(to, name);
      if (kind === "directory") {
        await mkdir(at, { recursive: true, mode: 0o700 });
        return await own(at);
      }
      if (kind === "link") {
        placeIn(to, target);
        return await symlink(target, at);
      }
      const file = await open(at, "w", 0o600);
      current = { path: name, size, hash: createHash("sha256"), file };
      await own(at);
    },
    async data(bytes) {
      if (!current) return;
      current.hash.update(bytes);
      await current.file.writeFile(bytes);
    },
    async ended() {
      if (!current) return;
      const { path: name, size, hash, file } = current;
      current = undefined;
      if (durable) await file.sync();
      await file.close();
      found.push({ path: name, size, sha256: hash.digest("hex") });
    },
  });
  try {
    await own(to);
    for await (const chunk of createReadStream(join(path, archiveName)).pipe(createGunzip())) {
      signal?.throwIfAborted();
      await reader.feed(chunk);
    }
    if (record.server_version >= 150_000) reader.end();
  } catch (error) {
    if (error instanceof HoldfastError || signal?.aborted) throw error;
    if ((error as { code?: string }).code === "ENOSPC") {
      throw new HoldfastError("storage_full", "The disk is full", { cause: error });
    }
    throw new HoldfastError("conflict", `${archiveName} cannot be unpacked: ${messageOf(error)}`, {
      cause: error,
    });
  } finally {
    await current?.file.close();
  }
  const manifest = readManifest(new Uint8Array(await readFile(join(path, manifestName))));
  const problems = compareFiles(manifest, found);
  if (problems.length > 0) throw new HoldfastError("conflict", problems.join("; "));
}

type FileHandle = Awaited<ReturnType<typeof open>>;
