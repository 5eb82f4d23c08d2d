import type { Refused, Skipped, Step } from "../planning/step.ts";
import { leafText } from "./step_tools.ts";

/** What the execution of a plan did. */
export interface Outcome {
  applied: Step[];
  /** Number of statements that were carried out. */
  statements: number;
  skipped: Skipped[];
  /** Steps that failed, as opposed to those left out on purpose. */
  errors: string[];
  /** Those of them that would fail again, and why. */
  refused: { step: Step; reason: string; sqlstate: string | null }[];
  /** Leaves that could not be sealed, archived or dropped, for a reason other than a lock. */
  unproven: (Refused & { table: string })[];
  /** Whether an abort ended the execution before its last step. */
  aborted: boolean;
}

/** Returns an outcome of no step. */
export const emptyOutcome = (): Outcome => ({
  applied: [],
  statements: 0,
  skipped: [],
  errors: [],
  refused: [],
  unproven: [],
  aborted: false,
});

/** Adds steps that were carried out. */
export function succeed(steps: readonly Step[], outcome: Outcome): void {
  for (const step of steps) {
    outcome.applied.push(step);
    outcome.statements += step.statements.length;
  }
}

/** Adds steps that an abort left. */
export function leaveAborted(steps: readonly Step[], outcome: Outcome): void {
  if (steps.length > 0) outcome.aborted = true;
  for (const step of steps) {
    outcome.skipped.push({
      table: step.table,
      reason: `${step.action} ${leafText(step)} was not done: the operation was aborted`,
    });
  }
}

/** Adds steps that were not tried, for the one before them met a lock. */
export function leaveOut(steps: readonly Step[], outcome: Outcome): void {
  for (const step of steps) {
    outcome.skipped.push({
      table: step.table,
      reason: `${step.action} ${leafText(step)} waits: the step before it failed`,
    });
  }
}
