/** Polls `probe` until it answers something other than undefined or false; fails after `deadlineMs`, which is long: a busy machine is no fault. */
export async function eventually<T>(
  probe: () => Promise<T | undefined | false> | T | undefined | false,
  what: string,
  deadlineMs = 60_000,
): Promise<T> {
  const until = performance.now() + deadlineMs;
  let last: unknown;
  while (performance.now() < until) {
    try {
      const value = await probe();
      if (value !== undefined && value !== false) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`Did not come about within ${deadlineMs} ms: ${what} (last: ${last})`);
}

/**
 * Passes when one of three tries takes `ms` at most: a busy machine may hold up any one of them, a defect holds up all.
 * A try answers how long the thing in question took, in milliseconds, however long that was.
 */
export async function within(
  ms: number,
  what: string,
  attempt: () => Promise<number>,
): Promise<void> {
  const took: number[] = [];
  while (took.length < 3) {
    took.push(await attempt());
    if (took.at(-1)! <= ms) return;
  }
  throw new Error(
    `Took more than ${ms} ms each time: ${what} (${took.map(Math.round).join(", ")})`,
  );
}
