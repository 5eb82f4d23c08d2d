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

/**
 * Waits as `eventually` does, and passes when at most `most` rounds of what is under test were done meanwhile: so "soon" is
 * counted in its own work, which a busy machine slows too. `round` answers what differs from round to round.
 */
export async function withinRounds<T>(
  most: number,
  what: string,
  round: () => unknown,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  let last = round();
  let done = 0;
  const found = await eventually(() => {
    const present = round();
    if (present !== last) done++;
    last = present;
    return probe();
  }, what);
  if (done > most) throw new Error(`Came about after ${done} rounds, not ${most}: ${what}`);
  return found;
}
