import type { Config } from "../../config/config.ts";
import { describeDatabaseError } from "../../db/errors.ts";
import { reconcileDetached } from "../../db/partitions/detached.ts";
import { holdRotationLock } from "../../db/partitions/lock.ts";
import { logMaintenance } from "../../db/partitions/log.ts";
import { listPolicies } from "../../db/partitions/policies.ts";
import { notePosition } from "../../db/partitions/probes.ts";
import { keepProgress, listProgress } from "../../db/partitions/retention_progress.ts";
import { type HoldRow, replaceHolds } from "../../db/partitions/restraint.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import type { Logger } from "../../log.ts";
import type { Clock } from "../../lib/clock.ts";
import { createArchiving } from "./archive/archive_step.ts";
import { archiveDirectory } from "./archive/directory.ts";
import type { ArchiveFiles } from "./archive/files.ts";
import type { Catalogue } from "./catalogue.ts";
import { createEnsure } from "./ensure.ts";
import { createExecution, type ExecutionOptions } from "./execution/execution.ts";
import type { Outcome } from "./execution/outcome.ts";
import { holdEntry, holdText, leftUnproven, pickName } from "./restraint/holds.ts";
import type { PlanContext, TableFacts } from "./planning/facts.ts";
import { type Plan, planAll } from "./planning/planner.ts";
import { restrain } from "./restraint/restraint.ts";
import type { Step } from "./planning/step.ts";
import { effectivePolicy, type Policy, tableOf } from "./policy.ts";
import { createSetbacks } from "./restraint/setbacks.ts";
import { survey } from "./survey/survey.ts";
import { createTimekeeper, type TimeSources } from "./restraint/timekeeper.ts";

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
  | "HOLDFAST_RETENTION_BRAKE_RATIO"
>;

