import { StartError } from "../../errors.ts";

/** The unit of a category's target and figures. */
export type TargetUnit = "ratio" | "inserts/min";

/**
 * The target of each category. A ratio is an improvement (see
 * statistics.ts); a capacity has its own unit.
 */
export const defaultTargets = {
  insert_performance: 0.3,
  calculation_performance: 1,
  high_frequency_capacity: 10_000,
  query_performance: 0.35,
  connection_pool: 0.5,
  /** The longest stall of writers is at most half as long. */
  partition_maintenance: 1,
  /** At most 5 % of throughput lost while the monitor collects far more often than in production. */
  monitoring_overhead: -0.05,
  broadcast_fanout: 1,
  /** An operator's own cases: each has its own target, and none counts for Holdfast. */
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

/** Throws a StartError for a target of no category, and for a capacity that nothing could miss. */
export function checkTargets(overrides: TargetOverrides): void {
  for (const [name, target] of Object.entries(overrides)) {
    const category = categories.find((one) => one === name);
    const isSense = category && (targetUnitOf(category) === "ratio" || target > 0);
    if (isSense) continue;
    throw new StartError(
      `HOLDFAST_BENCH_TARGETS is ${JSON.stringify(overrides)}; allowed: ${
        category
          ? `more than 0 inserts per minute for ${category}`
          : `targets of the categories ${categories.join(", ")}`
      }`,
    );
  }
}

/** Returns the target of a case: from the settings, else its own, else that of its category. */
export function targetOf(
  category: Category,
  overrides: TargetOverrides,
  own: number = defaultTargets[category],
): number {
  return overrides[category] ?? own;
}

/** Converts a target or a figure to the log scale on which it is estimated, and back. */
export const scales: Readonly<
  Record<TargetUnit, { toLog(value: number): number; fromLog(log: number): number }>
> = {
  ratio: { toLog: Math.log1p, fromLog: Math.expm1 },
  "inserts/min": { toLog: Math.log, fromLog: Math.exp },
};
