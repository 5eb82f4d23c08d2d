import type { Publisher } from "../../live/hub.ts";
import type { BenchmarkCase } from "../case.ts";
import { type BenchmarkEvent, publicResult, type RunStatus, type StoredResult } from "../run.ts";

/** Below the two seconds promised, so that a busy event loop can be late; milliseconds. */
const heartbeatMs = 1_500;

export interface Progress {
  begin(bench: BenchmarkCase): void;
  /** Notes that `done` blocks of the present case are measured. */
  block(done: number): void;
  result(result: StoredResult): void;
  finish(status: RunStatus, message?: string): void;
  /** Returns the present case and the blocks of the whole run; null when the run has ended. */
  state(): RunProgress | null;
}

export interface RunProgress {
  step: string;
  done: number;
  of: number;
}

/** Publishes the progress of a run: at the start of each case, with each result, and every 1.5 s in between. */
export function createProgress(
  { hub, runId, cases, blocksPerCase }: {
    hub: Publisher;
    runId: string;
    cases: number;
    blocksPerCase: number;
  },
): Progress {
  let casesDone = 0;
  let blocksDone = 0;
  let present: BenchmarkCase | undefined;
  let over = false;
  const total = cases * blocksPerCase;
  const done = () => Math.min(casesDone * blocksPerCase + blocksDone, total);

  function publish(state: BenchmarkEvent["state"], more: Partial<BenchmarkEvent> = {}) {
    const event: BenchmarkEvent = {
      run_id: runId,
      state,
      status: "running",
      case: present?.id ?? null,
      category: present?.category ?? null,
      done: done(),
      total,
      ...more,
    };
    hub.publish("performance_benchmark", event);
  }

  const timer = setInterval(
    () => publish("progress", { message: present?.title ?? "Preparing" }),
    heartbeatMs,
  );
  return {
    begin(bench) {
      present = bench;
      blocksDone = 0;
      publish("progress", { message: bench.title });
    },
    block(done) {
      blocksDone = done;
    },
    result(result) {
      casesDone++;
      blocksDone = 0;
      publish("result", { result: publicResult(result) });
    },
    state: () => over ? null : { step: present?.id ?? "preparing", done: done(), of: total },
    finish(status, message) {
      clearInterval(timer);
      present = undefined;
      over = true;
      publish("finished", message === undefined ? { status } : { status, message });
    },
  };
}
