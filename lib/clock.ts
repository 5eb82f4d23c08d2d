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
