/** Runs work, at most so many at once; the rest waits in order. */
export type Limiter = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Returns a limiter of `max` pieces of work at once. Work that takes longer than `slotMs` no longer counts, so that slow work
 * does not hold up the rest.
 */
export function createLimiter({ max, slotMs }: { max: number; slotMs: number }): Limiter {
  let free = max;
  const waiting: (() => void)[] = [];

  function release(): void {
    const next = waiting.shift();
    if (next) next();
    else free++;
  }

  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    let counts = true;
    const leave = () => {
      if (counts) release();
      counts = false;
    };
    const timer = setTimeout(leave, slotMs);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
      leave();
    }
  };
}
