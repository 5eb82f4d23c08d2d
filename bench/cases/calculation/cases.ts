import type { Arm, BenchmarkCase, BenchmarkContext } from "../../../services/benchmarks/case.ts";
import { defaultTargets } from "../../../services/benchmarks/categories.ts";
import { type Kernel, kernels, type Typed } from "./kernels.ts";
import { ensureTables, floatTable, numericTable } from "./tables.ts";

interface Prepared {
  /** Rows one calculation reads. */
  rows: number;
}

const numericOf = (ctx: BenchmarkContext): Typed => ({
  table: ctx.table(numericTable),
  type: "numeric",
});
const floatOf = (ctx: BenchmarkContext): Typed => ({
  table: ctx.table(floatTable),
  type: "float8",
});

function arm(kernel: Kernel, name: string, typed: (ctx: BenchmarkContext) => Typed): Arm<Prepared> {
  const query = (ctx: BenchmarkContext) =>
    `select count(v) from (${kernel.timed(typed(ctx))}) as results`;
  return {
    name,
    async run(ctx, { rows }) {
      // count(v) makes the server compute every v and send one row.
      await ctx.sql.unsafe(query(ctx));
      return { units: rows };
    },
    explain: query,
  };
}

function calculationCase(kernel: Kernel): BenchmarkCase<Prepared> {
  return {
    id: kernel.id,
    category: "calculation_performance",
    title: kernel.title,
    unit: "rows/s",
    target: defaultTargets.calculation_performance,
    counts: kernel.counts ?? true,
    arms: {
      baseline: arm(kernel, "numeric", numericOf),
      candidate: arm(kernel, "float8", floatOf),
    },
    setup: async (ctx) => ({ rows: Math.round(await ensureTables(ctx) * kernel.share) }),
    verify: (ctx) => compareResults(ctx, kernel),
  };
}

/** A float8 result with a larger relative error is wrong. */
const toleratedError = 1e-6;

/** Compares every result of float8 with that of numeric: the rows, and the largest difference. */
async function compareResults(ctx: BenchmarkContext, kernel: Kernel) {
  // float8 as text keeps all digits; a direct cast to numeric keeps only 15.
  const [found] = await ctx.sql.unsafe<{ results: number; unmatched: number; error: number }[]>(`
    select
      count(*)::float8 as results,
      count(*) filter (where f.v is null or n.v is null)::float8 as unmatched,
      coalesce(max(abs(f.v::text::numeric - n.v) / nullif(abs(n.v), 0)), 0)::float8 as error
    from (${kernel.compared(numericOf(ctx))}) as n
    full join (${kernel.compared(floatOf(ctx))}) as f using (k)`);
  if (!found || found.results === 0 || found.unmatched > 0) {
    return { problem: `float8 and numeric disagree on ${found?.unmatched} results`, notes: [] };
  }
  if (found.error > toleratedError) {
    return { problem: `float8 is off by ${found.error.toExponential(1)} of the value`, notes: [] };
  }
  const exactness = found.error === 0
    ? "float8 gives exactly numeric's results"
    : `float8 differs from numeric by at most ${found.error.toExponential(1)} of the value`;
  return {
    problem: null,
    notes: [`${exactness}, over ${found.results} results`, ...kernel.note ? [kernel.note] : []],
  };
}

export const calculationCases: readonly BenchmarkCase[] = kernels.map(calculationCase);
