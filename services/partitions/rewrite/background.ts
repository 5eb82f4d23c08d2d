import { messageOf } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";

const comeBackMs = 2_000;
const reportMs = 1_000;

export interface Background {
  /** Aborts when the background work is to stop. */
  signal: AbortSignal;
  /** Starts a run, unless one is under way. */
  wake(): void;
  /** Ends the background work and waits for the run under way. */
  stop(): Promise<void>;
}

/** Calls `run` when woken, one run at a time, and again after 2 s while `comesBack` returns true. Logs what they throw. */
export function createBackground(
  { run, comesBack, log }: {
    run: () => Promise<void>;
    comesBack: () => Promise<boolean>;
    log: Logger;
  },
): Background {
  const stopping = new AbortController();
  let running: Promise<void> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function runOnce(): Promise<void> {
    await run();
    if (await comesBack() && !stopping.signal.aborted) timer = setTimeout(wake, comeBackMs);
  }

  function wake(): void {
    clearTimeout(timer);
    running ??= runOnce()
      .catch((error) => log.error("partition_rewrite_failed", { error: messageOf(error) }))
      .finally(() => running = undefined);
  }

  return {
    signal: stopping.signal,
    wake,
    async stop() {
      stopping.abort();
      clearTimeout(timer);
      await running;
    },
  };
}

/** Returns a function that calls `report` at most once a second, or always with `now`. Errors of `report` are ignored. */
export function createReporter(report: () => Promise<void>): (now?: boolean) => Promise<void> {
  let reportedAt = 0;
  return async (now = false) => {
    if (!now && performance.now() - reportedAt < reportMs) return;
    reportedAt = performance.now();
    try {
      await report();
    } catch {
      // The next step reports again.
    }
  };
}
