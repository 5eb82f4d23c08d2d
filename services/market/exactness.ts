/** How exactly float8 holds the prices of one instrument. */
export interface Exactness {
  tick_size: number | null;
  tick_size_source: "instrument" | "inferred" | "none";
  sampled: number;
  distinct_prices: number;
  /** Distinct prices whose decimal text is a multiple of the tick size, because they are the float8 nearest to it. */
  round_trips: number;
  /** Distinct prices that are not a multiple of the tick size. */
  off_grid: number;
  off_grid_examples: number[];
  /** Largest distance between a stored price and its exact decimal multiple, in price units. */
  worst_error: number;
  worst_price: number | null;
  max_significant_digits: number;
  /** Below this price float8 holds every multiple of the tick size: 15 digits are always exact. */
  exact_below: number | null;
  verdict: "exact" | "inexact" | "unknown";
  advice: string;
}

/** A decimal as digits and a scale: 0.05 is {units: 5n, scale: 2}. */
interface Decimal {
  units: bigint;
  scale: number;
}

const scaleMax = 12;

/** Returns the shortest decimal that reads back as `value`, as JavaScript and Postgres print it. */
function decimalOf(value: number): Decimal {
  const [digits = "0", exponent = "0"] = value.toExponential().split("e");
  const [whole = "0", fraction = ""] = digits.split(".");
  const scale = fraction.length - Number(exponent);
  const units = BigInt(whole + fraction);
  return scale >= 0 ? { units, scale } : { units: units * 10n ** BigInt(-scale), scale: 0 };
}

function rescale({ units, scale }: Decimal, to: number): bigint {
  return units * 10n ** BigInt(to - scale);
}

/** Returns the number of significant digits of the shortest decimal. */
function significantDigits(value: number): number {
  return value === 0 ? 1 : value.toExponential().split("e")[0]!.replace(".", "").length;
}

/** Returns a float8 as an exact fraction: units / 2^shift. */
function fractionOf(value: number): { units: bigint; shift: bigint } {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  const bits = view.getBigUint64(0);
  const exponent = Number((bits >> 52n) & 0x7ffn);
  const mantissa = bits & 0xf_ffff_ffff_ffffn;
  const units = exponent === 0 ? mantissa : mantissa | (1n << 52n);
  const power = (exponent === 0 ? 1 : exponent) - 1075;
  return power >= 0
    ? { units: units << BigInt(power), shift: 0n }
    : { units, shift: BigInt(-power) };
}

/** Returns |stored − decimal|, computed exactly. */
function errorOf(stored: number, { units, scale }: Decimal): number {
  const fraction = fractionOf(stored);
  const power = 10n ** BigInt(scale);
  const difference = fraction.units * power - (units << fraction.shift);
  const size = difference < 0n ? -difference : difference;
  // Scaled up before the division, so that small differences keep their digits.
  const scaled = size * 10n ** 40n / (power << fraction.shift);
  return Number(`${scaled}e-40`);
}

/** Returns the nearest multiple of the tick size, exactly. */
function nearestMultiple(price: number, tick: Decimal): Decimal {
  const shown = decimalOf(price);
  const scale = Math.max(shown.scale, tick.scale);
  const step = rescale(tick, scale);
  const count = (rescale(shown, scale) * 2n + step) / (step * 2n);
  return { units: count * step, scale };
}

function isMultiple(price: number, tick: Decimal): boolean {
  const shown = decimalOf(price);
  const scale = Math.max(shown.scale, tick.scale);
  return rescale(shown, scale) % rescale(tick, scale) === 0n;
}

/** Returns the largest power of ten of which all prices are multiples; null when they need more than 12 places. */
function inferTickSize(prices: readonly number[]): number | null {
  const scale = Math.max(0, ...prices.map((price) => decimalOf(price).scale));
  return prices.length > 0 && scale <= scaleMax ? Number(`1e-${scale}`) : null;
}

function advise(report: Omit<Exactness, "advice">): string {
  const { verdict, off_grid, distinct_prices, tick_size, exact_below } = report;
  if (verdict === "unknown") return "There are no ticks to judge yet.";
  if (off_grid > 0) {
    return `${off_grid} of ${distinct_prices} prices are not a multiple of the tick size ${tick_size}: the tick size is ` +
      "wrong, or these are averages and sub-tick prints. To keep every digit, store numeric, or " +
      "bigint counts of a finer tick.";
  }
  if (verdict === "inexact") {
    return "Prices carry more digits than float8 keeps (15 are always safe). Store numeric, or bigint counts of ticks.";
  }
  return `float8 keeps every price of this instrument: printed, each is the decimal the exchange sent` +
    (exact_below === null ? "." : `, and will be as long as prices stay below ${exact_below}.`) +
    " Sums and averages still round in the last digits; money that is owed belongs in numeric.";
}

/** Judges prices by a tick size; without one, by the power of ten that the prices suggest. Pure. */
export function judgeExactness(prices: readonly number[], tickSize: number | null): Exactness {
  const distinct = [...new Set(prices)];
  const inferred = tickSize ?? inferTickSize(distinct);
  const tick = inferred === null ? undefined : decimalOf(inferred);
  let roundTrips = 0;
  let worst = { error: 0, price: null as number | null };
  const offGrid: number[] = [];
  let digits = 0;
  for (const price of distinct) {
    digits = Math.max(digits, significantDigits(price));
    if (!tick) continue;
    if (isMultiple(price, tick)) roundTrips++;
    else offGrid.push(price);
    const error = errorOf(price, nearestMultiple(price, tick));
    if (worst.price === null || error > worst.error) worst = { error, price };
  }
  const report: Omit<Exactness, "advice"> = {
    tick_size: inferred,
    tick_size_source: tickSize !== null ? "instrument" : inferred !== null ? "inferred" : "none",
    sampled: prices.length,
    distinct_prices: distinct.length,
    round_trips: roundTrips,
    off_grid: offGrid.length,
    off_grid_examples: offGrid.slice(0, 5),
    worst_error: worst.error,
    worst_price: worst.price,
    max_significant_digits: digits,
    exact_below: tick ? 10 ** (15 - tick.scale) : null,
    verdict: distinct.length === 0
      ? "unknown"
      : tick && offGrid.length === 0 && digits <= 15
      ? "exact"
      : "inexact",
  };
  return { ...report, advice: advise(report) };
}
