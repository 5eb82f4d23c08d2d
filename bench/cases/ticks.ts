import { createRandom, type Random } from "../../services/benchmarks/measuring/random.ts";
import {
  activity,
  another,
  batchSizes,
  defaultMarket,
  gapWithinMs,
  intensityAt,
  type MarketProfile,
  meanIntensity,
  moves,
  roundLots,
  sameSymbol,
  sessionMinutes,
} from "./market/profile.ts";

/** A generated trade; the price is an integer of cents, so that every arm stores the same value exactly. */
export interface BenchTick {
  /** Unique within a source; microseconds since 1970. */
  tsUs: number;
  symbol: string;
  instrumentId: number;
  priceCents: number;
  size: number;
  exchange: string;
}

export interface TickSource {
  /** Returns the next ticks in order of arrival; a few are late. */
  next(count: number): BenchTick[];
}

const exchanges = ["D", "Q", "P", "Z", "K", "B", "J", "Y", "N"];
export const firstTickUs = Date.UTC(2024, 0, 2, 14, 30) * 1_000;
const dayUs = 86_400_000_000;
const minuteUs = 60_000_000;
const secondUs = 1_000_000;
/** Mean trades of one burst: batches of 1.9 trades, 1 ÷ (1 − another) batches. */
const burstTicks = meanOf(batchSizes) / (1 - another);
const burstMs = another / (1 - another) * logUniformMean(gapWithinMs.least, gapWithinMs.most);

/**
 * Creates a source of ticks like those of a market: sessions with an opening burst and a close, clustered arrivals, few
 * symbols with most of the trades, prices that bounce by a cent, some late ticks. Two sources with one seed give the same
 * ticks.
 */
export function createTickSource(
  seed: number,
  profile: MarketProfile = defaultMarket,
): TickSource {
  const random = createRandom(seed);
  const popularity = zipf(profile.symbols, profile.zipf);
  const prices = Array.from({ length: profile.symbols }, () => 1_000 + random.int(40_000));
  const lastMove = new Int8Array(profile.symbols).fill(1);
  const names = prices.map((_, index) => `SYM${String(index).padStart(4, "0")}`);
  /** Generated ticks that have not arrived yet, including late ones. */
  let ready: BenchTick[] = [];
  let held: { arrivesUs: number; tick: BenchTick }[] = [];
  const usualGapMs = sessionMinutes * 60_000 / (profile.ticksPerDay / burstTicks);
  let openUs = firstTickUs;
  let clockUs = firstTickUs;
  let lastUs = firstTickUs;
  let mood = normal(random);
  let moodUs = firstTickUs;

  function print(index: number): void {
    // Unique, but in the same millisecond as the rest of its batch.
    const tsUs = lastUs = Math.max(lastUs + 1, Math.floor(clockUs));
    if (random.next() < moves.any) {
      const sign = random.next() < moves.back ? -lastMove[index]! : lastMove[index]!;
      const cents = random.next() < moves.large ? 2 + random.int(3) : 1;
      prices[index] = Math.max(100, prices[index]! + sign * cents);
      lastMove[index] = sign;
    }
    const tick = {
      tsUs,
      symbol: names[index]!,
      instrumentId: index + 1,
      priceCents: prices[index]!,
      size: sizeOf(random),
      exchange: exchanges[random.int(exchanges.length)]!,
    };
    if (random.next() < profile.late) {
      held.push({ arrivesUs: tsUs + 50_000 * Math.exp(random.next() * Math.log(60)), tick });
    } else {
      ready.push(tick);
    }
  }

  function burst(): void {
    let index = pick(popularity, random);
    do {
      for (let trades = pick(batchSizes, random) + 1; trades > 0; trades--) print(index);
      const { least, most } = gapWithinMs;
      clockUs += 1_000 * least * Math.exp(random.next() * Math.log(most / least));
      if (random.next() > sameSymbol) index = pick(popularity, random);
    } while (random.next() < another);
  }

  /** Advances the clock to the next burst; the rate of bursts varies with the minute and the activity. */
  function advance(): void {
    let due = -Math.log(1 - random.next());
    for (;;) {
      const usual = intensityAt((clockUs - openUs) / minuteUs) / meanIntensity;
      const lively = Math.exp(activity.sigma * mood - activity.sigma ** 2 / 2);
      const meanGapMs = usualGapMs / (usual * lively) - burstMs;
      const gapUs = 1_000 * Math.max(0.5, meanGapMs);
      const stepUs = Math.min(due * gapUs, secondUs);
      clockUs += stepUs;
      due -= stepUs / gapUs;
      if (clockUs - moodUs >= secondUs / 2) {
        const kept = Math.exp(-(clockUs - moodUs) / secondUs / activity.staysSeconds);
        mood = kept * mood + Math.sqrt(1 - kept * kept) * normal(random);
        moodUs = clockUs;
      }
      if (due <= 1e-9) break;
    }
    if (clockUs >= openUs + sessionMinutes * minuteUs) clockUs = openUs += dayUs;
    const arrived = held.filter(({ arrivesUs }) => arrivesUs <= clockUs);
    if (arrived.length > 0) {
      held = held.filter(({ arrivesUs }) => arrivesUs > clockUs);
      ready.push(...arrived.map(({ tick }) => tick));
    }
  }

  return {
    next(count) {
      while (ready.length < count) {
        burst();
        advance();
      }
      const ticks = ready.slice(0, count);
      ready = ready.slice(count);
      return ticks;
    },
  };
}

/** Draws an index by its cumulative shares. */
function pick(cumulative: readonly number[], random: Random): number {
  const draw = random.next();
  let [low, high] = [0, cumulative.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (cumulative[middle]! > draw) high = middle;
    else low = middle + 1;
  }
  return low;
}

function zipf(count: number, exponent: number): number[] {
  const weights = Array.from({ length: count }, (_, rank) => (rank + 1) ** -exponent);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.map((weight) => (sum += weight) / total);
}

function sizeOf(random: Random): number {
  const lots = pick(roundLots, random) + 1;
  return 100 * (lots < roundLots.length ? lots : lots + random.int(10));
}

function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
}

function meanOf(cumulative: readonly number[]): number {
  return cumulative.reduce(
    (sum, share, at) => sum + (at + 1) * (share - (cumulative[at - 1] ?? 0)),
    0,
  );
}

function logUniformMean(least: number, most: number): number {
  return (most - least) / Math.log(most / least);
}

/** Formats microseconds since 1970 as a timestamptz with six digits. */
export function timestampOf(tsUs: number): string {
  const micros = String(tsUs % 1_000_000).padStart(6, "0");
  return `${new Date(Math.floor(tsUs / 1_000_000) * 1_000).toISOString().slice(0, 19)}.${micros}Z`;
}

/** Formats cents as a decimal: exact as text, the nearest double when parsed. */
export function decimalOf(cents: number): string {
  return (cents / 100).toFixed(2);
}
