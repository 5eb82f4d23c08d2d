import { HoldfastError } from "../../../errors.ts";

/** A small upload is written together with others; a large one gets a lane of its own. */
export type UploadSize = "small" | "large";

/** Rows that one upload holds in memory. */
export interface Reservation {
  /** Reserves another amount instead. Throws `overloaded`, and keeps the present amount, when it does not fit. */
  change(size: UploadSize, rows: number): void;
  /** Gives the rows back; later calls do nothing. */
  release(): void;
}

/**
 * Limits how many rows all uploads together hold in memory while they wait to be written. Large uploads may hold half of
 * `rowsMax`, so that small ones always find memory.
 */
export function createMemoryBudget(rowsMax: number) {
  const held = { small: 0, large: 0 };

  function fits(size: UploadSize, rows: number): boolean {
    // A single upload always fits, whatever its size: the limits of one upload bound it.
    if (held[size] === 0) return true;
    return size === "large"
      ? held.large + rows <= rowsMax / 2
      : held.small + held.large + rows <= rowsMax;
  }

  function take(size: UploadSize, rows: number): void {
    if (!fits(size, rows)) {
      throw new HoldfastError("overloaded", "Too many rows wait to be written", {
        retryAfterSeconds: 1,
      });
    }
    held[size] += rows;
  }

  return {
    /** Reserves memory for rows. Throws `overloaded` when they do not fit. */
    reserve(size: UploadSize, rows: number): Reservation {
      take(size, rows);
      let mine = { size, rows };
      const release = () => {
        held[mine.size] -= mine.rows;
        mine = { ...mine, rows: 0 };
      };
      return {
        change(size, rows) {
          const before = mine;
          release();
          try {
            take(size, rows);
          } catch (error) {
            held[before.size] += before.rows;
            mine = before;
            throw error;
          }
          mine = { size, rows };
        },
        release,
      };
    },
    /** Rows reserved at present. */
    get held(): number {
      return held.small + held.large;
    },
  };
}
