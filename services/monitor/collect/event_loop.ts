import { clearInterval, setInterval } from "node:timers";
import type { ReadingSource } from "../../alerts/evaluation/sources.ts";

const everyMs = 100;
const windowMs = 60_000;

/** How late timers of this process were within the last minute; milliseconds. */
export interface EventLoopLag {
  p99_ms: number;
  worst_ms: number;
}

/** A timer that keeps no process alive. */
function repeat(job: () => void, ms: number): () => void {
  const timer = setInterval(job, ms).unref();
  return () => clearInterval(timer);
}

export interface EventLoopWatch extends ReadingSource {
  lag(): EventLoopLag;
}

/**
 * Measures from now on how long the event loop is held: a timer that is due every 100 ms and comes late says for how long nothing else
 * ran either. Requests, deadlines and live clients all wait that long.
 */
export function createEventLoopWatch(
  { now = () => performance.now(), schedule = repeat }: {
    now?: () => number;
    /** Runs a job again and again; returns what ends that. */
    schedule?: (job: () => void, everyMs: number) => () => void;
  } = {},
): EventLoopWatch {
  const samples: { at: number; lag: number }[] = [];
  let last = now();

  function take(): void {
    const at = now();
    samples.push({ at, lag: Math.max(0, at - last - everyMs) });
    last = at;
    while ((samples[0]?.at ?? at) < at - windowMs) samples.shift();
  }

  function lag(): EventLoopLag {
    // A loop that is held just now has not been measured yet; whoever asks has ended that.
    const lags = samples.map((one) => one.lag).sort((a, b) => a - b);
    return {
      p99_ms: lags[Math.floor(lags.length * 0.99)] ?? 0,
      worst_ms: lags.at(-1) ?? 0,
    };
  }

  const cancel = schedule(take, everyMs);

  return {
    lag,
    values() {
      const { p99_ms, worst_ms } = lag();
      return [
        { metric: "event_loop_lag_ms", scope: "", value: p99_ms },
        { metric: "event_loop_lag_worst_ms", scope: "", value: worst_ms },
      ];
    },
    stop() {
      cancel();
      return Promise.resolve();
    },
  };
}
