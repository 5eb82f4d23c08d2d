/** Room for the few roundings that lie between a decimal price, its tick size and their quotient: 8 half-ulps. */
const rounding = 2 ** -50;
/** Noise of a sender's own arithmetic, as a share of the price … */
const noise = 1e-9;
/** … and never more than this share of a tick: no market quotes that finely below its tick. */
const noiseTicks = 1e-6;

/**
 * Says whether a price is a multiple of the tick size as far as float8 can tell: 0.1 + 0.2 is a multiple of 0.1,
 * 10.005 none of 0.01. Beyond 2^48 ticks (14 digits) half a tick is within those roundings, and may pass.
 */
export function isOnTick(price: number, tickSize: number): boolean {
  const ticks = price / tickSize;
  const off = Math.abs(ticks - Math.round(ticks));
  // Written so that a quotient that is not finite passes: such a tick size says nothing of this price.
  return !(off > Math.max(ticks * rounding, Math.min(ticks * noise, noiseTicks)));
}
