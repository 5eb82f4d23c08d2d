export interface DeadlineOptions {
  /** Monotonic milliseconds. */
  now?: () => number;
  /** A timer later than this says that the event loop was held, not that nothing came; milliseconds. */
  heldMs?: number;
}

/**
 * Calls `expire` once after `ms`, and returns what cancels it. Where the event loop was held meanwhile, whatever came in that
 * time waits to be read: the deadline is then put off once by as long as the loop was held, at most by `ms`, so that our own
 * silence is not taken for the other side's.
 */
export function setDeadline(
  ms: number,
  expire: () => void,
  { now = () => performance.now(), heldMs = 100 }: DeadlineOptions = {},
): () => void {
  let timer: ReturnType<typeof setTimeout>;
  function arm(wait: number, last: boolean): void {
    const due = now() + wait;
    timer = setTimeout(() => {
      const overdue = now() - due;
      if (last || overdue <= heldMs) expire();
      else arm(Math.min(overdue, ms), true);
    }, wait);
  }
  arm(ms, false);
  return () => clearTimeout(timer);
}
