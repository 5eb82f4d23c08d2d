/** The parts of a trade that a description uses. */
export interface Print {
  /** Microseconds since 1970. */
  tsUs: number;
  symbol: string;
  priceCents: number;
  size: number;
}

/** The properties of a day of trades, as distributions or numbers. */
export interface DayShape {
  ticks: number;
  /** Share of trades in each half hour of the session. */
  halfHours: number[];
  /** Share of gaps between trades up to each edge of `gapEdgesMs`. */
  gaps: number[];
  /** Share of trades in the same millisecond as the one before. */
  sameMs: number;
  /** Variance ÷ mean of trades per second, within minutes; 1 for unclustered arrivals. */
  fanoSecond: number;
  /** Share of trades of the symbols, busiest first. */
  symbols: number[];
  /** Share of trades by size: odd lots, 100, 200, 300, 400–900, 1,000 and more. */
  sizes: number[];
  /** Share of trades that keep the price of their symbol, change it by one cent, or by more. */
  moves: number[];
}

export const gapEdgesMs = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000];
const halfHourUs = 1_800_000_000;
const sessionHalfHours = 13;

/** Describes the trades of one session that starts at `openUs`; ignores others. */
export function describeDay(prints: readonly Print[], openUs: number): DayShape {
  const day = prints.filter(({ tsUs }) =>
    tsUs >= openUs && tsUs < openUs + sessionHalfHours * halfHourUs
  ).toSorted((a, b) => a.tsUs - b.tsUs);
  const halfHours = new Array<number>(sessionHalfHours).fill(0);
  const gaps = new Array<number>(gapEdgesMs.length).fill(0);
  const sizes = new Array<number>(6).fill(0);
  const moves = [0, 0, 0];
  const symbols = new Map<string, number>();
  const lastPrice = new Map<string, number>();
  const seconds = new Map<number, number>();
  let sameMs = 0;
  let lastMs = NaN;
  for (const { tsUs, symbol, priceCents, size } of day) {
    halfHours[Math.floor((tsUs - openUs) / halfHourUs)]!++;
    const ms = Math.floor(tsUs / 1_000);
    const gap = ms - lastMs;
    lastMs = ms;
    if (gap === 0) sameMs++;
    for (const [at, edge] of gapEdgesMs.entries()) if (gap <= edge) gaps[at]!++;
    sizes[sizeClass(size)]!++;
    symbols.set(symbol, (symbols.get(symbol) ?? 0) + 1);
    const before = lastPrice.get(symbol);
    if (before !== undefined) moves[Math.min(2, Math.round(Math.abs(priceCents - before)))]!++;
    lastPrice.set(symbol, priceCents);
    const second = Math.floor(ms / 1_000);
    seconds.set(second, (seconds.get(second) ?? 0) + 1);
  }
  const share = (counts: number[]) => counts.map((count) => count / day.length);
  return {
    ticks: day.length,
    halfHours: share(halfHours),
    gaps: share(gaps),
    sameMs: sameMs / day.length,
    fanoSecond: fano(seconds, Math.floor(openUs / 1e6)),
    symbols: share([...symbols.values()].sort((a, b) => b - a)),
    sizes: share(sizes),
    moves: share(moves),
  };
}

function sizeClass(size: number): number {
  if (size < 100) return 0;
  if (size < 200) return 1;
  if (size < 300) return 2;
  if (size < 400) return 3;
  return size < 1_000 ? 4 : 5;
}

/** Returns the mean over minutes of variance ÷ mean of the counts per second, which is independent of the day's shape. */
function fano(seconds: ReadonlyMap<number, number>, from: number): number {
  let sum = 0;
  let minutes = 0;
  for (let minute = 0; minute < sessionHalfHours * 30; minute++) {
    const counts = Array.from(
      { length: 60 },
      (_, second) => seconds.get(from + minute * 60 + second) ?? 0,
    );
    const mean = counts.reduce((total, count) => total + count, 0) / 60;
    if (mean < 1) continue;
    sum += counts.reduce((total, count) => total + (count - mean) ** 2, 0) / 59 / mean;
    minutes++;
  }
  return minutes === 0 ? NaN : sum / minutes;
}

/** The distance of two days: 0 for equal, 1 for disjoint; the Fano factors as a ratio, 1 for equal. */
export interface DayDistance {
  /** Total variation distances. */
  halfHours: number;
  sizes: number;
  moves: number;
  symbols: number;
  /** Kolmogorov–Smirnov distance of the gaps at the edges. */
  gaps: number;
  fanoRatio: number;
}

export function distanceOf(a: DayShape, b: DayShape): DayDistance {
  return {
    halfHours: totalVariation(a.halfHours, b.halfHours),
    sizes: totalVariation(a.sizes, b.sizes),
    moves: totalVariation(a.moves, b.moves),
    symbols: totalVariation(a.symbols, b.symbols),
    gaps: Math.max(...a.gaps.map((share, at) => Math.abs(share - b.gaps[at]!))),
    fanoRatio: a.fanoSecond / b.fanoSecond,
  };
}

function totalVariation(a: readonly number[], b: readonly number[]): number {
  const length = Math.max(a.length, b.length);
  let sum = 0;
  for (let at = 0; at < length; at++) sum += Math.abs((a[at] ?? 0) - (b[at] ?? 0));
  return sum / 2;
}
