import { setImmediate } from "node:timers";

/** Lets the event loop run between the pieces of a long piece of work. */
export interface Pacer {
  /** Resolves at once, or after the event loop has run once when this work has held it for long enough. */
  pause(): Promise<void>;
}

/**
 * Makes a pacer that gives way every `everyMs` milliseconds of work. Call `pause` after pieces of work of bounded cost:
 * awaiting a promise that is settled already lets no timer and no socket run.
 */
export function createPacer(
  { everyMs = 8, now = () => performance.now() }: { everyMs?: number; now?: () => number } = {},
): Pacer {
  let since = now();
  const settled = Promise.resolve();
  return {
    pause() {
      if (now() - since < everyMs) return settled;
      return new Promise((resolve) =>
        setImmediate(() => {
          since = now();
          resolve();
        })
      );
    },
  };
}
