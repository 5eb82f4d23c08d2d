import type { Sql } from "../../../db/connection.ts";
import { codeOf, describeDatabaseError } from "../../../db/errors.ts";
import type { TableName } from "../../../db/partitions/ddl.ts";
import type { MaintenanceEntry } from "../../../db/partitions/records/log.ts";
import { abortablePool } from "../../../db/pool/abortable.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { setLockTimeout, setLockTimeoutEverywhere } from "../../../db/session/transaction.ts";
import { HoldfastError } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import { unlessAborted } from "../../../lib/deadline.ts";
import type { WorkContext } from "../../requests/work.ts";
import type { Action, Step } from "../planning/step.ts";
import type { Policy } from "../policy.ts";
import { sqlState } from "../../../db/sql_state.ts";

/** Writers queue behind a heavy lock while it is waited for, so an attempt is short and is repeated often. */
const heavyLockMs = 100;
const attempts = { heavy: 12, light: 4 };
const passing = new Set([sqlState.lockNotAvailable, sqlState.deadlockDetected]);

/** Says whether another session's lock was in the way, so that a later attempt may succeed. */
export const isPassing = (error: unknown): boolean => passing.has(codeOf(error));

/** Returns the partition of a step. */
export const leafTable = ({ partition }: Step): TableName => ({
  schema: partition.schema,
  table: partition.name,
});
/** Returns the partition of a step as `schema.name`. */
export const leafText = ({ partition }: Step) => `${partition.schema}.${partition.name}`;

/** Limits of a statement outside a transaction behind a pooler; equal to the pool's own. */
export const outsideLimits = { lockMs: 2_000, statementMs: 120_000 };

/** Thrown by a step whose policy has changed since it was planned. */
export class PolicyChanged extends HoldfastError {
  constructor({ action, table, partition }: Step) {
    super(
      "conflict",
      `${action} ${partition.schema}.${partition.name} is left out: the policy of ${table} has changed since the plan`,
    );
  }
}

/** Reads the policy of a table (`schema.name`) that is in force; undefined when it has none. */
export type PolicyReader = (sql: Sql, table: string) => Promise<Policy | undefined>;

/** Functions that all steps use. */
export interface StepTools {
  /** Ends with an abort: for reads, and for transactions that leave nothing when they are rolled back. */
  pool: Pool;
  /** Runs to the end in spite of an abort: for records, and for what would stay half-done. */
  steadyPool: Pool;
  context: WorkContext;
  clock: Clock;
  log: Logger;
  /** Sets the lock timeout of a transaction: short for a heavy lock, the pool's own for others; also on other nodes. */
  limitLocks(sql: Sql, heavy: boolean, distributed?: boolean): Promise<void>;
  /** Throws `PolicyChanged` unless the policy of the step is in force. */
  refuseChanged(sql: Sql, step: Step): Promise<void>;
  /** Repeats `work` while a lock or a deadlock is in the way. */
  withRetries<T>(step: Step, work: () => Promise<T>): Promise<T>;
  /** Returns the step's entry of the maintenance log; `error` is undefined after a success. */
  entry(step: Step, started: number, error: unknown): MaintenanceEntry;
}

/** Makes the shared tools; `pause` waits between attempts, in milliseconds. */
export function createStepTools(
  { pool, clock, log, context, pause, policyOf }:
    & Pick<StepTools, "pool" | "clock" | "log" | "context">
    & {
      pause: (ms: number) => Promise<void>;
      policyOf: PolicyReader;
    },
): StepTools {
  const { signal } = context;
  return {
    pool: abortablePool(pool, signal),
    steadyPool: pool,
    context,
    clock,
    log,
    async limitLocks(sql, heavy, distributed = false) {
      if (distributed) {
        await setLockTimeoutEverywhere(sql, heavy ? heavyLockMs : outsideLimits.lockMs);
      } else if (heavy) await setLockTimeout(sql, heavyLockMs);
    },
    async refuseChanged(sql, step) {
      if (step.policy === undefined) return;
      const present = await policyOf(sql, step.table);
      if (JSON.stringify(present) !== JSON.stringify(step.policy)) throw new PolicyChanged(step);
    },
    async withRetries(step, work) {
      const most = step.heavy ? attempts.heavy : attempts.light;
      for (let attempt = 1;; attempt++) {
        signal?.throwIfAborted();
        try {
          return await work();
        } catch (error) {
          if (!isPassing(error) || attempt === most) throw error;
          log.warn("partition_step_waits", { step: step.action, leaf: leafText(step), attempt });
          const wait = step.heavy ? 50 * attempt : 100 * 4 ** attempt;
          const pausing = pause(wait * (0.5 + Math.random()));
          await (signal ? unlessAborted(signal, pausing) : pausing);
        }
      }
    },
    entry: (step, started, error) => ({
      action: step.action,
      table: step.table,
      partition: step.partition.name,
      reason: step.reason,
      duration_ms: performance.now() - started,
      error: error === undefined ? null : describeDatabaseError(error),
      sql: step.statements.map(({ sql }) => sql).join(";\n"),
    }),
  };
}

/** Checks something within the transaction of a step, under its lock; an error that it throws rolls the step back. */
export type LockedCheck = (sql: Sql) => Promise<void>;

/**
 * Functions for steps that need more than their statements. `drop` proves before the drop that nothing is lost by it, and
 * returns what is to be checked again under its lock.
 */
export type StepHandlers = Partial<
  Record<Action, (step: Step) => Promise<LockedCheck | undefined | void>>
>;
