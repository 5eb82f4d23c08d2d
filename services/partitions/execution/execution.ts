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
import { emptyOutcome, leaveOut, type Outcome, succeed } from "./outcome.ts";
import { createRemoval } from "./removal.ts";
import {
  createStepTools,
  isPassing,
  leafText,
  type StepHandlers,
  type StepTools,
  tableName,
} from "./step_tools.ts";

export interface Execution {
  /** Carries the steps out in order. A failure is recorded and reported, and never stops another table. */
  run(steps: readonly Step[]): Promise<Outcome>;
}

export interface ExecutionOptions {
  pool: Pool;
  clock: Clock;
  /** Says whether the clock may start a cool-down; always when left out. */
  isTrusted?: () => boolean;
  log: Logger;
  /** Begins a drain, which then continues in the background. */
  beginDrain?: (table: TableName, drain: NonNullable<Step["drain"]>) => Promise<unknown>;
  /** Waits between attempts; milliseconds. */
  pause?: (ms: number) => Promise<void>;
  /** Makes the functions that carry out sealing and archiving. */
  stepHandlers?: (tools: StepTools) => StepHandlers;
}

/** Carries out plans. */
export function createExecution(
  {
    pool,
    clock,
    isTrusted = () => true,
    log,
    pause = (ms) => new Promise((done) => setTimeout(done, ms)),
    beginDrain = () => {
      throw new HoldfastError("conflict", "Default partitions are not drained here");
    },
    stepHandlers = () => ({}),
  }: ExecutionOptions,
): Execution {
  const tools = createStepTools({ pool, clock, log, pause });
  const handlers = stepHandlers(tools);
  const remove = createRemoval(tools);

  async function single(step: Step): Promise<void> {
    switch (step.action) {
      case "attach":
        return await attachLeaves(tools, [step]);
      case "finalize":
      case "detach":
        return await detachLeaf(tools, step, isTrusted);
      case "drain":
        if (step.drain) await beginDrain(tableName(step), step.drain);
        return;
      case "move":
      case "drop":
        return await remove(step, await handlers[step.action]?.(step));
      case "seal":
      case "archive":
        await handlers[step.action]?.(step);
        return;
    }
  }

  async function fail(step: Step, error: unknown, outcome: Outcome): Promise<void> {
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
    await logStep(tools, tools.entry(step, performance.now(), error), isTrusted());
  }

  /** Returns whether a lock could not be obtained: the next step that needs the same lock is then left out. */
  async function attempt(steps: readonly Step[], outcome: Outcome): Promise<boolean> {
    const [first, ...others] = steps;
    if (!first) return false;
    try {
      if (others.length > 0) await attachLeaves(tools, steps);
      else await single(first);
      succeed(steps, outcome);
      return false;
    } catch (error) {
      if (isUnreachable(error) || refusesWrites(error)) throw error;
      const locked = isPassing(error);
      if (locked || others.length === 0) {
        await fail(first, error, outcome);
        leaveOut(others, outcome);
        return locked;
      }
    }
    // One leaf that fails must not keep the others from being made.
    for (const [at, step] of steps.entries()) {
      if (await attempt([step], outcome)) {
        leaveOut(steps.slice(at + 1), outcome);
        return true;
      }
    }
    return false;
  }

  return {
    async run(steps) {
      const outcome = emptyOutcome();
      const stuck = new Set<string>();
      for (const group of groupSteps(steps)) {
        const obstacle = group[0] && sharedObstacle(group[0]);
        if (obstacle !== undefined && stuck.has(obstacle)) leaveOut(group, outcome);
        else if (await attempt(group, outcome) && obstacle !== undefined) stuck.add(obstacle);
      }
      return outcome;
    },
  };
}
