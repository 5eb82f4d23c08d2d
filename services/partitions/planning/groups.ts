import type { Step } from "./step.ts";

/** Attaches of one transaction: each holds its locks until commit. */
const attachesTogether = 30;
/** Statements of them all; a leaf that is partitioned itself has thousands. */
const statementsTogether = 600;

/**
 * Steps of one table that wait for the same thing: its detaches for the one that is not finished, its attaches for a
 * lock. When one of them does not get it, the next would wait as long in vain.
 */
export function sharedObstacle({ action, table }: Step): string | undefined {
  if (action === "detach" || action === "finalize") return `detach ${table}`;
  return action === "attach" ? `attach ${table}` : undefined;
}

const sum = (steps: readonly Step[]) =>
  steps.reduce((count, { statements }) => count + statements.length, 0);

/** Light attaches of one table go together, up to a number; everything else goes alone. */
export function groupSteps(steps: readonly Step[]): Step[][] {
  const groups: Step[][] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    const [first] = last ?? [];
    const joins = step.action === "attach" && !step.heavy && first?.action === "attach" &&
      !first.heavy && first.table === step.table && (last?.length ?? 0) < attachesTogether &&
      sum([...last ?? [], step]) <= statementsTogether;
    if (joins) last?.push(step);
    else groups.push([step]);
  }
  return groups;
}
