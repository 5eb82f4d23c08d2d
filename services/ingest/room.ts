import { HoldfastError } from "../../errors.ts";

/** Rows of uploads that are written with others, and of those that have, or want, a lane for themselves. */
export type RoomKind = "small" | "large";

export interface Hold {
  /** Holds `rows` of another kind from now on; throws `overloaded`, and holds what it held, when they do not fit. */
  move(kind: RoomKind, rows: number): void;
  /** Once or more often. */
  giveBack(): void;
}

/**
 * Bounds what all uploads together hold in memory while they wait to be written. The large ones may have half of it:
 * however many of them wait, the small ones find room.
 */
export function createRoom(rowsMax: number) {
  const held = { small: 0, large: 0 };

  function fits(kind: RoomKind, rows: number): boolean {
    // One alone always fits, whatever its size: it is bounded by the batch.
    if (held[kind] === 0) return true;
    return kind === "large"
      ? held.large + rows <= rowsMax / 2
      : held.small + held.large + rows <= rowsMax;
  }

  function take(kind: RoomKind, rows: number): void {
    if (!fits(kind, rows)) {
      throw new HoldfastError("overloaded", "Too many rows wait to be written", {
        retryAfterSeconds: 1,
      });
    }
    held[kind] += rows;
  }

  return {
    /** Takes room for `rows`; throws `overloaded` when there is none. */
    take(kind: RoomKind, rows: number): Hold {
      take(kind, rows);
      let mine = { kind, rows };
      const giveBack = () => {
        held[mine.kind] -= mine.rows;
        mine = { ...mine, rows: 0 };
      };
      return {
        move(to, moved) {
          const before = mine;
          giveBack();
          try {
            take(to, moved);
          } catch (error) {
            held[before.kind] += before.rows;
            mine = before;
            throw error;
          }
          mine = { kind: to, rows: moved };
        },
        giveBack,
      };
    },
    get held(): number {
      return held.small + held.large;
    },
  };
}
