import { parseArgs } from "node:util";
import type { Target } from "../../db/connection.ts";
import { findLibpq } from "../../db/embedded/binaries.ts";
import type { StoredResult } from "../../services/benchmarks/run.ts";
import { measureOnce } from "../measure_once.ts";
import { withServer } from "../temp_server.ts";
import { againstPgbench } from "../cases/pgbench/cases.ts";
import { conninfoOf, runPgbench } from "../cases/pgbench/program.ts";
import { accounts, scale } from "../cases/pgbench/select_only.ts";

const usage =
  `deno task bench:pgbench [--database URL] [--pgbench PROGRAM] [--libpq FILE] [--through libpq,postgres.js]
                        [--blocks 48] [--seconds 1] [--clients 2] [--span 1]

Runs pgbench and the same queries through this runner in alternating rounds on one server, whose tables pgbench -i makes
first, and says how far apart they are: over libpq, the client library of pgbench, and over postgres.js, which all other
cases use. Exits 1 if over libpq they do not agree within 10 %. Without --database an embedded server of its own; with it a
scratch database only. With --span 1 it is pgbench -S, one row a query; with more each query sums up so many rows.`;

/** Runs agree when the interval of their ratio is within this distance of 1. */
const within = 0.1;

const options = {
  database: { type: "string" },
  pgbench: { type: "string" },
  libpq: { type: "string" },
  through: { type: "string", default: "libpq,postgres.js" },
  blocks: { type: "string", default: "48" },
  seconds: { type: "string", default: "1" },
  clients: { type: "string", default: "2" },
  span: { type: "string", default: "1" },
} as const;

function agrees({ ci_low, ci_high }: StoredResult): boolean {
  return ci_low !== null && ci_high !== null && ci_low > -within && ci_high < within;
}

function print(result: StoredResult): void {
  const percent = (value: number | null) => value === null ? "?" : `${(value * 100).toFixed(1)} %`;
  const { ci_low, ci_high, null_ci_low, null_ci_high, baseline, candidate } = result;
  console.log(
    baseline === null || candidate === null ? `${result.case}: ${result.why}` : `${result.case}: ` +
      `${percent(result.improvement)} [${percent(ci_low)}, ${percent(ci_high)}], ` +
      `pgbench ${baseline.toFixed(0)} and this runner ${candidate.toFixed(0)} queries/s, ` +
      `${result.samples} blocks, null [${percent(null_ci_low)}, ${percent(null_ci_high)}]: ` +
      (agrees(result) ? "they agree within 10 %" : "they do not agree within 10 %"),
  );
}

/** Returns the exit code: 0 when they agree over libpq, 1 when they do not, 2 without a result. */
async function compare(target: Target, values: ReturnType<typeof readArguments>): Promise<number> {
  const pgbench = (args: string[]) => runPgbench(target, args, values.pgbench);
  await pgbench(["-i", "-q", "-s", String(scale)]);
  const comparison = {
    libpq: values.libpq ?? await findLibpq(),
    conninfo: conninfoOf(target),
    span: values.span,
    clients: values.clients,
    seconds: values.seconds,
    pgbench,
  };
  const cases = (["libpq", "postgres.js"] as const)
    .filter((over) => values.through.split(",").includes(over))
    .map((over) => againstPgbench(comparison, over));
  const slotMs = comparison.seconds * 1_000;
  const results = await measureOnce(target, cases, {
    measuring: { analyses: [values.blocks], slotMs, warmUpMs: slotMs },
    seed: 1,
  });
  for (const result of results) print(result);
  const judged = results.find((result) => result.case === "pgbench_over_libpq") ?? results[0];
  if (!judged || judged.baseline === null) return 2;
  return agrees(judged) ? 0 : 1;
}

function readArguments() {
  const { values } = parseArgs({ options });
  const count = (name: "blocks" | "seconds" | "clients" | "span", most: number) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= 1 && value <= most) return value;
    throw new Error(`--${name} is ${values[name]}; allowed: whole numbers from 1 to ${most}`);
  };
  return {
    ...values,
    blocks: count("blocks", 1_000),
    seconds: count("seconds", 600),
    clients: count("clients", 200),
    span: count("span", accounts),
  };
}

async function main(): Promise<number> {
  try {
    const values = readArguments();
    return await withServer(values.database, (target) => compare(target, values));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(usage);
    return 2;
  }
}

if (import.meta.main) Deno.exit(await main());
