import { parseArgs } from "node:util";
import { connectSql } from "../../db/connection.ts";
import type { ArmRole } from "../../services/benchmarks/case.ts";
import { measure } from "../../services/benchmarks/measuring/measure.ts";
import { createRandom } from "../../services/benchmarks/measuring/random.ts";
import { planAnalyses } from "../../services/benchmarks/measuring/sequential.ts";
import { judge } from "../../services/benchmarks/running/run_case.ts";
import type { Verdict } from "../../services/benchmarks/statistics.ts";
import { startTempServer } from "../temp_server.ts";

/** Rows of a fast case: their sum takes one to two milliseconds. */
const rows = 20_000;
const analysesAfter = [8, 16];
const measuring = { analyses: analysesAfter, slotMs: 40, warmUpMs: 40 };

/**
 * Calibrates the method on a real server by runs with identical arms, for which every verdict is false, and runs whose
 * candidate does 30 % less in the same time, for which the verdict must be "fail". `--runs 100` of each.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { runs: { type: "string", default: "100" } } });
  const runs = Number(values.runs);
  const server = await startTempServer();
  const sql = connectSql({
    target: server.target,
    max: 1,
    applicationName: "holdfast-bench",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 5_000,
    pooled: false,
  });
  try {
    await sql.unsafe(`create table numbers as select n::float8 from generate_series(1, ${rows}) n`);
    await sql.unsafe("vacuum (analyze) numbers");
    for (const [name, slower] of [["identical arms", 0], ["30 % handicap", 0.3]] as const) {
      const verdicts: Record<Verdict, number> = {
        pass: 0,
        fail: 0,
        inconclusive: 0,
        not_measured: 0,
      };
      const began = performance.now();
      let early = 0;
      for (let seed = 1; seed <= runs; seed++) {
        const run = async (role: ArmRole) => {
          const started = performance.now();
          await sql`select sum(n) from numbers`;
          const ms = performance.now() - started;
          const elapsedMs = role === "candidate" ? ms / (1 - slower) : ms;
          return { units: 1, elapsedMs };
        };
        const analyses = planAnalyses(analysesAfter);
        let verdict: Verdict = "not_measured";
        const { logRatios } = await measure({
          random: createRandom(seed),
          measuring,
          now: () => performance.now(),
          signal: new AbortController().signal,
          run,
          goOn(sofar, at) {
            const { alpha } = analyses[at]!;
            verdict = judge({ category: "query_performance" }, 0, sofar, alpha, seed).verdict;
            return verdict === "inconclusive";
          },
        });
        verdicts[verdict]++;
        if (logRatios.length === analysesAfter[0]) early++;
      }
      const seconds = (performance.now() - began) / 1_000;
      console.log(
        `${name}: ${verdicts.pass} pass, ${verdicts.fail} fail, ${verdicts.inconclusive} inconclusive of ${runs}; ` +
          `${early} ended after ${analysesAfter[0]} blocks; ${(seconds / runs).toFixed(1)} s a run`,
      );
    }
  } finally {
    await sql.end({ timeout: 1 });
    await server.stop();
  }
}

if (import.meta.main) await main();
