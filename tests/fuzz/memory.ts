import { eventually } from "../helpers/eventually.ts";
import { collectGarbage } from "../helpers/garbage.ts";

/** Memory of this process in bytes. */
export interface MemoryUse {
  heapUsed: number;
  rss: number;
}

export interface MemoryReport {
  before: MemoryUse;
  /** The largest values seen between two collections. */
  peak: MemoryUse;
  after: MemoryUse;
  /** Whether the heap fell back to at most `heapGrowthMax` above what it was before. */
  fellBack: boolean;
}

/** The heap may be so much larger after a run than before it: caches of fixed size, compiled code; bytes. */
export const heapGrowthMax = 24 * 1024 * 1024;

const present = (use: () => MemoryUse): MemoryUse => {
  const { heapUsed, rss } = use();
  return { heapUsed, rss };
};

/**
 * Watches the memory of this process during a run: the live heap, which a leak enlarges, and the resident set, which the
 * allocator need not give back.
 */
export function watchMemory(
  { use = () => Deno.memoryUsage(), gc = collectGarbage, waitMs = 30_000 }: {
    use?: () => MemoryUse;
    gc?: () => void;
    /** Longest wait for the memory to fall back: sockets and sessions are freed some time after they end; milliseconds. */
    waitMs?: number;
  } = {},
): { sample(): MemoryUse; end(): Promise<MemoryReport> } {
  gc();
  const before = present(use);
  const peak = { ...before };

  function sample(): MemoryUse {
    const now = present(use);
    peak.heapUsed = Math.max(peak.heapUsed, now.heapUsed);
    peak.rss = Math.max(peak.rss, now.rss);
    return now;
  }

  return {
    sample,
    async end() {
      sample();
      let after = before;
      const fallen = () => {
        gc();
        after = present(use);
        return after.heapUsed <= before.heapUsed + heapGrowthMax;
      };
      const fellBack = await eventually(fallen, "the heap is as small as before", waitMs)
        .catch(() => false);
      return { before, peak, after, fellBack };
    },
  };
}

const mib = (bytes: number) => Math.round(bytes / 1024 / 1024);

/** Writes a report in one line. */
export function describeMemory({ before, peak, after, fellBack }: MemoryReport): string {
  const values = (name: keyof MemoryUse) =>
    `${mib(before[name])} before, ${mib(peak[name])} at most, ${mib(after[name])} after`;
  return `heap ${values("heapUsed")}; resident ${values("rss")} MiB: ${
    fellBack ? "fell back" : `grew by more than ${mib(heapGrowthMax)} MiB`
  }`;
}
