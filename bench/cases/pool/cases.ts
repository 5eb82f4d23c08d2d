import type { Sql } from "../../../db/connection.ts";
import type { Arm, BenchmarkCase, BenchmarkContext } from "../../../services/benchmarks/case.ts";
import { defaultTargets } from "../../../services/benchmarks/categories.ts";
import { createLatencies } from "../../../services/benchmarks/measuring/histogram.ts";

const table = "pool_accounts";
const accounts = 1_000;
/** Concurrent callers. */
const callers = 16;
const tunedSize = 8;
const operationsEach = 2;

/** The clients that are open during the case. */
interface PoolState {
  kept: Sql;
  tuned: Sql;
}

/** Reads and writes one row, as a small transaction of an application. */
async function operateOnce(sql: Sql, path: string, account: number): Promise<void> {
  await sql.unsafe(`select uses from ${path} where id = $1`, [account]);
  await sql.unsafe(`update ${path} set uses = uses + 1 where id = $1`, [account]);
}

type Operate = (
  ctx: BenchmarkContext,
  state: PoolState,
  path: string,
  account: number,
) => Promise<void>;

function poolCase(
  about: Pick<BenchmarkCase, "id" | "title" | "counts">,
  baseline: { name: string; operate: Operate },
  candidate: { name: string; operate: Operate },
): BenchmarkCase<PoolState> {
  const arm = (
    role: string,
    { name, operate }: { name: string; operate: Operate },
  ): Arm<PoolState> => ({
    name,
    async run(ctx, state) {
      const latencies = createLatencies();
      const path = ctx.table(`${table}_${role}`);
      const caller = async (number: number) => {
        for (let done = 0; done < operationsEach; done++) {
          const started = ctx.now();
          // Each caller has its own rows, so that row locks do not matter.
          await operate(ctx, state, path, number + 1);
          latencies.record(ctx.now() - started);
        }
      };
      const started = ctx.now();
      await Promise.all(Array.from({ length: callers }, (_, number) => caller(number)));
      return { units: callers * operationsEach, elapsedMs: ctx.now() - started, latencies };
    },
  });
  return {
    ...about,
    category: "connection_pool",
    unit: "operations/s",
    target: defaultTargets.connection_pool,
    arms: { baseline: arm("baseline", baseline), candidate: arm("candidate", candidate) },
    async setup(ctx) {
      for (const role of ["baseline", "candidate"]) {
        const path = ctx.table(`${table}_${role}`);
        await ctx.sql.unsafe(`
          drop table if exists ${path};
          create table ${path} (id int4 primary key, uses int8 not null) with (fillfactor = 50);
          insert into ${path} select id, 0 from generate_series(1, ${accounts}) as id;`).simple();
      }
      return { kept: ctx.connect(callers), tuned: ctx.connect(tunedSize) };
    },
    async verify(ctx, _state, claims) {
      for (const role of ["baseline", "candidate"] as const) {
        const [found] = await ctx.sql.unsafe<{ uses: number }[]>(
          `select sum(uses)::float8 as uses from ${ctx.table(`${table}_${role}`)}`,
        );
        if (found?.uses !== claims[role].units) {
          return { problem: `${role} did ${found?.uses} of ${claims[role].units}`, notes: [] };
        }
      }
      return { problem: null, notes: [`${callers} callers at once`] };
    },
  };
}

const operateOn = (pick: (state: PoolState) => Sql): Operate => (_ctx, state, path, account) =>
  operateOnce(pick(state), path, account);

const eachItsOwn: Operate = async (ctx, _state, path, account) => {
  const sql = ctx.connect(1);
  try {
    await operateOnce(sql, path, account);
  } finally {
    await ctx.disconnect(sql);
  }
};

const tuned = { name: `a pool of ${tunedSize}`, operate: operateOn((state) => state.tuned) };

export const poolCases: readonly BenchmarkCase[] = [
  poolCase(
    {
      id: "pool_naive",
      title: "Concurrent operations: a connection for each, and the tuned pool",
      counts: true,
    },
    { name: "a new connection for each operation", operate: eachItsOwn },
    tuned,
  ),
  poolCase(
    {
      id: "pool_reuse",
      title: "One change of pool_naive alone: connections are kept, one for each caller",
      counts: false,
    },
    { name: "a new connection for each operation", operate: eachItsOwn },
    { name: `${callers} kept connections`, operate: operateOn((state) => state.kept) },
  ),
  poolCase(
    {
      id: "pool_size",
      title: "One change of pool_naive alone: few connections instead of one for each caller",
      counts: false,
    },
    { name: `${callers} kept connections`, operate: operateOn((state) => state.kept) },
    tuned,
  ),
];
