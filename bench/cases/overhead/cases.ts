import type { Sql } from "../../../db/connection.ts";
import type { Pool } from "../../../db/pool/pool.ts";
import { createLogger } from "../../../log.ts";
import type { Arm, BenchmarkCase, BenchmarkContext } from "../../../services/benchmarks/case.ts";
import { defaultTargets } from "../../../services/benchmarks/categories.ts";
import { systemClock } from "../../../lib/clock.ts";
import { createChanges } from "../../../services/monitor/diagnosis/changes.ts";
import { type Collection, createCollection } from "../../../services/monitor/collect/collection.ts";

/** One piece of work lasts this many slots; the monitor looks once in it, far more often than in life. */
const workSlots = 3;
const roles = ["baseline", "candidate"] as const;

interface Overhead {
  collection: Collection;
  looks: number;
}

/** A pool's face on one plain client: collectors ask for nothing else of it. */
function poolOf(sql: Sql): Pool {
  return {
    run: (work) => work(sql),
    transaction: (work) => work(sql),
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

function arm(role: (typeof roles)[number], name: string, look: boolean): Arm<Overhead> {
  return {
    name,
    async run(ctx, state) {
      const looking = look ? lookOnce(state) : Promise.resolve();
      looking.catch(() => {}); // awaited below, unless the work fails first
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
      await looking;
      return { units, elapsedMs };
    },
  };
}

async function lookOnce(state: Overhead): Promise<void> {
  await Promise.all([state.collection.collect("fast"), state.collection.collect("stats")]);
  state.looks++;
}

const overhead: BenchmarkCase<Overhead> = {
  id: "overhead_monitor",
  category: "monitoring_overhead",
  title: `Small inserts and reads, with the monitor away and with looks all the time`,
  unit: "operations/s",
  target: defaultTargets.monitoring_overhead,
  counts: true,
  arms: {
    baseline: arm("baseline", "nobody watches", false),
    candidate: arm("candidate", "the collectors of 5 s and 30 s run all the time", true),
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
      looks: 0,
    };
  },
  async verify(ctx, { looks, collection }, claims) {
    for (const role of roles) {
      const [found] = await ctx.sql.unsafe<{ rows: number }[]>(
        `select count(*)::int4 as rows from ${ctx.table(tableOf(role))}`,
      );
      if (found?.rows !== claims[role].units) {
        return { problem: `${role} wrote ${found?.rows} of ${claims[role].units}`, notes: [] };
      }
    }
    if (looks === 0 || !collection.readings.activity.value) {
      return { problem: "the monitor saw nothing", notes: [] };
    }
    return {
      problem: null,
      notes: [
        `${looks} looks of both tiers, one each ${
          workSlots * ctx.slotMs
        } ms: in life every 5 and 30 s`,
      ],
    };
  },
};

export const overheadCases: readonly BenchmarkCase[] = [overhead];
