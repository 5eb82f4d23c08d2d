import { connectSql, type Target } from "../db/connection.ts";
import { quoteIdent, quoteTable } from "../db/sql.ts";
import type { ArmRole, BenchmarkCase, BenchmarkContext } from "../services/benchmarks/case.ts";
import { planBlocks } from "../services/benchmarks/measuring/blocks.ts";
import { createRandom } from "../services/benchmarks/measuring/random.ts";
import { startTempServer } from "./temp_server.ts";

const seed = 1;
const schema = "bench_deno";
/** Each registration runs its function about four times: Deno adds a warm-up and an extra run to n. */
const blocks = 4;
const iterations = 2;
/** Deno's own warm-up is one call. */
const warmUpRuns = 3;

/**
 * Registers cases with `deno bench`, on an embedded server of their own. Deno does not interleave; repeated registration of
 * the same group and name gives A, B, B, A …, which its JSON merges into one entry. Deno returns no samples, so this is only
 * a quick check: verdicts come from runs of the API. Does nothing outside `deno bench`.
 */
export async function registerCases(cases: readonly BenchmarkCase[]): Promise<void> {
  if (Deno.bench.length === 0) return; // the stub of other subcommands
  const server = await startTempServer();
  try {
    await registerOn(server.target, cases);
  } catch (error) {
    await server.stop(); // a bench file that throws gets no unload event
    throw error;
  }
  endWithProcess(server.stopNow);
}

async function registerOn(target: Target, cases: readonly BenchmarkCase[]): Promise<void> {
  const connect = {
    target,
    applicationName: "holdfast-bench",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 5_000,
    pooled: false,
  };
  const sql = connectSql({ ...connect, max: 3 });
  await sql.unsafe(`create schema ${quoteIdent(schema)}`);
  const open = (max: number) => connectSql({ ...connect, max });
  for (const bench of cases) await register(bench, contextOf(sql, open));
}

function contextOf(
  sql: BenchmarkContext["sql"],
  connect: BenchmarkContext["connect"],
): BenchmarkContext {
  return {
    sql,
    schema,
    profile: "quick",
    seed,
    slotMs: 80,
    dataShare: 1,
    random: createRandom(seed),
    signal: new AbortController().signal,
    now: () => performance.now(),
    connect,
    disconnect: (own) => own.end({ timeout: 1 }),
    table: (name) => quoteTable(schema, name),
  };
}

async function register(bench: BenchmarkCase, ctx: BenchmarkContext): Promise<void> {
  const state = await bench.setup(ctx);
  for (let run = 0; run < warmUpRuns; run++) {
    await bench.arms.baseline.run(ctx, state);
    await bench.arms.candidate.run(ctx, state);
  }
  for (const { order } of planBlocks(ctx.random, blocks)) {
    for (const role of order.filter((slot): slot is ArmRole => slot !== "null")) {
      Deno.bench({
        group: bench.id,
        name: `${role}: ${bench.arms[role].name}`,
        baseline: role === "baseline",
        n: iterations,
        // An async literal, or Deno does not await it.
        fn: async (b) => {
          b.start();
          await bench.arms[role].run(ctx, state);
          b.end();
        },
      });
    }
  }
}

/** Stops the server at the end. The clean-up is synchronous, because Deno awaits nothing at the end of a bench file. */
function endWithProcess(stop: () => void): void {
  globalThis.addEventListener("unload", stop);
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.addSignalListener(signal, () => Deno.exit(code)); // fires unload
  }
}
