import { randomUUID } from "node:crypto";
import type {
  OperationProblem,
  OperationProgress,
  OperationRow,
} from "../../db/requests/operations.ts";
import type { WorkContext } from "./work.ts";

/** An operation whose work runs in this process: its row, its progress, and whether it was aborted. */
export class RunningOperation {
  readonly id = randomUUID();
  readonly #controller = new AbortController();
  readonly #first: OperationRow;
  #progress: OperationProgress | null = null;
  #mustFinish: string | undefined;
  /** Settles once the outcome is stored. */
  ended: Promise<void> = Promise.resolve();

  constructor({ kind, subject }: { kind: string; subject: string }, at: string) {
    this.#first = {
      id: this.id,
      kind,
      subject,
      status: "running",
      progress: null,
      result: null,
      problems: [],
      started_at: at,
      updated_at: at,
      finished_at: null,
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  readonly context: WorkContext = {
    report: (progress) => this.#progress = progress,
    signal: this.#controller.signal,
    mustFinish: (why) => this.#mustFinish = why,
  };

  /** Asks the work to end; a second call changes nothing. */
  abort(reason: Error): void {
    this.#controller.abort(reason);
  }

  /** Returns the row as of `at`: with the present progress and, after an abort, with what is still finished. */
  row(at = this.#first.updated_at): OperationRow {
    const problems: OperationProblem[] = this.signal.aborted
      ? [{
        code: "aborting",
        detail: `Abort requested; ${
          this.#mustFinish ?? "the operation ends when its statement is cancelled"
        }`,
      }]
      : [];
    return { ...this.#first, progress: this.#progress, problems, updated_at: at };
  }
}
