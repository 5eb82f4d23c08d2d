import { waitAfter } from "./state.ts";

/** One kind of work, done in rounds: never two at a time, and ever rarer while it fails. */
export function createRounds(
  { round, onFailure, signal, now }: {
    round: (system: string) => Promise<void>;
    /** Answers the failure in words. */
    onFailure: (error: unknown) => string;
    signal: AbortSignal;
    now: () => number;
  },
) {
  let running: Promise<void> | undefined;
  let again = false;
  let failures = 0;
  let failedAt = 0;
  let problem: string | undefined;

  async function run(system: string): Promise<void> {
    try {
      await round(system);
      failures = 0;
      problem = undefined;
    } catch (error) {
      if (signal.aborted) return;
      failures++;
      failedAt = now();
      problem = onFailure(error);
    }
  }

  /** Begins a round; one that is asked for while another runs follows it. */
  function wake(system: string): void {
    again = running !== undefined;
    if (running || signal.aborted || now() - failedAt < waitAfter(failures)) return;
    running = run(system).finally(() => {
      running = undefined;
      if (again && failures === 0) wake(system);
    });
  }

  return { wake, problem: () => problem, running: () => running };
}
