import type { OperationProgress } from "../../db/requests/operations.ts";

/** What work receives from its operation, and reports to it. */
export interface WorkContext {
  report(progress: OperationProgress): void;
  /** Aborts when the operation is to end; work without one is never aborted. */
  signal?: AbortSignal | undefined;
  /** States why a step runs to its end in spite of an abort; undefined: the work can be cut off again. */
  mustFinish(why: string | undefined): void;
}

/** The context of work that belongs to no operation: nobody reads its progress, and nothing aborts it. */
export const unattended: WorkContext = { report() {}, mustFinish() {} };

/** Thrown by work that an abort ended early, with the result of what it had done until then. */
export class EndedEarly extends Error {
  constructor(readonly result: object) {
    super("The work ended early");
    this.name = "EndedEarly";
  }
}

/** Runs a step that an abort does not cut off, and states why. */
export async function toTheEnd<T>(
  context: WorkContext,
  why: string,
  step: () => Promise<T>,
): Promise<T> {
  context.mustFinish(why);
  try {
    return await step();
  } finally {
    context.mustFinish(undefined);
  }
}
