import type { BenchmarkContext, Claim, Verification } from "../../../services/benchmarks/case.ts";
import type { MarketProfile } from "../market/profile.ts";
import { type BenchTick, createTickSource } from "../ticks.ts";

/** The ticks of one arm, and the sums that its table must have in the end. */
export interface ArmTicks {
  next(count: number): BenchTick[];
  expected: { rows: number; cents: number; size: number };
}

export function createArmTicks(seed: number, profile?: MarketProfile): ArmTicks {
  const source = createTickSource(seed, profile);
  const expected = { rows: 0, cents: 0, size: 0 };
  return {
    expected,
    next(count) {
      const ticks = source.next(count);
      expected.rows += count;
      for (const tick of ticks) {
        expected.cents += tick.priceCents;
        expected.size += tick.size;
      }
      return ticks;
    },
  };
}

/** Compares a table with the claim of its arm and with its ticks: the number of rows, and the sums of two columns. */
export async function verifyTable(
  ctx: BenchmarkContext,
  name: string,
  claim: Claim,
  { expected }: ArmTicks,
): Promise<string | null> {
  const [found] = await ctx.sql.unsafe<{ rows: number; cents: number; size: number }[]>(`
    select
      count(*)::float8 as rows,
      coalesce(sum(round(price::numeric * 100)), 0)::float8 as cents,
      coalesce(sum(size), 0)::float8 as size
    from ${ctx.table(name)}`);
  if (found?.rows !== claim.units) {
    return `${name} holds ${found?.rows} rows, its arm claims ${claim.units}`;
  }
  if (
    found.rows !== expected.rows || found.cents !== expected.cents || found.size !== expected.size
  ) {
    return `${name} does not add up to the ticks it was given`;
  }
  return null;
}

/** Returns the first problem of several checks. */
export function firstProblem(problems: (string | null)[]): Verification {
  return { problem: problems.find((problem) => problem !== null) ?? null, notes: [] };
}
