import type { Sql } from "../../../db/connection.ts";
import type { TableName } from "../../../db/partitions/ddl.ts";
import type { MaintenanceEntry } from "../../../db/partitions/log.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import type { Logger } from "../../../log.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Action, Step } from "../planning/step.ts";

/** The table of a step: the first dot parts the schema from the name. */
export const tableName = (step: Step): TableName => {
  const at = step.table.indexOf(".");
  return { schema: step.table.slice(0, at), table: step.table.slice(at + 1) };
};
export const leafTable = ({ partition }: Step): TableName => ({
  schema: partition.schema,
  table: partition.name,
});
export const leafText = ({ partition }: Step) => `${partition.schema}.${partition.name}`;

/** Limits of a statement outside a transaction, behind a pooler; the same as the pool's own. */
export const outsideLimits = { lockMs: 2_000, statementMs: 120_000 };

/** What the execution of plans lends to those who carry out steps of a kind of their own. */
export interface StepTools {
  pool: Pool;
  clock: Clock;
  log: Logger;
  limitLocks(sql: Sql, heavy: boolean): Promise<void>;
  withRetries<T>(step: Step, work: () => Promise<T>): Promise<T>;
  entry(step: Step, started: number, error: unknown): MaintenanceEntry;
}

/** Proves something within the transaction of a step, under its lock; what it throws undoes the step. */
export type LockedCheck = (sql: Sql) => Promise<void>;

/**
 * Steps that are more than their statements; `drop` proves, before the drop, that nothing is lost by it, and answers
 * what is to be proven again under its lock.
 */
export type StepHandlers = Partial<
  Record<Action, (step: Step) => Promise<LockedCheck | undefined | void>>
>;
