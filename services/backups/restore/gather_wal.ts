import { existsSync } from "node:fs";
import { chown, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunAs } from "../../../db/embedded/command.ts";
import { firstSegment } from "../catalogue.ts";
import type { BackupRecord } from "../record.ts";
import { listArchive, readArchived } from "../wal/archive.ts";
import { historyName, missingSegments, partsOf, segmentName } from "../wal/segments.ts";

/** Directories that may hold WAL behind the backup. */
export interface WalSources {
  archive: string;
  /** Segments that the server has handed over; undefined when the server's disk is lost. */
  spool: string | undefined;
  /** The server's own pg_wal; undefined when its disk is lost. */
  live: string | undefined;
}

type ReadWal = () => Promise<Uint8Array>;

/**
 * Lists WAL files with how to read each. A running server moves them on, from its own directory to the spool to the archive:
 * listed in this order, none is overlooked, and the place that it reached last counts.
 */
async function listWal(
  { archive, spool, live }: WalSources,
  isWanted: (name: string) => boolean,
): Promise<Map<string, ReadWal>> {
  const found = new Map<string, ReadWal>();
  for (const folder of [live, spool]) {
    if (!folder || !existsSync(folder)) continue;
    for (const name of (await readdir(folder)).filter(isWanted)) {
      found.set(name, async () => new Uint8Array(await readFile(join(folder, name))));
    }
  }
  for (const one of await listArchive(archive)) {
    if (isWanted(one.name)) found.set(one.name, () => readArchived(archive, one));
  }
  return found;
}

/** Each round reads what has moved or was finished during the one before. */
const roundsMax = 10;

/**
 * Puts all WAL from the backup's start on into the cluster's pg_wal, where recovery reads it. The server may be running.
 * Returns the number of files, and the first segment that is missing between others: recovery ends before it. Across
 * timelines only recovery knows which it needs.
 */
export async function gatherWal(
  record: BackupRecord,
  sources: WalSources,
  { data, as }: { data: string; as: RunAs | undefined },
): Promise<{ files: number; gap: string | undefined }> {
  const first = firstSegment(record);
  const number = (name: string) => partsOf(name, record.segment_bytes).number;
  const isWanted = (name: string) =>
    historyName.test(name) || segmentName.test(name) && number(name) >= number(first);
  const to = join(data, "pg_wal");
  const put = async (name: string, content: Uint8Array) => {
    const at = join(to, name);
    await writeFile(at, content, { mode: 0o600, flush: true });
    if (as) await chown(at, as.uid, as.gid);
  };
  const done = new Set<string>();
  for (let round = 0; round < roundsMax; round++) {
    const left = [...await listWal(sources, isWanted)].filter(([name]) => !done.has(name)).sort();
    if (left.length === 0) break;
    for (const [name, read] of left) {
      try {
        await put(name, await read());
        done.add(name);
      } catch (error) {
        // It has moved on: the next round finds it.
        if ((error as { code?: string }).code !== "ENOENT") throw error;
      }
    }
  }
  const segments = (await readdir(to)).filter((name) => segmentName.test(name));
  const timelines = new Set(segments.map((name) => partsOf(name, record.segment_bytes).timeline));
  const [gap] = timelines.size > 1
    ? []
    : missingSegments(segments, { first, segmentBytes: record.segment_bytes });
  return { files: done.size, gap };
}
