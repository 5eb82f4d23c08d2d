import type { HoldfastProblem } from "./problem.ts";

export interface RetryOptions {
  /** Most attempts of a request; 1 for no retries. */
  tries?: number;
  /** The first and the longest wait when the server requests none; milliseconds. */
  baseMs?: number;
  maxMs?: number;
  /** Called before each wait. */
  onRetry?: (
    retry: { problem: HoldfastProblem; waitMs: number; tries: number },
  ) => void;
  /** Returns a number from 0 to 1 for the jitter. */
  random?: () => number;
}

export const retryDefaults = {
  tries: 5,
  baseMs: 500,
  maxMs: 10_000,
  random: Math.random,
};

/** Statuses of temporary failures. */
const passing = new Set([408, 425, 429, 500, 502, 503, 504, 507]);

/**
 * Returns whether to retry a request after a problem. A request that is not `repeatable` is retried only when the server
 * states that it did nothing.
 */
export function isWorthRetrying(
  { status, code }: Pick<HoldfastProblem, "status" | "code">,
  repeatable: boolean,
): boolean {
  if (status === 429) return true;
  if (!repeatable) return false;
  return status === 0 || passing.has(status) ||
    code === "idempotency_in_flight";
}

/** Returns the wait before a retry (the first is 0), in milliseconds: the server's, else exponential; both with jitter. */
export function waitOf(
  retry: number,
  retryAfterMs: number | undefined,
  { baseMs, maxMs, random }: {
    baseMs: number;
    maxMs: number;
    random: () => number;
  },
): number {
  if (retryAfterMs !== undefined) return retryAfterMs * (1 + random() / 10);
  const longest = Math.min(maxMs, baseMs * 2 ** Math.min(retry, 30));
  return longest / 2 + random() * longest / 2;
}

/** Waits `ms`; rejects with the reason of `signal` when it aborts first. */
export function delay(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const end = (settle: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      settle();
    };
    const abort = () => end(() => reject(signal.reason));
    const timer = setTimeout(() => end(resolve), ms);
    signal.addEventListener("abort", abort);
  });
}
