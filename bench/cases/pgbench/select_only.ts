import type { Random } from "../../../services/benchmarks/measuring/random.ts";

/** pgbench's scale: 100,000 accounts each. */
export const scale = 10;
export const accounts = 100_000 * scale;

/** The question of `pgbench -S`, one account by its key; or of `span` accounts their sum. */
export interface Question {
  query: string;
  /** How many parameters it has. */
  params: number;
  /** The same as a script of pgbench; without one it is pgbench's own -S. */
  script: string | undefined;
  /** Draws the parameters of the next query into `params`, which saves making an array each time. */
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
