/** The time, injected so that tests need not wait for it. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };

/** Time that passes, and work that waits for it: injected as well. */
export interface Timers {
  /** Milliseconds that only grow. */
  nowMs(): number;
  /** Runs `work` once after `ms` milliseconds. Returns what cancels it. */
  after(ms: number, work: () => void): () => void;
}

export const systemTimers: Timers = {
  nowMs: () => performance.now(),
  after(ms, work) {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Returns a time that only grows and also counts while the machine is suspended, in milliseconds; `performance.now` does
 * not. A wall clock that is set forward makes it leap, one that is set back does not.
 */
export function createElapsedTime(
  { steady = () => performance.now(), wall = () => Date.now() }: {
    steady?: () => number;
    wall?: () => number;
  } = {},
): () => number {
  let offset = -Infinity;
  return () => {
    const at = steady();
    offset = Math.max(offset, wall() - at);
    return at + offset;
  };
}
