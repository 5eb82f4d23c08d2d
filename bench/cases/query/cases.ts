import type { Arm, BenchmarkCase, BenchmarkContext } from "../../../services/benchmarks/case.ts";
import { defaultTargets } from "../../../services/benchmarks/categories.ts";
import { createRandom, type Random } from "../../../services/benchmarks/measuring/random.ts";
import { type Asked, draw, type Question, questions } from "./questions.ts";
import { ensureTables, tables } from "./tables.ts";

/** Random generators that draw the same queries in the same order for both arms. */
interface Draws {
  baseline: Random;
  candidate: Random;
}

type Ask = (ctx: BenchmarkContext, asked: Asked) => string;

const checked = 5;

function queryCase(
  about: Pick<BenchmarkCase, "id" | "title" | "counts">,
  baseline: { name: string; ask: Ask },
  candidate: { name: string; ask: Ask },
): BenchmarkCase<Draws> {
  const arm = (role: keyof Draws, { name, ask }: { name: string; ask: Ask }): Arm<Draws> => ({
    name,
    async run(ctx, draws) {
      await ctx.sql.unsafe(`select count(v) from (${ask(ctx, draw(draws[role]))}) as answer`);
      return { units: 1 };
    },
    explain: (ctx) => `select count(v) from (${ask(ctx, draw(createRandom(ctx.seed)))}) as answer`,
  });
  return {
    ...about,
    category: "query_performance",
    unit: "queries/s",
    target: defaultTargets.query_performance,
    arms: { baseline: arm("baseline", baseline), candidate: arm("candidate", candidate) },
    async setup(ctx) {
      await ensureTables(ctx);
      return { baseline: createRandom(ctx.seed), candidate: createRandom(ctx.seed) };
    },
    async verify(ctx) {
      const random = createRandom(ctx.seed + 1);
      for (let question = 0; question < checked; question++) {
        const asked = draw(random);
        const [a, b] = [
          await answerOf(ctx, baseline.ask(ctx, asked)),
          await answerOf(ctx, candidate.ask(ctx, asked)),
        ];
        if (a !== b) return { problem: `the arms answer ${b} and ${a}`, notes: [] };
      }
      return { problem: null, notes: [`Both arms gave the same answers to ${checked} questions`] };
    },
  };
}

/** Returns the number of rows and their sum to the cent, which do not depend on the order and the type. */
async function answerOf(ctx: BenchmarkContext, query: string): Promise<string> {
  const [row] = await ctx.sql.unsafe<{ answer: string }[]>(`
    select count(v) || ' rows of ' || coalesce(round(sum(v)::numeric, 2), 0) as answer
    from (${query}) as answer`);
  return row?.answer ?? "nothing";
}

const naiveName = "numeric heap, btrees (ts) and (symbol)";

const combined = questions.map(({ id, title, naive, optimised }) =>
  queryCase(
    { id, title, counts: true },
    { name: naiveName, ask: (ctx, asked) => naive(ctx, ctx.table(tables.naive), asked) },
    { name: "float8, daily partitions, btree (instrument, ts) and BRIN (ts)", ask: optimised },
  )
);

/** Creates the case for the contribution of one change: the same query on the naive table and on one with that change. */
function contribution(of: string, change: string, table: string): BenchmarkCase<Draws> {
  const question = questions.find(({ id }) => id === of) as Question;
  const ask = (name: string): Ask => (ctx, asked) => question.naive(ctx, ctx.table(name), asked);
  return queryCase(
    {
      id: `${of}_${table.replace("query_", "")}`,
      title: `One change of ${of} alone: ${change}`,
      counts: false,
    },
    { name: naiveName, ask: ask(tables.naive) },
    { name: `the same with ${change}`, ask: ask(table) },
  );
}

export const queryCases: readonly BenchmarkCase[] = [
  ...combined,
  contribution("query_slice", "the btree over (symbol, ts)", tables.indexed),
  contribution("query_slice", "daily partitions", tables.partitioned),
  contribution("query_vwap", "daily partitions", tables.partitioned),
];
