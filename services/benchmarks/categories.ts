/** How a category's target and figures are to be read. */
export type TargetUnit = "ratio" | "inserts/min";

/**
 * What each kind of benchmark must reach; spec §6, and the last three by our own measure. A ratio is an improvement
 * (see statistics.ts); a capacity is judged by itself, in its own unit.
 */
export const defaultTargets = {
  insert_performance: 0.3,
  calculation_performance: 1,
  high_frequency_capacity: 10_000,
  query_performance: 0.35,
  connection_pool: 0.5,
  /** Writers' worst stall at most half as long. */
  partition_maintenance: 1,
  /** At most 5 % lost while the monitor looks far more often than it does in life. */
  monitoring_overhead: -0.05,
  broadcast_fanout: 1,
  /** An operator's own cases: each has its own target, none counts for Holdfast. */
  custom: 0,
} as const;

export type Category = keyof typeof defaultTargets;

export const categories = Object.keys(defaultTargets) as readonly Category[];

/** The categories that are reported and validated. */
export const judgedCategories = categories.filter((category) => category !== "custom");

export function targetUnitOf(category: Category): TargetUnit {
  return category === "high_frequency_capacity" ? "inserts/min" : "ratio";
}

export type TargetOverrides = Readonly<Record<string, number>>;

/** The target in force for `category`; an own one of the case counts unless settings override it. */
export function targetOf(
  category: Category,
  overrides: TargetOverrides,
  own: number = defaultTargets[category],
): number {
  return overrides[category] ?? own;
}

/** From a target or a figure to the log scale on which it is estimated, and back. */
export const scales: Readonly<
  Record<TargetUnit, { toLog(value: number): number; fromLog(log: number): number }>
> = {
  ratio: { toLog: Math.log1p, fromLog: Math.expm1 },
  "inserts/min": { toLog: Math.log, fromLog: Math.exp },
};
