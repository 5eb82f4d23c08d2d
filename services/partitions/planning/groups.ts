import type { Step } from "./step.ts";

/** At most so many attaches are in one transaction: each holds its locks until commit. */
const attachesTogether = 30;
/** At most so many statements are in one transaction; a leaf that is partitioned itself has thousands. */
const statementsTogether = 600;

/**
 * Returns the name of what a step may wait for: a pending detach, or a lock on the table. When one step meets it, the next
 * of the same name would only wait as long.
 */
export function sharedObstacle({ action, table }: Step): string | undefined {
  if (action === "detach" || action === "finalize") return `detach ${table}`;
  return action === "attach" ? `attach ${table}` : undefined;
}

const sum = (steps: readonly Step[]) =>
  steps.reduce((count, { statements }) => count + statements.length, 0);

/** Groups steps: light attaches of one table are carried out together, up to a limit, all others alone. */
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
