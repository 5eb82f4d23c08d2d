import type { Config } from "../../config/config.ts";
import { describeDatabaseError } from "../../db/errors.ts";
import { reconcileDetached } from "../../db/partitions/records/detached.ts";
import { holdRotationLock } from "../../db/partitions/lock.ts";
import { logMaintenance } from "../../db/partitions/records/log.ts";
import { listPolicies } from "../../db/partitions/records/policies.ts";
import { recordPosition } from "../../db/partitions/catalogue/probes.ts";
import { replaceHolds } from "../../db/partitions/records/restraint.ts";
import { abortablePool } from "../../db/pool/abortable.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../../lib/clock.ts";
import { toTheEnd, unattended, type WorkContext } from "../requests/work.ts";
import { createArchiving } from "./archive/archive_step.ts";
import { archiveDirectory } from "./archive/directory.ts";
import type { ArchiveFiles } from "./archive/files.ts";
import type { Catalogue } from "./catalogue.ts";
import { createEnsure, type Ensure } from "./ensure.ts";
import { createExecution, type Execution, type ExecutionOptions } from "./execution/execution.ts";
import type { Outcome } from "./execution/outcome.ts";
import type { TableFacts } from "./planning/facts.ts";
import type { Plan } from "./planning/planner.ts";
import { effectivePolicy, tableOf } from "./policy.ts";
import { holdEntry, holdText, mergeHolds, pickName } from "./restraint/holds.ts";
import { createSetbacks } from "./restraint/setbacks.ts";
import { createTimekeeper, type Timekeeper, type TimeSources } from "./restraint/timekeeper.ts";
import {
  planContext,
  planRotation,
  type RotationPlan,
  type RotationPlanner,
} from "./rotation_plan.ts";
import { type RotationResult, RotationRun } from "./rotation_run.ts";

type RotationConfig =
  & RotationPlanner["config"]
  & Pick<Config, "HOLDFAST_DATA_DIR" | "HOLDFAST_ARCHIVE_DIR">;

export interface Rotation {
  /** Makes the leaves of market.ticks that these days need. Cheap for days whose leaves are known to exist. */
  ensureDays(days: Iterable<number>): Promise<void>;
  /** Says whether `ensureDays` has nothing to do for these days. */
  hasDays(days: Iterable<number>): boolean;
  /** Returns what is to be done now, for all tables or one; changes nothing. */
  plan(table?: string): Promise<Plan>;
  /**
   * Carries out the plan of this digest; steps that are held back only with `confirm`. Throws `catalogue_changed` when the
   * present plan has another digest. An abort ends it with the present step; what was applied stays.
   */
  apply(
    digest: string,
    table?: string,
    confirm?: boolean,
    context?: WorkContext,
  ): Promise<Outcome>;
  /** Plans and applies, for every enabled policy. Never throws: problems are in the result. */
  rotate(reason: string): Promise<RotationResult>;
  /** Forgets which days are known to have leaves, after an insert found no partition. */
  forget(): void;
}

/** How long to wait for another Holdfast's rotation: briefly for a request, longer for the schedule. */
const waitMs = { apply: 1_000, rotate: 10_000 };

interface RotationOptions extends Pick<ExecutionOptions, "pause" | "beginDrain"> {
  pool: Pool;
  catalogue: Catalogue;
  config: RotationConfig;
  clock: Clock;
  log: Logger;
  onChange?: () => void;
  times?: TimeSources | undefined;
  archiveFiles?: ArchiveFiles;
}

/** What the parts of a rotation share. */
interface RotationState {
  pool: Pool;
  log: Logger;
  onChange: () => void;
  timekeeper: Timekeeper;
  execution: Execution;
  ensure: Ensure;
}

/** Carries out a plan; steps that are held back only when it is confirmed. */
async function execute(
  { execution, ensure, log, onChange }: RotationState,
  plan: Plan,
  confirm = false,
  context = unattended,
): Promise<Outcome> {
  const steps = plan.steps.flatMap((step) => {
    if (!plan.held?.has(step)) return [step];
    return confirm ? [{ ...step, confirmed: true }] : [];
  });
  const outcome = await execution.run(steps, context);
  if (outcome.applied.some(({ action }) => action !== "attach")) ensure.forget();
  if (outcome.applied.length > 0) {
    onChange();
    log.info("partitions_changed", {
      steps: outcome.applied.map(({ action, partition }) =>
        `${action} ${partition.schema}.${partition.name}`
      ),
    });
  }
  return { ...outcome, skipped: [...plan.skipped, ...outcome.skipped] };
}

/** Stores what is held back for the alerts and the reports, and logs what is new. */
async function keepHolds(
  { pool, log, onChange }: RotationState,
  { policies, holds }: Pick<RotationPlan, "policies" | "holds">,
  unproven: Outcome["unproven"],
): Promise<void> {
  const all = mergeHolds(policies, holds, unproven);
  await pool.run(async (sql) => {
    const fresh = await replaceHolds(sql, policies.map(pickName), all);
    await logMaintenance(sql, fresh.map(holdEntry));
    if (fresh.length === 0) return;
    log.error("retention_held_back", { reasons: fresh.map((hold) => holdText(hold).reason) });
    onChange();
  });
}

