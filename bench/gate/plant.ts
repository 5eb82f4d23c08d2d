import type { BenchmarkCase } from "../../services/benchmarks/case.ts";

/** Returns the cases with candidates that do `share` less work in the same time (0.25: a quarter less), to test the gate. */
export function plantSlowdown(cases: readonly BenchmarkCase[], share: number): BenchmarkCase[] {
  return cases.map((bench) => {
    const { baseline, candidate } = bench.arms;
    return {
      ...bench,
      arms: {
        baseline,
        candidate: {
          ...candidate,
          async run(ctx, state) {
            const started = ctx.now();
            const work = await candidate.run(ctx, state);
            const ms = work.elapsedMs ?? ctx.now() - started;
            const until = ctx.now() + ms * (1 / (1 - share) - 1);
            while (ctx.now() < until);
            return { ...work, elapsedMs: ms + ms * (1 / (1 - share) - 1) };
          },
        },
      },
    };
  });
}