export interface Rotation {
  /** Makes the leaves of market.ticks that these days need; cheap when they are known to exist. */
  ensureDays(days: Iterable<number>): Promise<void>;
  /** What is to be done now, for all tables or one; changes nothing. */
  plan(table?: string): Promise<Plan>;
  /**
   * Carries out the plan of this digest, what is held back only when `confirm` is set; throws `catalogue_changed` when
   * the present plan is another one.
   */
  apply(digest: string, table?: string, confirm?: boolean): Promise<Outcome>;
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

/** A plan with all that it rests on. */
interface Look {
  facts: TableFacts[];
  plan: Plan;
  policies: Policy[];
  holds: HoldRow[];
  /** Remembers the time it was made at, if that was found right or `confirmed`. */
  note(confirmed: boolean): Promise<void>;
}

/** Keeps the partitions of every table that has a policy: makes ahead, gives up behind, finishes what was cut short. */
export function createRotation(
  { pool, catalogue, config, clock, log, onChange = () => {}, times, archiveFiles, ...options }: {
    pool: Pool;
    catalogue: Catalogue;
    config: RotationConfig;
    clock: Clock;
    log: Logger;
    onChange?: () => void;
    times?: TimeSources | undefined;
    archiveFiles?: ArchiveFiles;
  } & Pick<ExecutionOptions, "pause" | "beginDrain">,
): Rotation {
  const timekeeper = createTimekeeper({ clock, ...times });
  const execution = createExecution({
    pool,
    clock: timekeeper,
    isTrusted: timekeeper.isTrusted,
    log,
    ...options,
    stepHandlers: (tools) => createArchiving(tools, archiveDirectory(config), archiveFiles),
  });
  const setbacks = createSetbacks();
  const ensure = createEnsure({ pool, catalogue, config, execution, context, log, onChange });

  function context(nowMs = clock.now().getTime()): PlanContext {
    return {
      nowUs: BigInt(Math.round(nowMs)) * 1_000n,
      maxPartitions: config.HOLDFAST_MAX_PARTITIONS,
      horizonDays: config.HOLDFAST_BACKFILL_HORIZON_DAYS,
    };
  }

  /** Plans by the server's time, and finds what of the plan is not done unasked. */
  async function look(table?: string): Promise<Look> {
    return await pool.run(async (sql) => {
      const asked = (await listPolicies(sql)).map((row) => effectivePolicy(row, config))
        .filter((policy) => table === undefined || tableOf(policy) === table);
      const read = await timekeeper.read(sql);
      const nowMs = read.reading.server;
      const enabled = asked.filter((policy) => policy.enabled);
      const found = await survey(sql, catalogue, enabled, context(nowMs));
      // Who asks for one table wants what has failed before tried again, too.
      const facts = table === undefined
        ? found
        : found.map((one) => ({ ...one, drainFailure: undefined }));
      const plan = planAll(facts, context(nowMs));
      const verdict = await timekeeper.judge(sql, read, facts);
      const progress = new Map((await listProgress(sql)).map((row) => [tableOf(row), row]));
      const { holds, held, ...restraint } = restrain(facts, plan, {
        clocks: verdict,
        progress,
        nowMs,
        sinceMs: read.recorded?.server,
        peakMs: read.recorded?.peak,
        ranMs: read.ranMs,
        ratio: config.HOLDFAST_RETENTION_BRAKE_RATIO,
      });
      const warnings = [
        ...plan.warnings,
        ...holds.filter(({ kind }) => kind !== "leaf").map(holdText),
        ...asked.filter((policy) => !policy.enabled)
          .map((policy) => ({ table: tableOf(policy), reason: disabled })),
      ];
      const note = (confirmed: boolean) =>
        pool.run(async (other) => {
          await timekeeper.note(other, read, verdict, confirmed);
          const managed = table === undefined ? enabled : "unchanged";
          if (!verdict.trusted && (!confirmed || verdict.kind === "skew")) return;
          // A person who confirms a plan confirms its time, too.
          const rows = restraint.progress.map((row) => confirmed ? { ...row, peak: nowMs } : row);
          await keepProgress(other, rows, managed);
        });
      return { facts, plan: { ...plan, warnings, held }, policies: asked, holds, note };
    });
  }

  /** Keeps what is held back for the alerts and the reports, and says of what is new why. */
  async function keepHolds(
    { policies, holds }: Pick<Look, "policies" | "holds">,
    unproven: Outcome["unproven"],
  ): Promise<void> {
    const all = new Map<string, HoldRow>();
    const add = (hold: HoldRow) => {
      const key = JSON.stringify([tableOf(hold), hold.kind, hold.partition]);
      // A leaf may be refused twice, such as by the seal and by the archive: the first says why.
      if (!all.has(key)) all.set(key, hold);
    };
    for (const hold of holds) add(hold);
    for (const { table, partition, reason } of unproven) {
      const policy = policies.find((one) => tableOf(one) === table);
      if (policy) add({ ...pickName(policy), kind: "leaf", partition, partitions: 1, reason });
    }
    await pool.run(async (sql) => {
      const fresh = await replaceHolds(sql, policies.map(pickName), [...all.values()]);
      await logMaintenance(sql, fresh.map(holdEntry));
      if (fresh.length === 0) return;
      log.error("retention_held_back", { reasons: fresh.map((hold) => holdText(hold).reason) });
      onChange();
    });
  }

  async function carryOut(plan: Plan, confirm = false): Promise<Outcome> {
    const isHeld = (step: Step) => plan.held?.has(step) === true;
    const steps = confirm
      ? plan.steps.map((step) => isHeld(step) ? { ...step, confirmed: true } : step)
      : plan.steps.filter((step) => !isHeld(step));
    const outcome = await execution.run(steps);
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

  /** Brings the memory of detaches into line; `trusted`: cool-downs begin, and one of no time is over. */
  const reconcile = (trusted: boolean) =>
    pool.run(async (sql) => {
      if (!trusted) await timekeeper.read(sql);
      return await reconcileDetached(sql, { at: timekeeper.now(), trusted });
    });

  async function notePositions(facts: readonly TableFacts[]): Promise<void> {
    for (const { policy, highestId } of facts) {
      if (highestId === null) continue;
      await pool.run((sql) => notePosition(sql, policy, timekeeper.now(), highestId));
    }
  }

  async function rotateLocked(result: RotationResult): Promise<void> {
    await reconcile(false);
    const tried = new Set<string>();
    const unproven: Outcome["unproven"] = [];
    let first: Look | undefined;
    for (let round = 0; round < rounds; round++) {
      let seen = await look();
      if (!first) {
        await seen.note(false);
        if (timekeeper.isTrusted() && await reconcile(true) > 0) seen = await look();
      }
      const { facts, plan } = seen;
      first ??= seen;
      const nowMs = clock.now().getTime();
      // The second round is for what the first one set free, not for what has just failed.
      const due = plan.steps.filter(({ action, oid }) =>
        round === 0 || freed.has(action) && !tried.has(`${action} ${oid}`)
      );
      const { steps, skipped: vain } = setbacks.sift(due, facts, nowMs);
      for (const { action, oid } of steps) tried.add(`${action} ${oid}`);
      for (const [at, step] of due.filter((one) => !steps.includes(one)).entries()) {
        unproven.push(...leftUnproven(step, vain[at]?.reason ?? ""));
      }
      const { applied, errors, skipped, refused, ...outcome } = await carryOut({ ...plan, steps });
      unproven.push(...outcome.unproven);
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
      if (!applied.some(({ action }) => freeing.has(action))) break;
    }
    if (first) await keepHolds(first, unproven);
  }

  return {
    ensureDays: (days) => ensure.days(days),
    plan: async (table) => (await look(table)).plan,
    apply: (digest, table, confirm = false) =>
      holdRotationLock(pool, waitMs.apply, async () => {
        await reconcile(false);
        const { plan, holds, note } = await look(table);
        if (plan.digest !== digest) {
          throw new HoldfastError(
            "catalogue_changed",
            "The partitions, a policy or the clock have moved on since this plan, or it was made for another table or for all; plan again, and apply with the same table",
          );
        }
        await note(confirm);
        await reconcile(timekeeper.isTrusted());
        const outcome = await carryOut(plan, confirm);
        await keepHolds(await look(table), outcome.unproven);
        if (confirm) return outcome;
        return {
          ...outcome,
          skipped: [
            ...holds.filter(({ kind }) => kind !== "leaf").map(holdText),
            ...outcome.skipped,
          ],
        };
      }),
    async rotate(reason) {
      const result: RotationResult = { created: [], detached: [], errors: [] };
      try {
        await holdRotationLock(pool, waitMs.rotate, () => rotateLocked(result));
      } catch (error) {
        result.errors.push(describeDatabaseError(error));
      }
      if (result.errors.length > 0) log.error("rotation_failed", { reason, errors: result.errors });
      return result;
    },
    forget: () => ensure.forget(),
  };
}
