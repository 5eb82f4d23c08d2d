import { dirname } from "node:path";
import { parseArgs } from "node:util";
import type { Target } from "../../db/connection.ts";
import {
  type GateBaseline,
  type GateFinding,
  holdAgainst,
} from "../../services/benchmarks/reporting/gate.ts";
import { measureOnce } from "../measure_once.ts";
import { cases as allCases } from "../cases/list.ts";
import { withServer } from "../temp_server.ts";
import { plantSlowdown } from "./plant.ts";

const usage = `deno task bench:gate [--baseline FILE] [--update] [--cases ID,ID] [--tolerance 0.1]
                     [--database URL] [--plant 0.25]

Measures the cases and holds them against FILE (.holdfast/bench-baseline.json). Exits 1 on a regression that a second
run confirms. Without FILE, or with --update, measures and writes it. --plant slows every candidate down, to try the gate.`;

/** Fast cases with little variance, because they depend on the processor and not on the disk. */
const usualCases = [
  "calc_vwap",
  "calc_row_arithmetic",
  "query_slice",
  "query_vwap",
  "query_candles",
];
const measuring = { analyses: [16], slotMs: 40, warmUpMs: 80 };

interface Arguments {
  baseline: string;
  update: boolean;
  cases: string[];
  tolerance: number;
  database: string | undefined;
  plant: number;
}

function readArguments(args: string[]): Arguments {
  const { values } = parseArgs({
    args,
    options: {
      baseline: { type: "string", default: ".holdfast/bench-baseline.json" },
      update: { type: "boolean", default: false },
      cases: { type: "string", default: usualCases.join(",") },
      tolerance: { type: "string", default: "0.1" },
      database: { type: "string" },
      plant: { type: "string", default: "0" },
    },
  });
  const share = (name: string, text: string) => {
    const value = Number(text);
    if (!(value >= 0 && value < 1)) throw new Error(`--${name} is ${text}; allowed: 0 up to 1`);
    return value;
  };
  return {
    baseline: values.baseline,
    update: values.update,
    cases: values.cases.split(","),
    tolerance: share("tolerance", values.tolerance),
    database: values.database,
    plant: share("plant", values.plant),
  };
}

function print(findings: readonly GateFinding[]): void {
  const percent = (value: number) => `${value >= 0 ? "+" : ""}${(value * 100).toFixed(1)} %`;
  for (const { case: id, change, low, high, judgement, problem } of findings) {
    console.log(
      problem
        ? `${id}: ${problem}`
        : `${id}: ${percent(change)} [${percent(low)}, ${percent(high)}] ${judgement}`,
    );
  }
}

async function readBaseline(path: string): Promise<GateBaseline[] | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(path)).cases;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function gate(options: Arguments, target: Target): Promise<number> {
  const chosen = options.cases.map((id) => {
    const found = allCases.find((bench) => bench.id === id);
    if (!found) throw new Error(`There is no case ${id}`);
    return found;
  });
  const cases = options.plant > 0 ? plantSlowdown(chosen, options.plant) : chosen;
  const stored = options.update ? undefined : await readBaseline(options.baseline);
  const first = await measureOnce(target, cases, { measuring, seed: 1 });
  if (!stored) {
    const unfinished = first.filter(({ log_ratios }) => log_ratios.length === 0);
    for (const { case: id, why } of unfinished) console.error(`${id}: ${why}`);
    if (unfinished.length > 0) return 2;
    const baseline = first.map(({ case: id, log_ratios }) => ({ case: id, log_ratios }));
    await Deno.mkdir(dirname(options.baseline), { recursive: true });
    await Deno.writeTextFile(options.baseline, JSON.stringify({ version: 1, cases: baseline }));
    console.log(`Stored a baseline of ${baseline.length} cases in ${options.baseline}`);
    return 0;
  }
  const findings = holdAgainst(stored, first, options);
  print(findings);
  if (findings.some(({ problem }) => problem)) return 2;
  const suspects = findings.filter(({ judgement }) => judgement === "slower");
  if (suspects.length === 0) return 0;
  console.log("Once more, to confirm:");
  const again = cases.filter(({ id }) => suspects.some((suspect) => suspect.case === id));
  const confirmed = holdAgainst(
    stored,
    await measureOnce(target, again, { measuring, seed: 2 }),
    options,
  );
  print(confirmed);
  const proven = confirmed.filter(({ judgement }) => judgement === "slower");
  for (const { case: id } of proven) console.log(`Regression: ${id}`);
  return proven.length > 0 ? 1 : 0;
}

/** Returns the exit code: 0 without a proven regression, 1 for a regression proven twice, 2 when the gate cannot judge. */
async function main(): Promise<number> {
  try {
    const options = readArguments(Deno.args);
    return await withServer(options.database, (target) => gate(options, target));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    console.error(usage);
    return 2;
  }
}

if (import.meta.main) Deno.exit(await main());
