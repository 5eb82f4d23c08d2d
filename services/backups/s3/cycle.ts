const minute = 60_000;

/** Returns the wait after so many failures in a row, in milliseconds: none after the first, then doubling, at most half an hour. */
export const backoffMs = (failures: number): number =>
  failures === 0 ? 0 : Math.min(2 ** (failures - 1) - 1, 30) * minute;

/** Recurring work that never runs twice at a time and backs off while it fails. */
export interface Cycle {
  /** Starts a run; when one is running, another follows it. Does nothing during a backoff. */
  wake(system: string): void;
  /** Why the last run failed; undefined after a success. */
  problem(): string | undefined;
  /** Resolves when the current run has ended; undefined when none is running. */
  running(): Promise<void> | undefined;
}

export function createCycle(
  { run, onFailure, signal, now }: {
    run: (system: string) => Promise<void>;
    /** Describes the failure. */
    onFailure: (error: unknown) => string;
    signal: AbortSignal;
    now: () => number;
  },
): Cycle {
  let running: Promise<void> | undefined;
  let again = false;
  let failures = 0;
  let failedAt = 0;
  let problem: string | undefined;

  async function runOnce(system: string): Promise<void> {
    try {
      await run(system);
      failures = 0;
      problem = undefined;
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      failedAt = now();
      problem = onFailure(error);
    }
  }

  function wake(system: string): void {
    again = running !== undefined;
    if (running || signal.aborted || now() - failedAt < backoffMs(failures)) return;
    running = runOnce(system).finally(() => {
      running = undefined;
      if (again && failures === 0) wake(system);
    });
  }

  return { wake, problem: () => problem, running: () => running };
}
