import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip, createGzip, gunzipSync } from "node:zlib";
import { messageOf } from "../../../errors.ts";
import { hashFile, syncDirectory } from "../base/files.ts";
import { historyName, missingSegments, partsOf, segmentName } from "./segments.ts";

/** An archived segment or timeline history; the file's name holds the SHA-256 of its content. */
export interface ArchivedFile {
  name: string;
  sha256: string;
  file: string;
}

const archived = /^([0-9A-F]{24}|[0-9A-F]{8}\.history)\.([0-9a-f]{64})\.gz$/;
/** Files that basic_archive is still writing. */
const unfinished = /^archtemp\./;

const list = (path: string) =>
  readdir(path).catch((error) => {
    if (error.code === "ENOENT") return [] as string[];
    throw error;
  });

const isArchivable = (name: string) => segmentName.test(name) || historyName.test(name);

/** Parses the name of an archived file; undefined for other files. */
export function readArchivedName(file: string): ArchivedFile | undefined {
  const [, name, sha256] = archived.exec(file) ?? [];
  return name && sha256 ? { name, sha256, file } : undefined;
}

/** Lists the archive by name; empty when it does not exist. */
export async function listArchive(archive: string): Promise<ArchivedFile[]> {
  return (await list(archive)).sort().map(readArchivedName).filter((one) => one !== undefined);
}

/** Compresses one file into the archive, and removes it once the copy is flushed. */
async function moveOne(from: string, archive: string, name: string): Promise<void> {
  const { sha256 } = await hashFile(from);
  const twin = (await listArchive(archive)).find((one) => one.name === name);
  if (twin && twin.sha256 !== sha256) {
    throw new Error(`${name} is in the archive with other content; neither was touched`);
  }
  if (!twin) {
    const to = join(archive, `${name}.${sha256}.gz`);
    const partial = `${to}.partial`;
    try {
      const file = await open(partial, "w", 0o600);
      try {
        await pipeline(createReadStream(from), createGzip({ level: 1 }), async (chunks) => {
          for await (const chunk of chunks as AsyncIterable<Uint8Array>) {
            await file.writeFile(chunk);
          }
        });
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(partial, to);
      await syncDirectory(archive);
    } catch (error) {
      await rm(partial, { force: true }).catch(() => {});
      throw error;
    }
  }
  await rm(from);
}

/** Moves the segments that the server has handed over into the archive, oldest first. Stops at the first failure, its `problem`. */
export async function collectSpool(
  spool: string,
  archive: string,
  signal?: AbortSignal,
): Promise<{ moved: number; problem: string | undefined }> {
  const names = (await list(spool)).filter(isArchivable).sort();
  if (names.length > 0) await mkdir(archive, { recursive: true, mode: 0o700 });
  let moved = 0;
  for (const name of names) {
    if (signal?.aborted) break;
    try {
      await moveOne(join(spool, name), archive, name);
      moved++;
    } catch (error) {
      return { moved, problem: `WAL cannot be archived: ${messageOf(error)}` };
    }
  }
  return { moved, problem: undefined };
}

/** Removes unfinished files that a killed run left in spool and archive. */
export async function sweepArchive(spool: string | undefined, archive: string): Promise<void> {
  for (const name of await list(archive)) {
    if (name.endsWith(".partial")) await rm(join(archive, name), { force: true });
  }
  if (!spool) return;
  for (const name of await list(spool)) {
    if (!unfinished.test(name)) continue;
    // The server may still be writing a recent one.
    const { mtimeMs } = await stat(join(spool, name)).catch(() => ({ mtimeMs: Infinity }));
    if (Date.now() - mtimeMs > 600_000) await rm(join(spool, name), { force: true });
  }
}

/** Returns the age of the oldest segment in the spool, in seconds; 0 when it is empty. */
export async function spoolAge(spool: string, now: number): Promise<number> {
  const ages = await Promise.all(
    (await list(spool)).filter(isArchivable).map(async (name) => {
      const found = await stat(join(spool, name)).catch(() => undefined);
      return found ? Math.max(0, now - found.mtimeMs) / 1000 : 0;
    }),
  );
  return Math.max(0, ...ages);
}

/** Removes the segments before `first`, all when it is undefined; keeps history files. Returns how many were removed. */
export async function pruneArchive(
  archive: string,
  first: string | undefined,
  segmentBytes: number,
): Promise<number> {
  let removed = 0;
  for (const { name, file } of await listArchive(archive)) {
    if (!segmentName.test(name)) continue;
    const old = first === undefined ||
      partsOf(name, segmentBytes).number < partsOf(first, segmentBytes).number;
    if (!old) continue;
    await rm(join(archive, file), { force: true });
    removed++;
  }
  return removed;
}

async function checkOne(path: string, name: string, sha256: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path).pipe(createGunzip())) hash.update(chunk);
  } catch (error) {
    return `WAL segment ${name} is damaged: ${messageOf(error)}`;
  }
  return hash.digest("hex") === sha256
    ? undefined
    : `WAL segment ${name} is damaged: its SHA-256 differs`;
}

/**
 * Checks the archive from segment `first` to the last one there, or to `last`. Returns missing and damaged segments, each by
 * name.
 */
export async function verifyArchive(
  { archive, spool, first, last, segmentBytes, signal }: {
    archive: string;
    spool: string | undefined;
    first: string;
    /** The newest file that the server has handed over; undefined when that is not known. */
    last?: string | undefined;
    segmentBytes: number;
    signal?: AbortSignal | undefined;
  },
): Promise<string[]> {
  // A segment moves from the spool to the archive: in this order none is overlooked.
  const waiting = spool ? (await list(spool)).filter((name) => segmentName.test(name)) : [];
  const files = (await listArchive(archive)).filter(({ name }) =>
    segmentName.test(name) &&
    partsOf(name, segmentBytes).number >= partsOf(first, segmentBytes).number
  );
  const names = [...files.map(({ name }) => name), ...waiting];
  const end = last !== undefined && segmentName.test(last) ? [last] : [];
  const timelines = new Set(
    [first, ...names, ...end].map((name) => partsOf(name, segmentBytes).timeline),
  );
  // Across timelines only recovery knows which segments it needs.
  const missing = timelines.size > 1
    ? []
    : missingSegments(names, { first, last: end[0], segmentBytes });
  const problems = missing.map((name) => `WAL segment ${name} is missing`);
  for (const { name, sha256, file } of files) {
    signal?.throwIfAborted();
    const problem = await checkOne(join(archive, file), name, sha256);
    if (problem) problems.push(problem);
  }
  return problems;
}

/** Returns the content of an archived file. Throws when its SHA-256 differs. */
export async function readArchived(archive: string, { name, sha256, file }: ArchivedFile) {
  const content = gunzipSync(new Uint8Array(await readFile(join(archive, file))));
  if (createHash("sha256").update(content).digest("hex") !== sha256) {
    throw new Error(`WAL segment ${name} is damaged: its SHA-256 differs`);
  }
  return content;
}
