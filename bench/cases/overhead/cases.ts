import type { Sql } from "../../../db/connection.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { createLogger } from "../../../log.ts";
import type { Arm, BenchmarkCase, BenchmarkContext } from "../../../services/benchmarks/case.ts";
import { defaultTargets } from "../../../services/benchmarks/categories.ts";
import { systemClock } from "../../../lib/clock.ts";
import { createChanges } from "../../../services/monitor/diagnosis/changes.ts";
import { type Collection, createCollection } from "../../../services/monitor/collect/collection.ts";

/** Slots of one piece of work. The monitor collects once in it, far more often than in production. */
const workSlots = 3;
const roles = ["baseline", "candidate"] as const;

interface Overhead {
  collection: Collection;
  collections: number;
}

/** Returns a client as a pool, as far as collectors use one. */
function poolOf(sql: Sql): Pool {
  return {
    run: (work) => work(sql),
    transaction: (work) => work(sql),
    pipelinedTransaction: async (work) => {
      const { answer, last } = await work(sql, Promise.resolve());
      await Promise.all(last);
      return answer;
    },
    stats: () => ({
      size: 1,
      active: 0,
      idle: 1,
      waiting: 0,
      utilization: 0,
      acquire_wait_ms: { p50: 0, p95: 0, p99: 0 },
    }),
    renew: () => {},
    end: () => Promise.resolve(),
  };
}

const tableOf = (role: string) => `overhead_${role}`;

function arm(role: (typeof roles)[number], name: string, monitored: boolean): Arm<Overhead> {
  return {
    name,
    async run(ctx, state) {
      const collecting = monitored ? collectOnce(state) : Promise.resolve();
      collecting.catch(() => {}); // awaited below, unless the work fails first
      const table = ctx.table(tableOf(role));
      const started = ctx.now();
      const workMs = workSlots * ctx.slotMs;
      let units = 0;
      while (ctx.now() - started < workMs) {
        await ctx.sql.unsafe(`insert into ${table} (n) values ($1)`, [units], { prepare: true });
        await ctx.sql.unsafe(`select max(n) from ${table} where n <= $1`, [units], {
          prepare: true,
        });
        units++;
      }
      const elapsedMs = ctx.now() - started;
      await collecting;
      return { units, elapsedMs };
    },
  };
}

async function collectOnce(state: Overhead): Promise<void> {
  await Promise.all([state.collection.collect("fast"), state.collection.collect("stats")]);
  state.collections++;
}

const overhead: BenchmarkCase<Overhead> = {
  id: "overhead_monitor",
  category: "monitoring_overhead",
  title: "Small inserts and reads, without the monitor and with constant collection",
  unit: "operations/s",
  target: defaultTargets.monitoring_overhead,
  counts: true,
  arms: {
    baseline: arm("baseline", "no monitor", false),
    candidate: arm("candidate", "the 5 s and 30 s collectors run constantly", true),
  },
  async setup(ctx: BenchmarkContext) {
    for (const role of roles) {
      await ctx.sql.unsafe(`create table ${ctx.table(tableOf(role))} (n int4 not null)`);
      await ctx.sql.unsafe(`create index on ${ctx.table(tableOf(role))} (n)`);
    }
    const every = { fast: 5_000, stats: 30_000, slow: 300_000, hourly: 3_600_000 };
    return {
      collection: createCollection({
        fastPool: poolOf(ctx.connect(1)),
        slowPool: poolOf(ctx.connect(1)),
        everyMs: every,
        maxAgeMs: { fast: 60_000, stats: 60_000, slow: 600_000, hourly: 7_200_000 },
        changes: createChanges({ now: () => systemClock.now().getTime() }),
        clock: systemClock,
        log: createLogger({ level: "error", write: () => {} }),
      }),
      collections: 0,
    };
  },
  async verify(ctx, { collections, collection }, claims) {
    for (const role of roles) {
      const [found] = await ctx.sql.unsafe<{ rows: number }[]>(
        `select count(*)::int4 as rows from ${ctx.table(tableOf(role))}`,
      );
      if (found?.rows !== claims[role].units) {
        return { problem: `${role} wrote ${found?.rows} of ${claims[role].units}`, notes: [] };
      }
    }
    if (collections === 0 || !collection.readings.activity.value) {
      return { problem: "the monitor collected nothing", notes: [] };
    }
    return {
      problem: null,
      notes: [
        `${collections} collections of both tiers, one every ${
          workSlots * ctx.slotMs
        } ms; in production every 5 and 30 s`,
      ],
    };
  },
};

export const overheadCases: readonly BenchmarkCase[] = [overhead];
