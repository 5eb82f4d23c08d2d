import type { Latencies } from "../../../services/benchmarks/measuring/histogram.ts";
import { openLoop, poissonSchedule } from "../../../services/benchmarks/measuring/open_loop.ts";
import type { Random } from "../../../services/benchmarks/measuring/random.ts";
import type { ArmTicks } from "../insert/arm_ticks.ts";
import type { Writer } from "./writers.ts";

/** Factor of the steps while every trial is sustained; smaller steps follow the first failure. */
const far = 2;
const near = 1.12;
const nearTrials = 2;
const trialsMax = 16;
const highestRate = 2_000_000;

export interface Sustained {
  /** Inserts per second. */
  rate: number;
  rows: number;
  elapsedMs: number;
  /** Latencies of the trial at `rate`. */
  latencies?: Latencies;
}

interface SearchOptions {
  start: number;
  p99LimitMs: number;
  /** Long enough that a growing queue fills, short enough that a search takes about a second; milliseconds. */
  trialMs: number;
  random: Random;
  feed: ArmTicks;
  writer: Writer;
  now: () => number;
  signal: AbortSignal;
}

/** Searches the highest sustained rate from `start`: up while trials are sustained, down while they are not. */
export async function findSustained(options: SearchOptions): Promise<Sustained> {
  const found: Sustained = { rate: 0, rows: 0, elapsedMs: 0 };
  let failed = Infinity;
  let rate = options.start;
  let nearLeft = nearTrials;
  for (let trial = 0; trial < trialsMax; trial++) {
    const { held, rows, elapsedMs, latencies } = await tryRate(options, rate);
    found.rows += rows;
    found.elapsedMs += elapsedMs;
    if (held) {
      if (rate > found.rate) Object.assign(found, { rate, latencies });
      const step = failed === Infinity && options.start <= 200 ? far : near;
      const next = Math.min(rate * step, highestRate);
      if (next >= failed || next === rate || (step === near && --nearLeft <= 0)) break;
      rate = next;
    } else {
      failed = Math.min(failed, rate);
      if (found.rate > 0) {
        if (found.rate * near >= failed || --nearLeft < 0) break;
        rate = Math.sqrt(found.rate * failed);
      } else {
        rate /= rate > 4 * options.start ? far : near;
      }
    }
  }
  // A server that sustains no rate is slower than the slowest one tried.
  if (found.rate === 0) found.rate = Math.min(failed, rate);
  return found;
}

async function tryRate(
  { p99LimitMs, trialMs, random, feed, writer, now, signal }: SearchOptions,
  rate: number,
) {
  const started = now();
  let rows = 0;
  const schedule = poissonSchedule(random, rate, trialMs);
  const { latencies, dropped } = await openLoop({
    schedule,
    now,
    signal,
    giveUpAfterMs: 2 * p99LimitMs,
    begin(from, to, ended) {
      rows += to - from;
      writer.write(feed.next(to - from), (place) => ended(from + place));
    },
  });
  const whole = dropped === 0 && latencies.count === schedule.length;
  // Inserts in flight must be counted before the tables are compared with the claims.
  await writer.drain();
  const held = whole && (schedule.length === 0 || latencies.quantile(0.99) <= p99LimitMs);
  return { held, rows, elapsedMs: now() - started, latencies };
}
