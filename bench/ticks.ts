import { createRandom } from "../services/benchmarks/measuring/random.ts";

/** A made-up trade print; price in whole cents, so that every arm stores the same value exactly. */
export interface BenchTick {
  tsUs: number;
  symbol: string;
  instrumentId: number;
  priceCents: number;
  size: number;
  exchange: string;
}

export interface TickSource {
  next(count: number): BenchTick[];
}

const symbols = 400;
const exchanges = ["N", "Q", "P", "Z"];
/** On average; a million ticks span a little over a day. */
const gapUs = 100_000;

export const firstTickUs = Date.UTC(2024, 0, 2, 14, 30) * 1_000;

/**
 * Ticks in order of time: few symbols trade most of the time, prices walk by cents. Two sources of one seed give
 * the same ticks, so both arms of a case are fed alike.
 */
export function createTickSource(seed: number): TickSource {
  const random = createRandom(seed);
  const prices = Array.from({ length: symbols }, () => 1_000 + random.int(40_000));
  let tsUs = firstTickUs;
  return {
    next: (count) =>
      Array.from({ length: count }, () => {
        tsUs += 1 + random.int(2 * gapUs);
        const index = Math.floor(symbols * random.next() ** 3);
        const walked = prices[index]! + random.int(11) - 5;
        const priceCents = prices[index] = Math.max(100, walked);
        return {
          tsUs,
          symbol: `SYM${String(index).padStart(4, "0")}`,
          instrumentId: index + 1,
          priceCents,
          size: 100 * (1 + random.int(20)),
          exchange: exchanges[random.int(exchanges.length)]!,
        };
      }),
  };
}

/** Microseconds since 1970 as Postgres reads a timestamptz, with all six digits. */
export function timestampOf(tsUs: number): string {
  const micros = String(tsUs % 1_000_000).padStart(6, "0");
  return `${new Date(Math.floor(tsUs / 1_000_000) * 1_000).toISOString().slice(0, 19)}.${micros}Z`;
}

/** Cents as a decimal: exact in text, and the nearest double when parsed as one. */
export function decimalOf(cents: number): string {
  return (cents / 100).toFixed(2);
}
