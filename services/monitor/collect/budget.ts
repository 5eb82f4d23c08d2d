/** How a collector has lately kept to its budget. */
export interface Purse {
  /** Turns in a row that cost too much. */
  strikes: number;
  /** Turns still to be left out. */
  resting: number;
  /** How many turns the next rest takes. */
  nextRest: number;
}

export const fullPurse: Purse = { strikes: 0, resting: 0, nextRest: 4 };

const strikesMax = 2;
const restMax = 64;

/**
 * A collector that costs more than its budget twice in a row is left out for four turns, and for twice as many each
 * time it is no cheaper afterwards. One turn within the budget makes everything good. Pure.
 */
export function chargeTurn(purse: Purse, costMs: number, budgetMs: number): Purse {
  if (costMs <= budgetMs) return fullPurse;
  const strikes = purse.strikes + 1;
  if (strikes < strikesMax) return { ...purse, strikes };
  return {
    // After a rest one dear turn is enough.
    strikes: strikesMax - 1,
    resting: purse.nextRest,
    nextRest: Math.min(restMax, purse.nextRest * 2),
  };
}

/** The purse after a turn that was left out. */
export function restTurn(purse: Purse): Purse {
  return { ...purse, resting: Math.max(0, purse.resting - 1) };
}

/** What one collector may cost in milliseconds: a fiftieth of its cadence, and never less than half a second. */
export function budgetOf(everyMs: number): number {
  return Math.max(500, everyMs / 50);
}
