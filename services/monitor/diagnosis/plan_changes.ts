import type { Evidence, MetricValue } from "../../alerts/alert.ts";

/** How a statement is planned and executed on the copy of one backup. */
export interface PlanOfBackup {
  backup: string;
  /** The time of the data (RFC 3339). */
  taken_at: string;
  /** Nodes of the generic plan, one per line. */
  plan: string;
  /** The planner's estimate, in its units. */
  estimated_cost: number | null;
  /** Median time of one execution; milliseconds. */
  measured_ms: number | null;
}

/** A statement whose plan on the newest rehearsed backup differs from that on an earlier one. */
export interface ChangedPlan {
  /** The statement in one line, shortened: the scope of its alert. */
  scope: string;
  statement: string;
  query_id: string | null;
  /** What an execution costs now, as a multiple of what it cost with the earlier plan. */
  times: number;
  /** Whether `times` compares measured times or the planner's estimates. */
  by: "measured" | "estimated";
  before: PlanOfBackup;
  after: PlanOfBackup;
}

/** The metric that rules judge, by statement. */
export const planMetric = "plan_cost_times";

/** Returns the values that rules judge: for each changed plan, the multiple of its former cost. */
export const planValues = (plans: readonly ChangedPlan[]): MetricValue[] =>
  plans.map(({ scope, times }) => ({ metric: planMetric, scope, value: times }));

/** Returns the facts on the changed plan of one scope: the statement, the nodes and costs before and after. */
export function planEvidence(plans: readonly ChangedPlan[], scope: string): Evidence[] {
  const found = plans.find((one) => one.scope === scope);
  if (!found) return [];
  const { statement, query_id, by, before, after } = found;
  return [
    { name: "statement", value: statement },
    { name: "query_id", value: query_id },
    { name: "compared_by", value: by },
    { name: "before", value: before },
    { name: "after", value: after },
  ];
}
