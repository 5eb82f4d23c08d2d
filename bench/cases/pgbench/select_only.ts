import type { Random } from "../../../services/benchmarks/measuring/random.ts";

/** The scale factor of pgbench, in units of 100,000 accounts. */
export const scale = 10;
export const accounts = 100_000 * scale;

/** The query of `pgbench -S`, one account by its key, or the sum of `span` accounts. */
export interface Question {
  query: string;
  /** Number of parameters. */
  params: number;
  /** The same query as a pgbench script; undefined for pgbench's own -S. */
  script: string | undefined;
  /** Draws the parameters of the next query into `params`, without a new array. */
  draw(random: Random, params: number[]): void;
}

export function questionOf(span: number): Question {
  if (span === 1) {
    return {
      query: "select abalance from pgbench_accounts where aid = $1",
      params: 1,
      script: undefined,
      draw(random, params) {
        params[0] = 1 + random.int(accounts);
      },
    };
  }
  return {
    query: "select sum(abalance) from pgbench_accounts where aid between $1 and $2",
    params: 2,
    script: `\\set aid random(1, ${accounts - span + 1})
select sum(abalance) from pgbench_accounts where aid between :aid and :aid + ${span - 1};
`,
    draw(random, params) {
      params[0] = 1 + random.int(accounts - span + 1);
      params[1] = params[0] + span - 1;
    },
  };
}
