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
  /** By how much the heap grew from the first mark to the last; undefined where there are not two; bytes. */
  grownBetweenMarks: number | undefined;
  /** Whether the heap fell back to at most `heapGrowthMax` above what it was before. */
  fellBack: boolean;
  /** Whether it grew by `markedGrowthMax` at most between the marks, if there are two. */
  stayed: boolean;
}

/** The heap may be so much larger after a run than before it: caches of fixed size, compiled code; bytes. */
export const heapGrowthMax = 24 * 1024 * 1024;
/** The heap may grow by so much once the caches are full: in the second half of a run, whatever its length; bytes. */
export const markedGrowthMax = 8 * 1024 * 1024;

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
): {
  sample(): MemoryUse;
  /** Collects, and notes what is held at this moment of the run. */
  mark(): void;
  end(): Promise<MemoryReport>;
} {
  gc();
  const before = present(use);
  const peak = { ...before };
  const marks: number[] = [];

  function sample(): MemoryUse {
    const now = present(use);
    peak.heapUsed = Math.max(peak.heapUsed, now.heapUsed);
    peak.rss = Math.max(peak.rss, now.rss);
    return now;
  }

  return {
    sample,
    mark() {
      gc();
      marks.push(present(use).heapUsed);
    },
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
      const [first, ...later] = marks;
      const last = later.at(-1);
      const grownBetweenMarks = first === undefined || last === undefined
        ? undefined
        : last - first;
      const stayed = (grownBetweenMarks ?? 0) <= markedGrowthMax;
      return { before, peak, after, grownBetweenMarks, fellBack, stayed };
    },
  };
}

const mib = (bytes: number) => Math.round(bytes / 1024 / 1024);

/** Writes a report in one line. */
export function describeMemory(
  { before, peak, after, grownBetweenMarks, fellBack, stayed }: MemoryReport,
): string {
  const values = (name: keyof MemoryUse) =>
    `${mib(before[name])} before, ${mib(peak[name])} at most, ${mib(after[name])} after`;
  const whole = fellBack ? "fell back" : `grew by more than ${mib(heapGrowthMax)} MiB`;
  const half = grownBetweenMarks === undefined
    ? "too short to tell whether it still grows"
    : `${stayed ? "grew" : "still grew"} by ${
      (grownBetweenMarks / 1024 / 1024).toFixed(1)
    } MiB in the second half, of ${mib(markedGrowthMax)} allowed`;
  return `heap ${values("heapUsed")}; resident ${values("rss")} MiB: ${whole}; ${half}`;
}
