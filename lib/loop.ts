import { messageOf } from "../errors.ts";
import type { Logger } from "../log.ts";
import { createSingleFlight } from "./single_flight.ts";

export interface Loop {
  start(): void;
  /** Runs the job now, or joins the run under way. */
  runNow(): Promise<void>;
  /** Ends the loop and waits for the run under way. */
  stop(): Promise<void>;
}

/** Runs `job` every `everyMs`, never two at once; a run that is late delays the next, it never piles up. */
export function createLoop(
  { name, everyMs, job, log }: {
    name: string;
    everyMs: number;
    job: () => Promise<void>;
    log: Logger;
  },
): Loop {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<void> = Promise.resolve();
  let stopped = true;

  const runOnce = createSingleFlight(() =>
    job().catch((error) => log.error("job_failed", { job: name, error: messageOf(error) }))
  );
  const run = () => running = runOnce();

  function schedule(started: number): void {
    if (stopped) return;
    const wait = Math.max(everyMs * 0.1, everyMs - (performance.now() - started));
    timer = setTimeout(() => {
      const next = performance.now();
      run().then(() => schedule(next));
    }, wait);
  }

  return {
    start() {
      if (!stopped) return;
      stopped = false;
      const started = performance.now();
      run().then(() => schedule(started));
    },
    runNow: run,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
