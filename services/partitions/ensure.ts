import type { Config } from "../../config/config.ts";
import { listPolicies } from "../../db/partitions/records/policies.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import { createSerialQueue } from "../../lib/serial_queue.ts";
import type { Logger } from "../../log.ts";
import { uncovered } from "./axis/span.ts";
import { dayUs } from "./axis/civil.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Execution } from "./execution/execution.ts";
import { namesFor, planAttaches } from "./planning/attaching.ts";
import { cutGaps, readTable } from "./planning/cover.ts";
import type { PlanContext } from "./planning/facts.ts";
import type { Step } from "./planning/step.ts";
import { countLeaves, leavesOfSpans } from "./planning/subdividing.ts";
import { effectivePolicy, type Policy, tableOf } from "./policy.ts";
import { completeFacts } from "./survey/probes.ts";
import { readCatalogue } from "./survey/survey.ts";

const ticks = "market.ticks";

export interface Ensure {
  /** Makes the leaves that these UTC days (since 1970) need. Throws when they cannot be made. */
  days(days: Iterable<number>): Promise<void>;
  /** Says whether the leaves of all these days are known to exist. */
  has(days: Iterable<number>): boolean;
  forget(): void;
}

/** Makes partitions on demand, when ticks arrive for days that have none. */
export function createEnsure(
  { pool, catalogue, config, execution, context, log, onChange }: {
    pool: Pool;
    catalogue: Catalogue;
    config: Pick<
      Config,
      "HOLDFAST_PREMAKE_DAYS" | "HOLDFAST_RETENTION_DAYS" | "HOLDFAST_MAX_PARTITIONS"
    >;
    execution: Execution;
    context: () => PlanContext;
    log: Logger;
    onChange: () => void;
  },
): Ensure {
  const known = new Set<number>();
  // One upload at a time makes leaves; the next ones usually find them made.
  const queue = createSerialQueue();

  async function plan(days: readonly number[]): Promise<{ steps: Step[]; unknown: boolean }> {
    return await pool.run(async (sql) => {
      const rows = await listPolicies(sql);
      const policy = rows.map((row) => effectivePolicy(row, config))
        .find((one) => tableOf(one) === ticks) ?? fallbackPolicy;
      const [facts] = await readCatalogue(sql, catalogue, [policy]);
      // Inserts make the chunks.
      if (facts?.hypertable) return { steps: [], unknown: false };
      if (!facts?.parent) {
        throw new HoldfastError("conflict", `${ticks} cannot be partitioned: ${facts?.problem}`);
      }
      const reading = readTable(facts, context().nowUs);
      const gaps = withoutHoles(days, context()).flatMap((day) =>
        uncovered({ from: BigInt(day) * dayUs, to: BigInt(day + 1) * dayUs }, reading.spans)
      );
      const missing = cutGaps(reading.axis, gaps, config.HOLDFAST_MAX_PARTITIONS + 1);
      const present = countLeaves(facts.leaves);
      const needed = leavesOfSpans(policy, missing);
      if (present + needed > config.HOLDFAST_MAX_PARTITIONS) {
        throw new HoldfastError(
          "too_many_partitions",
          `These ticks need ${needed} more partitions; ${ticks} has ${present} of at most ${config.HOLDFAST_MAX_PARTITIONS}`,
        );
      }
      const unknown = reading.unknown.length > 0;
      if (missing.length === 0) return { steps: [], unknown };
      // A leaf of that name has the range, most likely; while it is locked, nobody can tell.
      const hidden = new Set(reading.unknown.map(({ name }) => name));
      if (missing.some((span) => namesFor(facts, reading, span).some((name) => hidden.has(name)))) {
        throw notNow("their partition is locked, and its range was not read yet");
      }
      const complete = await completeFacts(sql, facts, reading, missing);
      const { steps, skipped } = planAttaches(complete, reading, facts.parent, missing, {
        reason: "ticks of these days arrived",
        mayReattach: false,
      });
      if (skipped[0]) throw new HoldfastError("conflict", skipped[0].reason);
      return { steps, unknown };
    });
  }

  async function make(days: readonly number[]): Promise<void> {
    const { steps, unknown } = await plan(days);
    if (steps.length > 0) {
      const { errors, refused } = await execution.run(steps);
      const [failed] = refused;
      // A locked leaf may have the range already, under any name.
      if (failed && unknown) throw notNow(failed.reason);
      if (failed) {
        throw new HoldfastError(
          "database_error",
          `The partitions these ticks need cannot be made: ${
            failed.sqlstate ?? "unknown error"
          }; GET /api/partitions/log has the server's message`,
          { cause: new Error(failed.reason) },
        );
      }
      if (errors[0] !== undefined) throw notNow(errors[0]);
      log.info("partitions_created", {
        reason: "ticks",
        partitions: steps.map(({ partition }) => partition.name),
      });
      onChange();
    }
    for (const day of days) known.add(day);
  }

  return {
    async days(days) {
      const missing = [...days].filter((day) => !known.has(day));
      if (missing.length > 0) await queue.run(() => make(missing));
    },
    has(days) {
      for (const day of days) if (!known.has(day)) return false;
      return true;
    },
    forget: () => known.clear(),
  };
}

/** Returns the error that makes an uploader send its ticks again. */
function notNow(why: string): HoldfastError {
  return new HoldfastError(
    "lock_timeout",
    "The partitions these ticks need cannot be made at the moment",
    { retryAfterSeconds: 2, cause: new Error(why) },
  );
}

/** Returns the days in order, with those between a recent one and today: a missing one would be reported as a hole. */
function withoutHoles(days: readonly number[], { nowUs, horizonDays }: PlanContext): number[] {
  const today = Number(nowUs / dayUs);
  const recent = days.filter((day) => day >= today - horizonDays && day < today);
  const wanted = new Set(days);
  for (let day = Math.min(today, ...recent); day < today; day++) wanted.add(day);
  return [...wanted].sort((a, b) => a - b);
}

/** Used when the policy of the ticks was removed: they still need partitions. */
const fallbackPolicy: Policy = {
  schema: "market",
  table: "ticks",
  interval: "1 day",
  sub_interval: null,
  time_zone: "UTC",
  key: "timestamptz",
  premake: 0,
  retention: null,
  cooldown: "7 days",
  seal: false,
  enabled: true,
  windows: null,
};
