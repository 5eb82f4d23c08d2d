import { createLatencies, type Latencies } from "./histogram.ts";
import type { Random } from "./random.ts";

/** When operations are due, in milliseconds from the start, ascending. */
export type Schedule = readonly number[];

/** Returns the arrivals of a Poisson process: `perSecond` on average, for `durationMs`. */
export function poissonSchedule(random: Random, perSecond: number, durationMs: number): Schedule {
  const due: number[] = [];
  for (let at = 0;;) {
    at += -Math.log(1 - random.next()) / perSecond * 1_000;
    if (at >= durationMs) return due;
    due.push(at);
  }
}

export interface OpenLoopResult {
  /** From the scheduled start of each operation to its end, as a caller would have waited. */
  latencies: Latencies;
  completed: number;
  /** Scheduled operations that never began because the run was stopped. */
  dropped: number;
  elapsedMs: number;
}

export interface OpenLoopOptions {
  schedule: Schedule;
  now(): number;
  /** Waits about `ms`; a test advances its clock instead. */
  sleep?(ms: number): Promise<void>;
  /** Begins operations `from` to `to` − 1, which are due. Calls `ended` for each. */
  begin(from: number, to: number, ended: (index: number) => void): void;
  /** Stops when work is this far behind its schedule; milliseconds. */
  giveUpAfterMs: number;
  signal: AbortSignal;
}

/**
 * Starts operations by the schedule, whether or not earlier ones have ended. When the server stalls, every operation that
 * is due meanwhile counts its wait, which avoids coordinated omission.
 */
export async function openLoop(options: OpenLoopOptions): Promise<OpenLoopResult> {
  const { schedule, now, sleep = rest, begin, giveUpAfterMs, signal } = options;
  const latencies = createLatencies();
  const started = now();
  const end = schedule.at(-1) ?? 0;
  let begun = 0;
  let completed = 0;
  const ended = (index: number) => {
    latencies.record(Math.max(0, now() - started - schedule[index]!));
    completed++;
  };
  while (completed < schedule.length) {
    signal.throwIfAborted();
    const at = now() - started;
    if (at > end + giveUpAfterMs) break;
    let due = begun;
    while (due < schedule.length && schedule[due]! <= at) due++;
    if (due > begun) {
      begin(begun, due, ended);
      begun = due;
    }
    await sleep(begun < schedule.length ? Math.min(2, Math.max(0, schedule[begun]! - at)) : 1);
  }
  return { latencies, completed, dropped: schedule.length - begun, elapsedMs: now() - started };
}

const rest = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
