export interface DeadlineOptions {
  /** Monotonic milliseconds. */
  now?: () => number;
  /** A timer that fires this much too late shows that the event loop was blocked; milliseconds. */
  blockedMs?: number;
}

/**
 * Calls `expire` once after `ms`, and returns a function that cancels it. While the event loop is blocked, data that arrived
 * is not read. The deadline is then extended once by the time of the block, at most by `ms`, so that a delay of this process
 * is not taken for silence of the other side.
 */
export function setDeadline(
  ms: number,
  expire: () => void,
  { now = () => performance.now(), blockedMs = 100 }: DeadlineOptions = {},
): () => void {
  let timer: ReturnType<typeof setTimeout>;
  function arm(wait: number, last: boolean): void {
    const due = now() + wait;
    timer = setTimeout(() => {
      const overdue = now() - due;
      if (last || overdue <= blockedMs) expire();
      else arm(Math.min(overdue, ms), true);
    }, wait);
  }
  arm(ms, false);
  return () => clearTimeout(timer);
}

/** Sets a timer of `ms` milliseconds and returns what cancels it. */
export type SetTimer = (ms: number, work: () => void) => () => void;

const systemTimer: SetTimer = (ms, work) => {
  const timer = setTimeout(work, Math.max(0, ms));
  return () => clearTimeout(timer);
};

/** Returned in place of a result that did not come in time. */
export const late = Symbol("late");

/**
 * Returns the result of `work`, or `late` after `ms` milliseconds. Throws what `work` throws in that time; a later error is
 * ignored. The work itself goes on.
 */
export async function resultWithin<T>(
  work: Promise<T>,
  ms: number,
  setTimer: SetTimer = systemTimer,
): Promise<T | typeof late> {
  const { promise: expired, resolve } = Promise.withResolvers<typeof late>();
  const cancel = setTimer(ms, () => resolve(late));
  work.catch(() => {});
  try {
    return await Promise.race([work, expired]);
  } finally {
    cancel();
  }
}

/** Waits for `work`, at most `ms` milliseconds, and returns whether it ended. Throws what `work` throws in that time. */
export async function endsWithin(work: Promise<unknown>, ms: number): Promise<boolean> {
  return await resultWithin(work, ms) !== late;
}

/** Returns the result of `work`. Throws `timeout()` after `ms` milliseconds; the work itself goes on. */
export async function orTimeout<T>(
  work: Promise<T>,
  ms: number,
  timeout: () => Error,
): Promise<T> {
  const result = await resultWithin(work, ms);
  if (result === late) throw timeout();
  return result;
}

/** Returns the result of `work`. Throws the reason of `signal` as soon as it aborts; the work itself goes on. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  work.catch(() => {});
  promise.catch(() => {});
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
