import { HoldfastError } from "../../errors.ts";

/** Bounds what all uploads together hold in memory while they wait to be written. */
export function createRoom(rowsMax: number) {
  let held = 0;
  return {
    /** Takes room for `rows` and answers how to give it back; throws `overloaded` when there is none. */
    take(rows: number): () => void {
      // One alone always fits, whatever its size: it is bounded by the batch.
      if (held > 0 && held + rows > rowsMax) {
        throw new HoldfastError("overloaded", "Too many rows wait to be written", {
          retryAfterSeconds: 1,
        });
      }
      held += rows;
      return () => {
        held -= rows;
      };
    },
    get held(): number {
      return held;
    },
  };
}

export type Room = ReturnType<typeof createRoom>;
