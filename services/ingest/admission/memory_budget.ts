import { HoldfastError } from "../../../errors.ts";

/** Small uploads are written with others; large ones have, or want, a lane for themselves, or much memory. */
export type RoomKind = "small" | "large";

export interface Hold {
  /** Holds another amount from now on; throws `overloaded`, and holds what it held, when it does not fit. */
  move(kind: RoomKind, amount: number): void;
  /** Once or more often. */
  giveBack(): void;
}

/**
 * Bounds what all uploads together hold in memory while they wait to be written. The large ones may have half of it:
 * however many of them wait, the small ones find room.
 */
export function createRoom(max: number) {
  const held = { small: 0, large: 0 };

  function fits(kind: RoomKind, amount: number): boolean {
    // One alone always fits, whatever its size: it is bounded by the limits of one upload.
    if (held[kind] === 0) return true;
    return kind === "large"
      ? held.large + amount <= max / 2
      : held.small + held.large + amount <= max;
  }

  function take(kind: RoomKind, amount: number): void {
    if (!fits(kind, amount)) {
      throw new HoldfastError("overloaded", "Too many rows wait to be written", {
        retryAfterSeconds: 1,
      });
    }
    held[kind] += amount;
  }

  return {
    /** Takes room; throws `overloaded` when there is none. */
    take(kind: RoomKind, amount: number): Hold {
      take(kind, amount);
      let mine = { kind, amount };
      const giveBack = () => {
        held[mine.kind] -= mine.amount;
        mine = { ...mine, amount: 0 };
      };
      return {
        move(to, moved) {
          const before = mine;
          giveBack();
          try {
            take(to, moved);
          } catch (error) {
            held[before.kind] += before.amount;
            mine = before;
            throw error;
          }
          mine = { kind: to, amount: moved };
        },
        giveBack,
      };
    },
    get held(): number {
      return held.small + held.large;
    },
  };
}
