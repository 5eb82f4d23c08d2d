import type { Sql } from "../../db/connection.ts";
import { codeOf, describeDatabaseError, isUnreachable } from "../../db/errors.ts";
import { detachStatement } from "../../db/partitions/ddl.ts";
import { endDetached, reconcileDetached, rememberDetach } from "../../db/partitions/detached.ts";
import { attachedNames, isPending, presentTable } from "../../db/partitions/leaves.ts";
import { logMaintenance, type MaintenanceEntry } from "../../db/partitions/log.ts";
import type { Pool } from "../../db/pool.ts";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../clock.ts";
import type { Skipped, Step } from "./planning/step.ts";

/** Attaches of one transaction: each holds its locks until commit. */
const attachesTogether = 30;
/** Writers queue behind a heavy lock for as long as it is waited for, so it is tried briefly and often. */
const heavyLockMs = 100;
const lightLockMs = 2_000;
const attempts = { heavy: 12, light: 4 };
/** lock_not_available and deadlock_detected: somebody else was in the way, who will not be for ever. */
const passing = new Set(["55P03", "40P01"]);

export interface Outcome {
  applied: Step[];
  /** Statements that were carried out. */
  statements: number;
  skipped: Skipped[];
  /** Steps that failed, as opposed to those left out on purpose. */
  errors: string[];
}

export interface Execution {
  /** Carries the steps out in order; what fails is recorded and told, and never stops another table. */
  run(steps: readonly Step[]): Promise<Outcome>;
}

export interface ExecutionOptions {
  pool: Pool;
  clock: Clock;
  log: Logger;
  /** Waits between attempts; milliseconds. */
  pause?: (ms: number) => Promise<void>;
  /** Told of each step that cannot be undone, before it is taken; what it throws ends the run as a crash would. */
  beforeStatement?: (sql: string) => void;
}

const tableName = (step: Step) => {
  const at = step.table.indexOf(".");
  return { schema: step.table.slice(0, at), table: step.table.slice(at + 1) };
};
const leafTable = ({ partition }: Step) => ({ schema: partition.schema, table: partition.name });
const leafText = ({ partition }: Step) => `${partition.schema}.${partition.name}`;

/** Thrown by beforeStatement: nothing more is done, as if the process had ended. */
export class Interrupted extends Error {}

/** The interruption behind an error, through the wrappings of the pool. */
export function interruptionOf(error: unknown): Interrupted | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof Interrupted) return at;
  }
  return undefined;
}

