import type { ChangedPlan } from "../monitor/diagnosis/plan_changes.ts";
import { findChangedPlans, type PlannedRehearsal } from "./plan_costs.ts";

/** The statements whose plans changed between rehearsed backups, in memory. */
export interface ChangedPlans {
  /** Returns them; undefined until rehearsals were read. */
  present(): readonly ChangedPlan[] | undefined;
  /** Compares the plans of these rehearsals, newest first, from now on. */
  compare(rehearsals: readonly PlannedRehearsal[]): void;
}

/** Creates what the rehearsals write and the monitor reads. */
export function createChangedPlans(): ChangedPlans {
  let plans: readonly ChangedPlan[] | undefined;
  return {
    present: () => plans,
    compare: (rehearsals) => void (plans = findChangedPlans(rehearsals)),
  };
}
