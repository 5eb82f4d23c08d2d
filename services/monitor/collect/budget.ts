/** How a collector kept to its time budget in its last runs. */
export interface TierBudget {
  /** Runs in a row over the budget. */
  overruns: number;
  /** Runs still to skip. */
  resting: number;
  /** Runs to skip the next time. */
  nextRest: number;
}

/** The budget of a collector that has not run. */
export const fullBudget: TierBudget = { overruns: 0, resting: 0, nextRest: 4 };

const overrunsMax = 2;
const restMax = 64;

/**
 * Returns the budget after a run that took `costMs`. A collector over its budget twice in a row skips four runs, and twice
 * as many each time it is still over it afterwards. One run within the budget clears this. Pure.
 */
export function chargeTick(budget: TierBudget, costMs: number, budgetMs: number): TierBudget {
  if (costMs <= budgetMs) return fullBudget;
  const overruns = budget.overruns + 1;
  if (overruns < overrunsMax) return { ...budget, overruns };
  return {
    // After the skipped runs, one overrun is enough.
    overruns: overrunsMax - 1,
    resting: budget.nextRest,
    nextRest: Math.min(restMax, budget.nextRest * 2),
  };
}

/** Returns the budget after a skipped run. */
export function restTick(budget: TierBudget): TierBudget {
  return { ...budget, resting: Math.max(0, budget.resting - 1) };
}

/** Returns the time one run may take: a fiftieth of the cadence, at least half a second; milliseconds. */
export function budgetOf(everyMs: number): number {
  return Math.max(500, everyMs / 50);
}
