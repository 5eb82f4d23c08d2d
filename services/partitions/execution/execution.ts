import { describeDatabaseError, isUnreachable, refusesWrites } from "../../../db/errors.ts";
import type { TableName } from "../../../db/partitions/ddl.ts";
import { failureOf, isPermanent } from "../../../db/permanence.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { groupSteps, sharedObstacle } from "../planning/groups.ts";
import type { Step } from "../planning/step.ts";
import { attachLeaves } from "./attach.ts";
import { detachLeaf, logStep } from "./detach.ts";
import { unattended, type WorkContext } from "../../requests/work.ts";
import { emptyOutcome, leaveAborted, leaveOut, type Outcome, succeed } from "./outcome.ts";
import { createRemoval } from "./removal.ts";
import {
  createStepTools,
  isPassing,
  leafText,
  PolicyChanged,
  type PolicyReader,
  type StepHandlers,
  type StepTools,
} from "./step_tools.ts";

export interface Execution {
  /**
   * Carries the steps out in order. A failure is recorded and reported, and never stops another table; an abort stops all
   * that is left.
   */
  run(steps: readonly Step[], context?: WorkContext): Promise<Outcome>;
}

export interface ExecutionOptions {
  pool: Pool;
  clock: Clock;
  /** Says whether the clock may start a cool-down; always when left out. */
  isTrusted?: () => boolean;
  log: Logger;
  policyOf: PolicyReader;
  /** Begins a drain, which then continues in the background. */
  beginDrain?: (table: TableName, drain: NonNullable<Step["drain"]>) => Promise<unknown>;
  /** Waits between attempts; milliseconds. */
  pause?: (ms: number) => Promise<void>;
  /** Makes the functions that carry out sealing and archiving. */
  stepHandlers?: (tools: StepTools) => StepHandlers;
}

type RunOptions = Required<ExecutionOptions> & { context: WorkContext };

/** The execution of one plan. */
class ExecutionRun {
  readonly #options: RunOptions;
  readonly #tools: StepTools;
  readonly #handlers: StepHandlers;
  readonly #remove: ReturnType<typeof createRemoval>;
  readonly #outcome = emptyOutcome();

  constructor(options: RunOptions) {
    this.#options = options;
    this.#tools = createStepTools(options);
    this.#handlers = options.stepHandlers(this.#tools);
    this.#remove = createRemoval(this.#tools);
  }

  get #aborted(): boolean {
    return this.#options.context.signal?.aborted ?? false;
  }

  async run(steps: readonly Step[]): Promise<Outcome> {
    const of = steps.reduce((sum, { statements }) => sum + statements.length, 0);
    const stuck = new Set<string>();
    const groups = groupSteps(steps);
    for (const [at, group] of groups.entries()) {
      if (this.#aborted) {
        leaveAborted(groups.slice(at).flat(), this.#outcome);
        break;
      }
      this.#report(describeGroup(group), of);
      const obstacle = group[0] && sharedObstacle(group[0]);
      if (obstacle !== undefined && stuck.has(obstacle)) leaveOut(group, this.#outcome);
      else if (await this.#attempt(group) && obstacle !== undefined) stuck.add(obstacle);
      this.#report(describeGroup(group), of);
    }
    return this.#outcome;
  }

  #report(step: string, of: number): void {
    const { statements: done } = this.#outcome;
    this.#options.context.report({ step, done, of, unit: "statements" });
  }

  async #single(step: Step): Promise<void> {
    const { isTrusted, beginDrain } = this.#options;
    switch (step.action) {
      case "attach":
        return await attachLeaves(this.#tools, [step]);
      case "finalize":
      case "detach":
        return await detachLeaf(this.#tools, step, isTrusted);
      case "drain":
        if (step.drain) await beginDrain(step.parent, step.drain);
        return;
      case "move":
      case "drop":
        return await this.#remove(step, await this.#handlers[step.action]?.(step));
      case "seal":
      case "archive":
        await this.#handlers[step.action]?.(step);
        return;
    }
  }

  async #fail(step: Step, error: unknown): Promise<void> {
    const outcome = this.#outcome;
    const reason = describeDatabaseError(error);
    outcome.skipped.push({
      table: step.table,
      reason: `${step.action} ${leafText(step)}: ${reason}`,
    });
    outcome.errors.push(`${step.action} ${leafText(step)}: ${reason}`);
    if (isPermanent(error)) {
      outcome.refused.push({ step, reason, sqlstate: failureOf(error).sqlstate });
    }
    if (["seal", "archive", "drop"].includes(step.action) && !isPassing(error)) {
      outcome.unproven.push({ table: step.table, partition: leafText(step), reason });
    }
    await this.#log(step, error);
  }

  async #log(step: Step, error: unknown): Promise<void> {
    const entry = this.#tools.entry(step, performance.now(), error);
    await logStep(this.#tools, entry, this.#options.isTrusted());
  }

  /** Returns whether a lock could not be obtained: the next step that needs the same lock is then left out. */
  async #attempt(steps: readonly Step[]): Promise<boolean> {
    const [first, ...others] = steps;
    if (!first) return false;
    try {
      if (others.length > 0) await attachLeaves(this.#tools, steps);
      else await this.#single(first);
      succeed(steps, this.#outcome);
      return false;
    } catch (error) {
      if (this.#aborted) {
        leaveAborted(steps, this.#outcome);
        await this.#log(first, this.#options.context.signal?.reason);
        return false;
      }
      if (isUnreachable(error) || refusesWrites(error)) throw error;
      if (error instanceof PolicyChanged) {
        this.#outcome.skipped.push({ table: first.table, reason: error.message });
        return false;
      }
      const locked = isPassing(error);
      if (locked || others.length === 0) {
        await this.#fail(first, error);
        leaveOut(others, this.#outcome);
        return locked;
      }
    }
    // One leaf that fails must not keep the others from being made.
    for (const [at, step] of steps.entries()) {
      if (this.#aborted) {
        leaveAborted(steps.slice(at), this.#outcome);
        return false;
      }
      if (await this.#attempt([step])) {
        leaveOut(steps.slice(at + 1), this.#outcome);
        return true;
      }
    }
    return false;
  }
}

function describeGroup([first, ...others]: readonly Step[]): string {
  if (!first) return "";
  const more = others.length > 0 ? ` and ${others.length} more` : "";
  return `${first.action} ${leafText(first)}${more}`;
}

/** Carries out plans. */
export function createExecution(
  {
    isTrusted = () => true,
    pause = (ms) => new Promise((done) => setTimeout(done, ms)),
    beginDrain = () => {
      throw new HoldfastError("conflict", "Default partitions are not drained here");
    },
    stepHandlers = () => ({}),
    ...rest
  }: ExecutionOptions,
): Execution {
  const options = { ...rest, isTrusted, pause, beginDrain, stepHandlers };
  return {
    run: (steps, context = unattended) => new ExecutionRun({ ...options, context }).run(steps),
  };
}
