/** What each kind of benchmark must reach, as an improvement (see statistics.ts); spec §6. */
export const defaultTargets = {
  insert_performance: 0.3,
  calculation_performance: 1,
  /** Relative to the 10,000 inserts a minute that the design asks for: 0 is just enough. */
  high_frequency_capacity: 0,
  query_performance: 0.35,
  connection_pool: 0.5,
} as const;

export type Category = keyof typeof defaultTargets;

export const categories = Object.keys(defaultTargets) as readonly Category[];

export type TargetOverrides = Readonly<Record<string, number>>;

/** The target in force for `category`; an own one of the case counts unless settings override it. */
export function targetOf(
  category: Category,
  overrides: TargetOverrides,
  own: number = defaultTargets[category],
): number {
  return overrides[category] ?? own;
}
