import { CopyEncoder } from "../../../db/copy.ts";
import type { Sql } from "../../../db/connection.ts";
import type { Arm, BenchmarkCase, BenchmarkContext } from "../../../services/benchmarks/case.ts";
import { defaultTargets } from "../../../services/benchmarks/categories.ts";
import { createRandom, type Random } from "../../../services/benchmarks/measuring/random.ts";
import { type ArmTicks, createArmTicks, firstProblem, verifyTable } from "../insert/arm_ticks.ts";
import { defaultMarket } from "../market/profile.ts";
import { createTable, dropTables, optimised } from "../insert/tables.ts";
import { findSustained } from "./search.ts";
import { createGrouped, createSingles, type Writer } from "./writers.ts";

/** A rate is sustained when 99 of 100 inserts are durable this soon after they were due; milliseconds. */
const p99LimitMs = 50;
const connections = 4;
const secondsPerMinute = 60;

interface CapacityArm {
  feed: ArmTicks;
  random: Random;
  writer: Writer;
  /** The last rate that was sustained, in inserts per second; the next search starts there. */
  rate: number;
}

type CapacityState = Record<"baseline" | "candidate", CapacityArm>;

const tables = { baseline: "capacity_baseline", candidate: "capacity_candidate" };

function capacityArm(role: keyof CapacityState, name: string): Arm<CapacityState> {
  return {
    name,
    writes: [tables[role]],
    async run(ctx, state) {
      const arm = state[role];
      const found = await findSustained({
        start: arm.rate,
        p99LimitMs,
        trialMs: Math.min(300, 2.5 * ctx.slotMs),
        random: arm.random,
        feed: arm.feed,
        writer: arm.writer,
        now: ctx.now,
        signal: ctx.signal,
      });
      arm.rate = found.rate;
      return {
        units: found.rows,
        elapsedMs: found.elapsedMs,
        level: found.rate * secondsPerMinute,
        latencies: found.latencies,
      };
    },
  };
}

/**
 * Some six million ticks a day, so that the longest search does not reach the end of the partitions, however fast the server.
 */
export const denseMarket = { ...defaultMarket, ticksPerDay: 50_000_000 };

/** The first rate is below any server's; each search doubles it until it fails. */
const firstRate = 200;

const capacity: BenchmarkCase<CapacityState> = {
  id: "capacity_open_loop",
  category: "high_frequency_capacity",
  title:
    `Highest rate of inserts, open loop, at which p99 from the scheduled start stays within ${p99LimitMs} ms`,
  unit: "inserts/min",
  target: defaultTargets.high_frequency_capacity,
  counts: true,
  arms: {
    baseline: capacityArm(
      "baseline",
      `one commit for each insert, over ${connections} connections`,
    ),
    candidate: capacityArm("candidate", "inserts that are due together go in one binary COPY"),
  },
  async setup(ctx) {
    const own = ctx.connect(connections);
    const arm = async (role: keyof CapacityState, make: MakeWriter): Promise<CapacityArm> => {
      await createTable(ctx, tables[role], optimised);
      return {
        feed: createArmTicks(ctx.seed, denseMarket),
        random: createRandom(ctx.seed),
        writer: make(own, ctx, tables[role]),
        rate: firstRate,
      };
    };
    return {
      baseline: await arm("baseline", createSingles),
      candidate: await arm(
        "candidate",
        (sql, context, table) => createGrouped(sql, context, table, new CopyEncoder()),
      ),
    };
  },
  verify: async (ctx, state, claims) =>
    firstProblem([
      await verifyTable(ctx, tables.baseline, claims.baseline, state.baseline.feed),
      await verifyTable(ctx, tables.candidate, claims.candidate, state.candidate.feed),
    ]),
  teardown: (ctx) => dropTables(ctx, Object.values(tables)),
};

type MakeWriter = (sql: Sql, ctx: BenchmarkContext, table: string) => Writer;

export const capacityCases: readonly BenchmarkCase[] = [capacity];
