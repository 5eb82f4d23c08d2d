/** How a collector has lately kept to its budget. */
export interface TierBudget {
  /** Turns in a row that cost too much. */
  overruns: number;
  /** Turns still to be left out. */
  resting: number;
  /** How many turns the next rest takes. */
  nextRest: number;
}

export const fullBudget: TierBudget = { overruns: 0, resting: 0, nextRest: 4 };

const overrunsMax = 2;
const restMax = 64;

/**
 * A collector that costs more than its budget twice in a row is left out for four turns, and for twice as many each
 * time it is no cheaper afterwards. One turn within the budget makes everything good. Pure.
 */
export function chargeTick(budget: TierBudget, costMs: number, budgetMs: number): TierBudget {
  if (costMs <= budgetMs) return fullBudget;
  const overruns = budget.overruns + 1;
  if (overruns < overrunsMax) return { ...budget, overruns };
  return {
    // After a rest one dear turn is enough.
    overruns: overrunsMax - 1,
    resting: budget.nextRest,
    nextRest: Math.min(restMax, budget.nextRest * 2),
  };
}

/** The budget after a turn that was left out. */
export function restTick(budget: TierBudget): TierBudget {
  return { ...budget, resting: Math.max(0, budget.resting - 1) };
}

/** What one collector may cost in milliseconds: a fiftieth of its cadence, and never less than half a second. */
export function budgetOf(everyMs: number): number {
  return Math.max(500, everyMs / 50);
}
