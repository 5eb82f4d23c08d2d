import type { TableFacts } from "./facts.ts";
import type { Refused } from "./step.ts";

const full = ({ schema, name }: { schema: string; name: string }) => `${schema}.${name}`;

/**
 * Returns the leaves in their order, those that failed when last tried after all others: a plan takes only the first few,
 * and a few that fail each time would keep the others waiting for ever.
 */
export function freshFirst<L extends { schema: string; name: string }>(
  { unproven }: TableFacts,
  leaves: readonly L[],
): L[] {
  const failed = (leaf: L) => unproven?.has(full(leaf)) ?? false;
  return [...leaves.filter((leaf) => !failed(leaf)), ...leaves.filter(failed)];
}

/** Returns those of the leaves that failed when last tried, with the reason: they stay reported while they wait. */
export function stillUnproven(
  { unproven }: TableFacts,
  leaves: readonly { schema: string; name: string }[],
): Refused[] {
  return leaves.map(full).flatMap((partition) => {
    const reason = unproven?.get(partition);
    return reason === undefined ? [] : [{ partition, reason }];
  });
}
