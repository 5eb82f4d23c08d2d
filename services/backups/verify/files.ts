import { createReadStream, existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createGunzip } from "node:zlib";
import { messageOf } from "../../../errors.ts";
import { hashFile } from "../base/files.ts";
import { compareFiles, type Manifest, readManifest } from "../base/manifest.ts";
import type { BackupRecord } from "../record.ts";
import { archiveName, createTarHasher, manifestName } from "../base/base_backup.ts";

/** Compares size and SHA-256 of each file; returns the problems by file. */
async function compareHashes(path: string, record: BackupRecord, signal?: AbortSignal) {
  const problems: string[] = [];
  for (const [name, expected] of Object.entries(record.files)) {
    const at = join(path, name);
    if (!existsSync(at)) {
      problems.push(`${name} is missing`);
      continue;
    }
    const found = await hashFile(at, signal);
    if (found.bytes < expected.bytes) {
      problems.push(`${name} is truncated: ${found.bytes} of ${expected.bytes} bytes`);
    } else if (found.sha256 !== expected.sha256) {
      problems.push(`${name} is damaged: its SHA-256 differs`);
    }
  }
  return problems;
}

/** Reads the archive, and compares each file in it with the server's manifest. */
async function checkArchive(
  path: string,
  manifest: Manifest,
  signal?: AbortSignal,
): Promise<string[]> {
  const hasher = createTarHasher();
  try {
    const plain = createReadStream(join(path, archiveName)).pipe(createGunzip());
    for await (const chunk of plain) {
      signal?.throwIfAborted();
      await hasher.feed(chunk);
    }
  } catch (error) {
    signal?.throwIfAborted();
    return [`${archiveName} cannot be read: ${messageOf(error)}`];
  }
  return compareFiles(manifest, hasher.found).map((problem) => `${archiveName}: ${problem}`);
}

/**
 * Checks a backup's files against its record; when the archive is damaged, finds which files in it are. Returns the
 * problems, each naming its file; none means that every byte is as it was written.
 */
export async function verifyFiles(
  path: string,
  record: BackupRecord,
  signal?: AbortSignal,
): Promise<string[]> {
  if (Object.keys(record.files).length === 0) return record.problems;
  const problems = await compareHashes(path, record, signal);
  if (record.kind !== "base" || problems.length === 0) return problems;
  let manifest: Manifest | undefined;
  try {
    manifest = readManifest(new Uint8Array(await readFile(join(path, manifestName))));
  } catch (error) {
    if (existsSync(join(path, manifestName))) problems.push(messageOf(error));
  }
  const readable = manifest && existsSync(join(path, archiveName)) &&
    problems.some((problem) => problem.startsWith(archiveName));
  return readable && manifest
    ? [...problems, ...await checkArchive(path, manifest, signal)]
    : problems;
}
