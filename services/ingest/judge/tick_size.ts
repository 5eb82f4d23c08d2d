/** Tolerance for the roundings of a decimal price, its tick size and their quotient: 8 half-ulps. */
const rounding = 2 ** -50;
/** Tolerance for the sender's own arithmetic, as a share of the price … */
const noise = 1e-9;
/** … and at most this share of a tick: no market quotes so finely below its tick. */
const noiseTicks = 1e-6;

/**
 * Says whether a price is a multiple of the tick size within the precision of float8: 0.1 + 0.2 is a multiple of 0.1,
 * 10.005 is not one of 0.01. Beyond 2^48 ticks (14 digits) half a tick is within the tolerance and may pass.
 */
export function isOnTick(price: number, tickSize: number): boolean {
  const ticks = price / tickSize;
  const off = Math.abs(ticks - Math.round(ticks));
  // A quotient that is not finite passes: such a tick size does not apply to this price.
  return !(off > Math.max(ticks * rounding, Math.min(ticks * noise, noiseTicks)));
}