/** Updates the records of detached leaves. With `trusted` cool-downs begin, and one of no time is over. */
async function reconcile(
  { pool, timekeeper }: RotationState,
  trusted: boolean,
): Promise<number> {
  return await pool.run(async (sql) => {
    if (!trusted) await timekeeper.read(sql);
    return await reconcileDetached(sql, { at: timekeeper.now(), trusted });
  });
}

/** Stores the highest id of each table whose key is an id, from which its rate is computed. */
async function recordPositions(
  { pool, timekeeper }: RotationState,
  facts: readonly TableFacts[],
): Promise<void> {
  for (const { policy, highestId } of facts) {
    if (highestId === null) continue;
    await pool.run((sql) => recordPosition(sql, policy, timekeeper.now(), highestId));
  }
}

/** Applies the plan of this digest, while no other Holdfast rotates. */
async function applyPlan(
  state: RotationState,
  plan: (through: Pool) => Promise<RotationPlan>,
  digest: string,
  confirm: boolean,
  context: WorkContext,
): Promise<Outcome> {
  context.report({ step: "plan", done: 0, of: null, unit: "statements" });
  await reconcile(state, false);
  const current = await plan(abortablePool(state.pool, context.signal));
  if (current.plan.digest !== digest) {
    throw new HoldfastError(
      "catalogue_changed",
      "The partitions, a policy or the clock have changed since this plan, or it was made for another table or for all; plan again, and apply with the same table",
    );
  }
  await current.recordTime(confirm);
  await reconcile(state, state.timekeeper.isTrusted());
  const outcome = await execute(state, current.plan, confirm, context);
  const why = "what was applied is recorded";
  await toTheEnd(
    context,
    why,
    async () => keepHolds(state, await plan(state.pool), outcome.unproven),
  );
  if (confirm) return outcome;
  const heldBack = current.holds.filter(({ kind }) => kind !== "leaf").map(holdText);
  return { ...outcome, skipped: [...heldBack, ...outcome.skipped] };
}

/** Keeps the partitions of every table that has a policy: makes those ahead, retires old ones, and finishes interrupted steps. */
export function createRotation(
  { pool, catalogue, config, clock, log, onChange = () => {}, times, archiveFiles, ...options }:
    RotationOptions,
): Rotation {
  const timekeeper = createTimekeeper({ clock, ...times });
  const execution = createExecution({
    pool,
    clock: timekeeper,
    isTrusted: timekeeper.isTrusted,
    log,
    policyOf: async (sql, table) =>
      (await listPolicies(sql)).map((row) => effectivePolicy(row, config))
        .find((policy) => tableOf(policy) === table),
    ...options,
    stepHandlers: (tools) => createArchiving(tools, archiveDirectory(config), archiveFiles),
  });
  const context = () => planContext(config, clock.now().getTime());
  const ensure = createEnsure({ pool, catalogue, config, execution, context, log, onChange });
  const setbacks = createSetbacks();
  const state: RotationState = { pool, log, onChange, timekeeper, execution, ensure };
  const plan = (table?: string, through = pool) =>
    planRotation({ pool: through, catalogue, config, timekeeper }, table);

  async function rotateLocked(result: RotationResult, held: AbortSignal): Promise<void> {
    await reconcile(state, false);
    const run = new RotationRun({
      plan: () => plan(),
      execute: (current) => execute(state, current, false, { ...unattended, signal: held }),
      reconcileTrusted: () => reconcile(state, true),
      isTrusted: timekeeper.isTrusted,
      recordPositions: (facts) => recordPositions(state, facts),
      setbacks,
      nowMs: () => clock.now().getTime(),
      log,
    }, result);
    const { first, unproven } = await run.run();
    await keepHolds(state, first, unproven);
  }

  return {
    ensureDays: (days) => ensure.days(days),
    hasDays: (days) => ensure.has(days),
    plan: async (table) => (await plan(table)).plan,
    apply: (digest, table, confirm = false, context = unattended) =>
      holdRotationLock(
        pool,
        waitMs.apply,
        (held) => {
          const signal = AbortSignal.any([held, ...(context.signal ? [context.signal] : [])]);
          const both = { ...context, signal };
          return applyPlan(state, (through) => plan(table, through), digest, confirm, both);
        },
        context.signal,
      ),
    async rotate(reason) {
      const result: RotationResult = { created: [], detached: [], errors: [] };
      try {
        await holdRotationLock(pool, waitMs.rotate, (held) => rotateLocked(result, held));
      } catch (error) {
        result.errors.push(describeDatabaseError(error));
      }
      if (result.errors.length > 0) log.error("rotation_failed", { reason, errors: result.errors });
      return result;
    },
    forget: () => ensure.forget(),
  };
}
