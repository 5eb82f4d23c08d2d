import type { Config } from "../../config/config.ts";
import type { Sql } from "../../db/connection.ts";
import { listPolicies } from "../../db/partitions/records/policies.ts";
import type { HoldRow } from "../../db/partitions/records/restraint.ts";
import { keepProgress, listProgress } from "../../db/partitions/records/retention_progress.ts";
import type { Pool } from "../../db/pool/pool.ts";
import type { Catalogue } from "./catalogue.ts";
import type { PlanContext, TableFacts } from "./planning/facts.ts";
import { type Plan, planAll } from "./planning/planner.ts";
import type { Skipped } from "./planning/step.ts";
import { effectivePolicy, type Policy, tableOf } from "./policy.ts";
import type { ClockVerdict } from "./restraint/clocks.ts";
import { holdText } from "./restraint/holds.ts";
import { restrain, type Restraint } from "./restraint/restraint.ts";
import type { Timekeeper, Times } from "./restraint/timekeeper.ts";
import { survey } from "./survey/survey.ts";

/** A plan with what it is based on. */
export interface RotationPlan {
  facts: TableFacts[];
  plan: Plan;
  policies: Policy[];
  holds: HoldRow[];
  /** Warnings of the plan, without those of disabled policies. */
  warnings: Skipped[];
  /** Stores the time of the plan, if it was found right or is `confirmed`. */
  recordTime(confirmed: boolean): Promise<void>;
}

export interface RotationPlanner {
  pool: Pool;
  catalogue: Catalogue;
  config: Pick<
    Config,
    | "HOLDFAST_PREMAKE_DAYS"
    | "HOLDFAST_RETENTION_DAYS"
    | "HOLDFAST_MAX_PARTITIONS"
    | "HOLDFAST_BACKFILL_HORIZON_DAYS"
    | "HOLDFAST_RETENTION_BRAKE_RATIO"
  >;
  timekeeper: Timekeeper;
}

/** Returns the limits and the time of a plan made at `nowMs`. */
export function planContext(config: RotationPlanner["config"], nowMs: number): PlanContext {
  return {
    nowUs: BigInt(Math.round(nowMs)) * 1_000n,
    maxPartitions: config.HOLDFAST_MAX_PARTITIONS,
    horizonDays: config.HOLDFAST_BACKFILL_HORIZON_DAYS,
  };
}

/** Surveys the tables. A request for one table also tries its failed drain again. */
async function readFacts(
  sql: Sql,
  { catalogue }: RotationPlanner,
  policies: readonly Policy[],
  context: PlanContext,
  table: string | undefined,
): Promise<TableFacts[]> {
  const facts = await survey(sql, catalogue, policies, context);
  return table === undefined ? facts : facts.map((one) => ({ ...one, drainFailure: undefined }));
}

/** Returns which steps of a plan need a confirmation. */
async function restrainPlan(
  sql: Sql,
  { config }: RotationPlanner,
  facts: TableFacts[],
  plan: Plan,
  { reading, recorded, ranMs }: Times,
  verdict: ClockVerdict,
): Promise<Restraint> {
  return restrain(facts, plan, {
    clocks: verdict,
    progress: new Map((await listProgress(sql)).map((row) => [tableOf(row), row])),
    nowMs: reading.server,
    sinceMs: recorded?.server,
    peakMs: recorded?.peak,
    ranMs,
    ratio: config.HOLDFAST_RETENTION_BRAKE_RATIO,
  });
}

/** Plans by the server's time for all tables or one, and finds which steps need a confirmation. Changes nothing. */
export async function planRotation(
  planner: RotationPlanner,
  table?: string,
): Promise<RotationPlan> {
  const { pool, config, timekeeper } = planner;
  return await pool.run(async (sql) => {
    const policies = (await listPolicies(sql)).map((row) => effectivePolicy(row, config))
      .filter((policy) => table === undefined || tableOf(policy) === table);
    const times = await timekeeper.read(sql);
    const nowMs = times.reading.server;
    const enabled = policies.filter((policy) => policy.enabled);
    const context = planContext(config, nowMs);
    const facts = await readFacts(sql, planner, enabled, context, table);
    const plan = planAll(facts, context);
    const verdict = await timekeeper.judge(sql, times, facts);
    const { holds, held, progress } = await restrainPlan(
      sql,
      planner,
      facts,
      plan,
      times,
      verdict,
    );
    const warnings = [
      ...plan.warnings,
      ...holds.filter(({ kind }) => kind !== "leaf").map(holdText),
    ];
    const disabled = policies.filter((policy) => !policy.enabled)
      .map((policy) => ({ table: tableOf(policy), reason: "its policy is disabled" }));
    const recordTime = (confirmed: boolean) =>
      pool.run(async (other) => {
        await timekeeper.record(other, times, verdict, confirmed);
        if (!verdict.trusted && (!confirmed || verdict.kind === "skew")) return;
        // Whoever confirms a plan confirms its time, too.
        const rows = progress.map((row) => confirmed ? { ...row, peak: nowMs } : row);
        await keepProgress(other, rows, table === undefined ? enabled : "unchanged");
      });
    return {
      facts,
      plan: { ...plan, warnings: [...warnings, ...disabled], held },
      policies,
      holds,
      warnings,
      recordTime,
    };
  });
}
