/** State of a backup's copy. */
export interface CopyState {
  /** none: nothing is to be copied; pending: it will be copied; failed: it will be retried. */
  state: "none" | "pending" | "copying" | "done" | "failed";
  /** When the copy was completed, RFC 3339. */
  at: string | null;
  /** Progress while it is copied. */
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

/** Returns the state of a backup's copy. Pure. */
export function judgeCopy(
  { wanted, at, progress, problem }: {
    /** Whether the local backup is to be copied. */
    wanted: boolean;
    /** When the copy was completed; undefined: there is no complete one. */
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

/** Copies as health, metrics and rules see them. Null: not known, or nothing is copied. */
export interface CopyHealth {
  copy_enabled: boolean;
  /** Start of the newest copied backup. */
  last_copy_at: string | null;
  /** Its age; without one, the time since this Holdfast started. */
  copy_age_seconds: number | null;
  /** Age of the oldest archived WAL that is not copied; 0 when all is copied. */
  copy_lag_seconds: number | null;
  /** Complete backups in the storage. */
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
