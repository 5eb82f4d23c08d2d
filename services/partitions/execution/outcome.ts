import type { Refused, Skipped, Step } from "../planning/step.ts";
import { leafText } from "./step_tools.ts";

/** What became of the steps of a plan. */
export interface Outcome {
  applied: Step[];
  /** Statements that were carried out. */
  statements: number;
  skipped: Skipped[];
  /** Steps that failed, as opposed to those left out on purpose. */
  errors: string[];
  /** Those of them that would fail again, and why. */
  refused: { step: Step; reason: string }[];
  /** Leaves that could not be sealed, archived or dropped, for a reason other than a lock. */
  unproven: (Refused & { table: string })[];
}

export const emptyOutcome = (): Outcome => ({
  applied: [],
  statements: 0,
  skipped: [],
  errors: [],
  refused: [],
  unproven: [],
});

export function succeed(steps: readonly Step[], outcome: Outcome): void {
  for (const step of steps) {
    outcome.applied.push(step);
    outcome.statements += step.statements.length;
  }
}

export function leaveOut(steps: readonly Step[], outcome: Outcome): void {
  for (const step of steps) {
    outcome.skipped.push({
      table: step.table,
      reason: `${step.action} ${leafText(step)} waits: the one before it could not be done`,
    });
  }
}
