import type { Sql } from "../../../db/connection.ts";
import { codeOf, isUnreachable } from "../../../db/errors.ts";
import { quoteTable } from "../../../db/sql.ts";
import { messageOf } from "../../../errors.ts";
import type { Logger } from "../../../log.ts";
import { targetOf, type TargetOverrides } from "../categories.ts";
import type { BenchmarkCase, BenchmarkContext, ProfileName } from "../case.ts";
import type { Measuring } from "../measuring/profiles.ts";
import type { Progress } from "./progress.ts";
import { createRandom } from "../measuring/random.ts";
import type { StoredResult } from "../run.ts";
import { failedResult, runCase } from "./run_case.ts";

export interface ExecuteOptions {
  cases: readonly BenchmarkCase[];
  targets: TargetOverrides;
  sql: Sql;
  /** A client apart from those of the work, to observe it. */
  watching: Sql;
  /** Opens a client of the run with `max` connections. */
  open(max: number): Sql;
  schema: string;
  profile: ProfileName;
  measuring: Measuring;
  seed: number;
  signal: AbortSignal;
  progress: Progress;
  log: Logger;
  /** Called after each case with all results so far, so that a later crash loses one case only. */
  keep(results: StoredResult[]): Promise<void>;
}

/**
 * Runs the cases one after the other and returns their problems, one line each. A case that fails does not stop the next
 * one. Throws after an abort and when the server is unreachable.
 */
export async function executeCases(options: ExecuteOptions): Promise<string[]> {
  const { cases, targets, signal, progress, measuring, log } = options;
  const results: StoredResult[] = [];
  const problems: string[] = [];
  for (const bench of cases) {
    signal.throwIfAborted();
    progress.begin(bench);
    const target = targetOf(bench.category, targets, bench.target);
    const opened = new Set<Sql>();
    try {
      const { result, problem } = await runCase(bench, {
        ctx: contextOf(options, opened),
        watching: options.watching,
        measuring,
        target,
        onBlock: progress.block,
      });
      results.push(result);
      if (problem) problems.push(`${bench.id}: ${problem}`);
    } catch (error) {
      if (signal.aborted || isUnreachable(error)) throw error;
      log.error("benchmark_case_failed", { case: bench.id, error });
      const reason = reasonOf(error);
      results.push(failedResult(bench, target, `Did not finish: ${reason}.`));
      problems.push(`${bench.id}: ${reason}`);
    } finally {
      await Promise.all([...opened].map((own) => own.end({ timeout: 0 }).catch(() => {})));
    }
    progress.result(results.at(-1)!);
    await options.keep(results);
  }
  return problems;
}

/** Each case starts from the seed, so that its draws do not depend on the cases before it. */
function contextOf(
  { sql, open, schema, profile, measuring, seed, signal }: ExecuteOptions,
  opened: Set<Sql>,
): BenchmarkContext {
  return {
    sql,
    schema,
    profile,
    seed,
    slotMs: measuring.slotMs,
    dataShare: measuring.dataShare ?? 1,
    random: createRandom(seed),
    signal,
    now: () => performance.now(),
    connect(max) {
      const own = open(max);
      opened.add(own);
      return own;
    },
    async disconnect(own) {
      opened.delete(own);
      await own.end({ timeout: 1 });
    },
    table: (name) => quoteTable(schema, name),
  };
}

/** Returns the reason of a failure for a result: the code of a database error, not its text, which may quote SQL. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  return code ? `the database answered with error ${code}` : messageOf(error);
}
