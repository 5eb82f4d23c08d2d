/** Parameters of a generated market. The default is fitted to three real days (docs/benchmarks.md). */
export interface MarketProfile {
  symbols: number;
  /** Exponent of Zipf's law over the symbols: 1 for hundreds of them, 1.7 for the four of the real days. */
  zipf: number;
  ticksPerDay: number;
  /** Share of ticks that arrive late, by 50 ms to 3 s. */
  late: number;
}

export const defaultMarket: MarketProfile = {
  symbols: 400,
  zipf: 1,
  ticksPerDay: 400_000,
  late: 0.003,
};

export const sessionMinutes = 390;

/** Returns the rate of arrivals at a minute of the session relative to its quietest: high at the opening and the close. */
export function intensityAt(minute: number): number {
  return 1 + 1.9 * Math.exp(-minute / 45) + 3.2 * Math.exp((minute - sessionMinutes) / 18);
}

/** Mean of `intensityAt` over the session. */
export const meanIntensity = (sessionMinutes + 1.9 * 45 * (1 - Math.exp(-sessionMinutes / 45)) +
  3.2 * 18 * (1 - Math.exp(-sessionMinutes / 18))) / sessionMinutes;

/** Trades in one millisecond of one symbol, such as an order that matches several levels of the book: share of 1, of 2, … */
export const batchSizes = cumulative([
  ...[0.727, 0.118, 0.0488, 0.0281, 0.0178, 0.0124, 0.0092, 0.0068, 0.0054, 0.0044],
  ...new Array<number>(8).fill(0.0025),
  ...new Array<number>(8).fill(0.0003),
]);
/** Probability that another batch follows within milliseconds, and that it has the same symbol. */
export const another = 0.66;
export const sameSymbol = 0.5;
export const gapWithinMs = { least: 0.15, most: 40 };
/** Variation of the activity: standard deviation of its logarithm, and its persistence in seconds. */
export const activity = { sigma: 1.25, staysSeconds: 5 };

/** Sizes in hundreds: 100, 200, … 1,000, and beyond. */
export const roundLots = cumulative([
  ...[0.52, 0.163, 0.098, 0.04, 0.043, 0.016, 0.0084, 0.0084, 0.006, 0.0205],
  0.056,
]);

/** Probability that a trade changes the price, by more than a cent, and against the last change (the bid–ask bounce). */
export const moves = { any: 0.155, large: 0.125, back: 0.82 };

function cumulative(shares: readonly number[]): readonly number[] {
  const total = shares.reduce((sum, share) => sum + share, 0);
  let sum = 0;
  return shares.map((share) => (sum += share) / total);
}
