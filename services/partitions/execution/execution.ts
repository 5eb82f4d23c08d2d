import type { Sql } from "../../../db/connection.ts";
import { codeOf, describeDatabaseError, isUnreachable, refusesWrites } from "../../../db/errors.ts";
import { detachStatement, type TableName } from "../../../db/partitions/ddl.ts";
import { reconcileDetached, rememberDetach } from "../../../db/partitions/detached.ts";
import { attachedNames, isPending } from "../../../db/partitions/leaves.ts";
import { logMaintenance, type MaintenanceEntry } from "../../../db/partitions/log.ts";
import { sendOutsideTransaction } from "../../../db/partitions/outside.ts";
import { isPermanent } from "../../../db/permanence.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { emptyOutcome, leaveOut, type Outcome, succeed } from "./outcome.ts";
import { groupSteps, sharedObstacle } from "../planning/groups.ts";
import type { Step } from "../planning/step.ts";
import { createRemoval } from "./removal.ts";
import {
  leafTable,
  leafText,
  outsideLimits,
  type StepHandlers,
  type StepTools,
  tableName,
} from "./step_tools.ts";

/** Writers queue behind a heavy lock for as long as it is waited for, so it is tried briefly and often. */
const heavyLockMs = 100;
const attempts = { heavy: 12, light: 4 };
/** lock_not_available and deadlock_detected: somebody else was in the way, who will not be for ever. */
const passing = new Set(["55P03", "40P01"]);

export interface Execution {
  /** Carries the steps out in order; what fails is recorded and told, and never stops another table. */
  run(steps: readonly Step[]): Promise<Outcome>;
}

export interface ExecutionOptions {
  pool: Pool;
  clock: Clock;
  /** Whether a cool-down may begin by the clock; yes where left out. */
  isTrusted?: () => boolean;
  log: Logger;
  /** Begins a drain, which then goes on by itself. */
  beginDrain?: (table: TableName, drain: NonNullable<Step["drain"]>) => Promise<unknown>;
  /** Waits between attempts; milliseconds. */
  pause?: (ms: number) => Promise<void>;
  /** Makes those who carry out sealing and archiving. */
  stepHandlers?: (tools: StepTools) => StepHandlers;
}

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
  const tools = { pool, clock, log, limitLocks, withRetries, entry };
  const handlers = stepHandlers(tools);
  const remove = createRemoval(tools);

  function entry(step: Step, started: number, error: unknown): MaintenanceEntry {
    return {
      action: step.action,
      table_name: step.table,
      partition_name: step.partition.name,
      reason: step.reason,
      duration_ms: performance.now() - started,
      error: error === undefined ? null : describeDatabaseError(error),
      sql: step.statements.map(({ sql }) => sql).join(";\n"),
    };
  }

  /** A light lock is waited for as long as the pool allows. */
  async function limitLocks(sql: Sql, heavy: boolean): Promise<void> {
    if (heavy) await sql`select set_config('lock_timeout', ${`${heavyLockMs}ms`}, true)`;
  }

  /** Retries what failed for a passing reason, ever later. */
  async function withRetries<T>(step: Step, work: () => Promise<T>): Promise<T> {
    const most = step.heavy ? attempts.heavy : attempts.light;
    for (let attempt = 1;; attempt++) {
      try {
        return await work();
      } catch (error) {
        if (!passing.has(codeOf(error)) || attempt === most) throw error;
        log.warn("partition_step_waits", { step: step.action, leaf: leafText(step), attempt });
        const wait = step.heavy ? 50 * attempt : 100 * 4 ** attempt;
        await pause(wait * (0.5 + Math.random()));
      }
    }
  }

  /** Attaches several leaves of one table, or none of them. */
  function attachTogether(steps: readonly Step[]): Promise<void> {
    const [first] = steps;
    if (!first) return Promise.resolve();
    return withRetries(first, () =>
      pool.transaction(async (sql) => {
        await limitLocks(sql, first.heavy);
        await sql`select pg_advisory_xact_lock(hashtextextended('holdfast.rotate', 0))`;
        // An upload, or another Holdfast, may have made some of them since the plan.
        const present = new Set(await attachedNames(sql, tableName(first)));
        const started = performance.now();
        const missing = steps.filter(({ partition }) => !present.has(partition.name));
        for (const { statements } of missing) {
          for (const statement of statements) await sql.unsafe(statement.sql);
        }
        await logMaintenance(
          sql,
          missing.map((step) => ({
            ...entry(step, started, undefined),
            duration_ms: (performance.now() - started) / missing.length,
          })),
        );
      }));
  }

  /** A detach that was cut short must be finalised, whatever was asked for first. */
  async function detachOnce(step: Step): Promise<void> {
    const [statement] = step.statements;
    await pool.run(async (sql) => {
      const pending = step.oid !== undefined && await isPending(sql, step.oid);
      const text = pending
        ? detachStatement(tableName(step), leafTable(step), "finalize")
        : statement?.sql ?? "";
      await sendOutsideTransaction(pool, sql, text, outsideLimits);
    });
  }

  async function detach(step: Step): Promise<void> {
    const started = performance.now();
    const { oid, bound = "", retention } = step;
    if (oid !== undefined && retention !== undefined) {
      await pool.run((sql) =>
        rememberDetach(sql, {
          parent: tableName(step),
          leaf: leafTable(step),
          oid,
          bound,
          action: retention,
          withinBrake: step.confirmed !== true,
          at: clock.now(),
        })
      );
    }
    await withRetries(step, () =>
      step.transaction
        ? pool.transaction(async (sql) => {
          await limitLocks(sql, step.heavy);
          for (const { sql: statement } of step.statements) await sql.unsafe(statement);
        })
        : detachOnce(step));
    await pool.run(async (sql) => {
      await logMaintenance(sql, [entry(step, started, undefined)]);
      await reconcileDetached(sql, { at: clock.now(), trusted: isTrusted() });
    });
  }

  async function single(step: Step): Promise<void> {
    switch (step.action) {
      case "attach":
        return await attachTogether([step]);
      case "finalize":
      case "detach":
        return await detach(step);
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
    if (isPermanent(error)) outcome.refused.push({ step, reason });
    if (["seal", "archive", "drop"].includes(step.action) && !passing.has(codeOf(error))) {
      outcome.unproven.push({ table: step.table, partition: leafText(step), reason });
    }
    await pool.run(async (sql) => {
      await logMaintenance(sql, [entry(step, performance.now(), error)]);
      await reconcileDetached(sql, { at: clock.now(), trusted: isTrusted() });
    });
  }

  /** Says whether it was a lock that could not be had: then the next of the kind need not try. */
  async function attempt(steps: readonly Step[], outcome: Outcome): Promise<boolean> {
    const [first, ...others] = steps;
    if (!first) return false;
    try {
      if (others.length > 0) await attachTogether(steps);
      else await single(first);
      succeed(steps, outcome);
      return false;
    } catch (error) {
      if (isUnreachable(error) || refusesWrites(error)) throw error;
      const locked = passing.has(codeOf(error));
      if (locked || others.length === 0) {
        await fail(first, error, outcome);
        leaveOut(others, outcome);
        return locked;
      }
    }
    // One bad leaf must not keep the other ones from being made.
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