export function createExecution(
  {
    pool,
    clock,
    log,
    pause = (ms) => new Promise((done) => setTimeout(done, ms)),
    beforeStatement = () => {},
  }: ExecutionOptions,
): Execution {
  async function send(sql: Sql, statement: string): Promise<void> {
    beforeStatement(statement);
    await sql.unsafe(statement);
  }

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

  /** Behind a transaction-mode pooler a session has no lock_timeout of ours. */
  async function limitLocks(sql: Sql, heavy: boolean): Promise<void> {
    await sql`
      select set_config('lock_timeout', ${`${heavy ? heavyLockMs : lightLockMs}ms`}, true)
      where ${heavy} or current_setting('lock_timeout') = '0'`;
  }

  /** Retries what failed for a passing reason, ever later. */
  async function patiently<T>(step: Step, work: () => Promise<T>): Promise<T> {
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
    return patiently(first, () =>
      pool.transaction(async (sql) => {
        await limitLocks(sql, first.heavy);
        await sql`select pg_advisory_xact_lock(hashtextextended('holdfast.rotate', 0))`;
        // An upload, or another Holdfast, may have made some of them since the plan.
        const present = new Set(await attachedNames(sql, tableName(first)));
        const started = performance.now();
        const missing = steps.filter(({ partition }) => !present.has(partition.name));
        for (const { statements } of missing) {
          for (const statement of statements) await send(sql, statement.sql);
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

  /** The drop and the move of a detached leaf, if it is still the one that was detached. */
  function changeDetached(step: Step): Promise<void> {
    return patiently(step, () =>
      pool.transaction(async (sql) => {
        const started = performance.now();
        await limitLocks(sql, step.heavy);
        const found = await presentTable(sql, leafTable(step));
        if (found?.oid !== step.oid || found?.attached) {
          throw new HoldfastError(
            "conflict",
            `${leafText(step)} is not what was detached any more`,
          );
        }
        for (const { sql: statement } of step.statements) await send(sql, statement);
        const outcome = step.action === "drop" ? "dropped" : "moved";
        if (step.detached) await endDetached(sql, step.detached.id, outcome, clock.now());
        await logMaintenance(sql, [entry(step, started, undefined)]);
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
      await send(sql, text);
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
          at: clock.now(),
        })
      );
    }
    await patiently(step, () =>
      step.transaction
        ? pool.transaction(async (sql) => {
          await limitLocks(sql, step.heavy);
          for (const { sql: statement } of step.statements) await send(sql, statement);
        })
        : detachOnce(step));
    beforeStatement("record the detach");
    await pool.run(async (sql) => {
      await logMaintenance(sql, [entry(step, started, undefined)]);
      await reconcileDetached(sql, clock.now());
    });
  }

  async function single(step: Step): Promise<void> {
    switch (step.action) {
      case "attach":
        return await attachTogether([step]);
      case "finalize":
      case "detach":
        return await detach(step);
      case "move":
      case "drop":
        return await changeDetached(step);
      case "archive":
        throw new HoldfastError(
          "conflict",
          `${
            leafText(step)
          } stays detached: archiving is not available yet, and nothing is dropped without it`,
        );
    }
  }

  async function fail(step: Step, error: unknown, outcome: Outcome): Promise<void> {
    const reason = describeDatabaseError(error);
    outcome.skipped.push({
      table: step.table,
      reason: `${step.action} ${leafText(step)}: ${reason}`,
    });
    if (step.action === "archive") return;
    outcome.errors.push(`${step.action} ${leafText(step)}: ${reason}`);
    await pool.run(async (sql) => {
      await logMaintenance(sql, [entry(step, performance.now(), error)]);
      await reconcileDetached(sql, clock.now());
    });
  }

  function succeed(steps: readonly Step[], outcome: Outcome): void {
    for (const step of steps) {
      outcome.applied.push(step);
      outcome.statements += step.statements.length;
    }
  }

  async function attempt(steps: readonly Step[], outcome: Outcome): Promise<void> {
    try {
      if (steps.length > 1) await attachTogether(steps);
      else if (steps[0]) await single(steps[0]);
      succeed(steps, outcome);
    } catch (error) {
      if (interruptionOf(error) || isUnreachable(error)) throw error;
      if (steps.length === 1 && steps[0]) return await fail(steps[0], error, outcome);
      // One bad leaf must not keep the other ones from being made.
      for (const step of steps) await attempt([step], outcome);
    }
  }

  return {
    async run(steps) {
      const outcome: Outcome = { applied: [], statements: 0, skipped: [], errors: [] };
      const stuck = new Set<string>();
      for (const group of groupSteps(steps)) {
        const [first] = group;
        const kind = first && waitingKind(first);
        if (first && kind !== undefined && stuck.has(kind)) {
          outcome.skipped.push({
            table: first.table,
            reason: `${first.action} ${leafText(first)} waits: the one before it could not be done`,
          });
          continue;
        }
        const failures = outcome.errors.length;
        await attempt(group, outcome);
        if (kind !== undefined && outcome.errors.length > failures) stuck.add(kind);
      }
      return outcome;
    },
  };
}

/**
 * Steps of which the next cannot fare better than the last: a table's detaches while one is not finished, and its
 * attaches that need a lock which was not to be had.
 */
function waitingKind({ action, table, heavy }: Step): string | undefined {
  if (action === "detach" || action === "finalize") return `detach ${table}`;
  return action === "attach" && heavy ? `attach ${table}` : undefined;
}

/** Light attaches of one table go together, up to a number; everything else goes alone. */
export function groupSteps(steps: readonly Step[]): Step[][] {
  const groups: Step[][] = [];
  for (const step of steps) {
    const last = groups.at(-1);
    const [first] = last ?? [];
    const joins = step.action === "attach" && !step.heavy && first?.action === "attach" &&
      !first.heavy && first.table === step.table && (last?.length ?? 0) < attachesTogether;
    if (joins) last?.push(step);
    else groups.push([step]);
  }
  return groups;
}
