import type { Config } from "../../config.ts";
import { describeDatabaseError } from "../../db/errors.ts";
import { reconcileDetached } from "../../db/partitions/detached.ts";
import { holdRotationLock } from "../../db/partitions/lock.ts";
import { listPolicies } from "../../db/partitions/policies.ts";
import { notePosition } from "../../db/partitions/probes.ts";
import type { Pool } from "../../db/pool.ts";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../clock.ts";
import { createArchiving } from "./archive/archiving.ts";
import { archiveDirectory } from "./archive/directory.ts";
import type { Catalogue } from "./catalogue.ts";
import { createEnsure } from "./ensure.ts";
import { createExecution, type ExecutionOptions, interruptionOf } from "./execution.ts";
import type { Outcome } from "./outcome.ts";
import type { PlanContext, TableFacts } from "./planning/facts.ts";
import { type Plan, planAll } from "./planning/planner.ts";
import { effectivePolicy, tableOf } from "./policy.ts";
import { createSetbacks } from "./setbacks.ts";
import { survey } from "./survey.ts";

export interface RotationResult {
  created: string[];
  detached: string[];
  errors: string[];
}

type RotationConfig = Pick<
  Config,
  | "HOLDFAST_PREMAKE_DAYS"
  | "HOLDFAST_RETENTION_DAYS"
  | "HOLDFAST_MAX_PARTITIONS"
  | "HOLDFAST_BACKFILL_HORIZON_DAYS"
  | "HOLDFAST_DATA_DIR"
  | "HOLDFAST_ARCHIVE_DIR"
>;

export interface Rotation {
  /** Makes the leaves of market.ticks that these days need; cheap when they are known to exist. */
  ensureDays(days: Iterable<number>): Promise<void>;
  /** What is to be done now, for all tables or one; changes nothing. */
  plan(table?: string): Promise<Plan>;
  /** Carries out the plan of this digest; throws `catalogue_changed` when the present plan is another one. */
  apply(digest: string, table?: string): Promise<Outcome>;
  /** Plans and applies, for every enabled policy. Never throws: problems are in the result. */
  rotate(reason: string): Promise<RotationResult>;
  /** Forgets which days are known to exist, after an insert found no partition. */
  forget(): void;
}

/** After detaches a second round may archive, move or drop what they set free, and a third drop what was archived. */
const rounds = 3;
const disabled = "its policy is disabled";
/** How long another Holdfast's rotation is waited for: a person is told soon, a schedule has time. */
const waitMs = { apply: 1_000, rotate: 10_000 };
const freed = new Set(["archive", "move", "drop"]);
const freeing = new Set(["detach", "finalize", "archive"]);

/** Keeps the partitions of every table that has a policy: makes ahead, gives up behind, finishes what was cut short. */
export function createRotation(
  { pool, catalogue, config, clock, log, onChange = () => {}, ...hooks }: {
    pool: Pool;
    catalogue: Catalogue;
    config: RotationConfig;
    clock: Clock;
    log: Logger;
    onChange?: () => void;
  } & Pick<ExecutionOptions, "pause" | "beforeStatement" | "beginDrain">,
): Rotation {
  const execution = createExecution({
    pool,
    clock,
    log,
    ...hooks,
    crafts: (tools) => createArchiving(tools, archiveDirectory(config)),
  });
  const setbacks = createSetbacks();
  const ensure = createEnsure({ pool, catalogue, config, execution, context, log, onChange });

  function context(): PlanContext {
    return {
      nowUs: BigInt(clock.now().getTime()) * 1_000n,
      maxPartitions: config.HOLDFAST_MAX_PARTITIONS,
      horizonDays: config.HOLDFAST_BACKFILL_HORIZON_DAYS,
    };
  }

  async function look(table?: string): Promise<{ facts: TableFacts[]; plan: Plan }> {
    return await pool.run(async (sql) => {
      const asked = (await listPolicies(sql)).map((row) => effectivePolicy(row, config))
        .filter((policy) => table === undefined || tableOf(policy) === table);
      const found = await survey(sql, catalogue, asked.filter(({ enabled }) => enabled), context());
      // Who asks for one table wants what has failed before tried again, too.
      const facts = table === undefined
        ? found
        : found.map((one) => ({ ...one, drainFailure: undefined }));
      const plan = planAll(facts, context());
      const off = asked.filter(({ enabled }) => !enabled)
        .map((policy) => ({ table: tableOf(policy), reason: disabled }));
      return { facts, plan: { ...plan, warnings: [...plan.warnings, ...off] } };
    });
  }

  async function carryOut(plan: Plan): Promise<Outcome> {
    const outcome = await execution.run(plan.steps);
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

  const reconcile = () => pool.run((sql) => reconcileDetached(sql, clock.now()));

  async function notePositions(facts: readonly TableFacts[]): Promise<void> {
    for (const { policy, highestId } of facts) {
      if (highestId === null) continue;
      await pool.run((sql) => notePosition(sql, policy, clock.now(), highestId));
    }
  }

  async function rotateLocked(result: RotationResult): Promise<void> {
    await reconcile();
    const tried = new Set<string>();
    for (let round = 0; round < rounds; round++) {
      const { facts, plan } = await look();
      const nowMs = clock.now().getTime();
      // The second round is for what the first one set free, not for what has just failed.
      const due = plan.steps.filter(({ action, oid }) =>
        round === 0 || freed.has(action) && !tried.has(`${action} ${oid}`)
      );
      const { steps, skipped: vain } = setbacks.sift(due, facts, nowMs);
      for (const { action, oid } of steps) tried.add(`${action} ${oid}`);
      const { applied, errors, skipped, refused } = await carryOut({ ...plan, steps });
      for (const { step, reason } of refused) setbacks.note(step, facts, reason, nowMs);
      if (round === 0) {
        await notePositions(facts);
        const told = [...plan.warnings, ...skipped, ...vain].filter(({ reason }) =>
          reason !== disabled
        ).map(
          ({ table, reason }) => `${table}: ${reason}`,
        );
        if (told.length > 0) log.warn("rotation_left_out", { reasons: told });
      }
      const named = (action: string) =>
        applied.filter((step) => step.action === action).map(({ partition }) => partition.name);
      result.created.push(...named("attach"));
      result.detached.push(...named("detach"), ...named("finalize"));
      result.errors.push(...errors);
      if (!applied.some(({ action }) => freeing.has(action))) return;
    }
  }

  return {
    ensureDays: (days) => ensure.days(days),
    plan: async (table) => (await look(table)).plan,
    apply: (digest, table) =>
      holdRotationLock(pool, waitMs.apply, async () => {
        await reconcile();
        const { plan } = await look(table);
        if (plan.digest !== digest) {
          throw new HoldfastError(
            "catalogue_changed",
            "The partitions, a policy or the clock have moved on since this plan, or it was made for another table or for all; plan again, and apply with the same table",
          );
        }
        return await carryOut(plan);
      }),
    async rotate(reason) {
      const result: RotationResult = { created: [], detached: [], errors: [] };
      try {
        await holdRotationLock(pool, waitMs.rotate, () => rotateLocked(result));
      } catch (error) {
        const interruption = interruptionOf(error);
        if (interruption) throw interruption;
        result.errors.push(describeDatabaseError(error));
      }
      if (result.errors.length > 0) log.error("rotation_failed", { reason, errors: result.errors });
      return result;
    },
    forget: () => ensure.forget(),
  };
}
