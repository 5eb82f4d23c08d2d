import { clearInterval, setInterval } from "node:timers";
import type { ReadingSource } from "../../alerts/evaluation/sources.ts";

const everyMs = 100;
const windowMs = 60_000;

/** The delay of timers in this process within the last minute; milliseconds. */
export interface EventLoopLag {
  p99_ms: number;
  worst_ms: number;
}

/** Repeats `job` with a timer that does not keep the process alive; returns what ends it. */
function repeat(job: () => void, ms: number): () => void {
  const timer = setInterval(job, ms).unref();
  return () => clearInterval(timer);
}

export interface EventLoopWatch extends ReadingSource {
  lag(): EventLoopLag;
  /** Begins to measure, once requests are served: before, a start may block the loop, and nobody waits. */
  start(): void;
}

/**
 * Measures how long the event loop is blocked: a timer is due every 100 ms, and its delay is the time in which nothing else
 * ran. Requests, deadlines and live clients wait as long.
 */
export function createEventLoopWatch(
  { now = () => performance.now(), schedule = repeat }: {
    now?: () => number;
    /** Runs a job at an interval; returns what ends it. */
    schedule?: (job: () => void, everyMs: number) => () => void;
  } = {},
): EventLoopWatch {
  const samples: { at: number; lag: number }[] = [];
  let last = 0;
  let cancel: (() => void) | undefined;

  function take(): void {
    const at = now();
    samples.push({ at, lag: Math.max(0, at - last - everyMs) });
    last = at;
    while ((samples[0]?.at ?? at) < at - windowMs) samples.shift();
  }

  function lag(): EventLoopLag {
    // A caller runs only when the loop is free: a block at this moment has not been measured yet.
    const lags = samples.map((one) => one.lag).sort((a, b) => a - b);
    return {
      p99_ms: lags[Math.floor(lags.length * 0.99)] ?? 0,
      worst_ms: lags.at(-1) ?? 0,
    };
  }

  return {
    lag,
    start() {
      if (cancel) return;
      last = now();
      cancel = schedule(take, everyMs);
    },
    values() {
      const { p99_ms, worst_ms } = lag();
      return [
        { metric: "event_loop_lag_ms", scope: "", value: p99_ms },
        { metric: "event_loop_lag_worst_ms", scope: "", value: worst_ms },
      ];
    },
    stop() {
      cancel?.();
      return Promise.resolve();
    },
  };
}
