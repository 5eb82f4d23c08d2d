import { statfs } from "node:fs/promises";
import { late, resultWithin } from "../../../lib/deadline.ts";
import { createSingleFlight } from "../../../lib/single_flight.ts";

/** Space on a disk, in bytes; `free_bytes` is what is left for users without privileges. */
export interface DiskSpace {
  free_bytes: number;
  used_bytes: number;
}

/** Longest wait for the file system; milliseconds. */
const answerMs = 2_000;

/** Returns what reads the space on the disk of a directory: undefined where it cannot be read in time. */
export function createDiskReader(directory: string): () => Promise<DiskSpace | undefined> {
  const read = createSingleFlight(() => statfs(directory));
  return async () => {
    const found = await resultWithin(read(), answerMs).catch(() => late);
    if (typeof found === "symbol") return undefined;
    const { bsize, blocks, bfree, bavail } = found;
    return { free_bytes: bavail * bsize, used_bytes: (blocks - bfree) * bsize };
  };
}
