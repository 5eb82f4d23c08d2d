import { backoffMs } from "../../lib/backoff.ts";
/** How wrong tokens are slowed: some for nothing, then a delay that doubles, forgotten after a quiet time. */
interface Schedule {
  free: number;
  firstDelayMs: number;
  longestDelayMs: number;
  quietMs: number;
}

export const perAddress: Schedule = {
  free: 5,
  firstDelayMs: 1_000,
  longestDelayMs: 15 * 60_000,
  quietMs: 15 * 60_000,
};
export const inAll: Schedule = {
  free: 100,
  firstDelayMs: 1_000,
  longestDelayMs: 60_000,
  quietMs: 60_000,
};

/** Addresses remembered; past it, the one whose last wrong token is the oldest is forgotten. */
export const addressesMax = 10_000;

interface Tally {
  wrong: number;
  blockedUntil: number;
}

function delayAfter(wrong: number, { free, firstDelayMs, longestDelayMs }: Schedule): number {
  return backoffMs(wrong - free, { firstMs: firstDelayMs, maxMs: longestDelayMs });
}

function counted(tally: Tally | undefined, schedule: Schedule, now: number): Tally {
  const kept = tally && now < tally.blockedUntil + schedule.quietMs ? tally.wrong : 0;
  return { wrong: kept + 1, blockedUntil: now + delayAfter(kept + 1, schedule) };
}

/** Counts wrong tokens. Right ones never come here: they pass whatever was counted. */
export interface Guesses {
  /**
   * Counts one wrong token from an address and returns undefined; while that address, or all together, must wait, counts
   * nothing and returns the milliseconds left.
   */
  wrong(address: string): number | undefined;
  /** Addresses remembered just now. */
  readonly addresses: number;
}

/** Slows down guessing, per address and in all. `nowMs` only grows. */
export function createGuesses({ nowMs }: { nowMs: () => number }): Guesses {
  const tallies = new Map<string, Tally>();
  let all: Tally | undefined;
  return {
    wrong(address) {
      const now = nowMs();
      const own = tallies.get(address);
      const until = Math.max(own?.blockedUntil ?? 0, all?.blockedUntil ?? 0);
      if (until > now) return until - now;
      all = counted(all, inAll, now);
      tallies.delete(address); // so that the order is that of the last wrong token
      tallies.set(address, counted(own, perAddress, now));
      if (tallies.size > addressesMax) {
        const [oldest = ""] = tallies.keys();
        tallies.delete(oldest);
      }
      return undefined;
    },
    get addresses() {
      return tallies.size;
    },
  };
}
