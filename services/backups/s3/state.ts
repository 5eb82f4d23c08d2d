/** How the copy of one backup is. */
export interface CopyState {
  /** none: nothing is copied; pending: it will be; failed: it will be tried again. */
  state: "none" | "pending" | "copying" | "done" | "failed";
  /** When it was last written whole, RFC 3339. */
  at: string | null;
  /** While it is copied: bytes of how many. */
  done_bytes: number | null;
  total_bytes: number | null;
  problem: string | null;
}

const blank: CopyState = {
  state: "none",
  at: null,
  done_bytes: null,
  total_bytes: null,
  problem: null,
};

export const noCopy = (): CopyState => ({ ...blank });

/** The state of a backup's copy from what is known of it. */
export function judgeCopy(
  { wanted, at, progress, problem }: {
    /** Whether the backup here is one to copy. */
    wanted: boolean;
    /** When the copy in the storage was written; undefined: there is none that is whole. */
    at: string | undefined;
    progress: { done: number; total: number } | undefined;
    problem: string | undefined;
  },
): CopyState {
  if (progress) {
    return {
      ...blank,
      state: "copying",
      done_bytes: progress.done,
      total_bytes: progress.total,
    };
  }
  if (problem !== undefined) return { ...blank, state: "failed", at: at ?? null, problem };
  if (at !== undefined) return { ...blank, state: "done", at };
  return { ...blank, state: wanted ? "pending" : "none" };
}

/** What health, metrics and rules know of the copies. Null: not known, or nothing is copied. */
export interface CopyHealth {
  copy_enabled: boolean;
  /** When the newest backup that is copied began. */
  last_copy_at: string | null;
  /** Its age; without one, the time since this Holdfast started. */
  copy_age_seconds: number | null;
  /** Age of the oldest archived WAL that is not copied; 0 when all is. */
  copy_lag_seconds: number | null;
  /** Whole backups in the storage. */
  copies: number;
  /** Since this Holdfast started. */
  copy_failures: number;
  copied_bytes: number;
  copy_problem: string | null;
}

export const noCopies: CopyHealth = {
  copy_enabled: false,
  last_copy_at: null,
  copy_age_seconds: null,
  copy_lag_seconds: null,
  copies: 0,
  copy_failures: 0,
  copied_bytes: 0,
  copy_problem: null,
};

const minute = 60_000;

/** How long to wait after so many failures in a row, ms: the next turn first, then ever longer, half an hour at most. */
export const waitAfter = (failures: number): number =>
  failures === 0 ? 0 : Math.min(2 ** (failures - 1) - 1, 30) * minute;
