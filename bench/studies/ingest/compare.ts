import { parseArgs } from "node:util";
import { cpus } from "node:os";
import { median } from "../../../services/benchmarks/statistics.ts";
import { type Arm, makeArms } from "./arms.ts";
import { type BenchApp, startBenchApp } from "./bench_app.ts";
import { loadRows } from "./rows.ts";

/** Times of each arm by round, in milliseconds. */
type Times = Map<Arm, number[]>;

const usage =
  `deno task bench:ingest [--rounds N] [--file TICKS.csv.gz] [--pg-bin DIR] [--only WORDS]

Stores the same rows by psql \\copy and in each of Holdfast's ways, on a scratch server of its own (the embedded one,
or one of the programs in DIR), alternately, and prints a table of medians. Without a file the rows are generated.`;

async function measure(app: BenchApp, arm: Arm, rows: number): Promise<number> {
  await app.sql`truncate market.ticks, market.candles_1m`;
  await app.sql`checkpoint`;
  const started = performance.now();
  await arm.run();
  const ms = performance.now() - started;
  const [row] = await app.sql`select count(*)::int4 as count from market.ticks`;
  if (row?.count !== rows) throw new Error(`${arm.name}: ${row?.count} rows stored of ${rows}`);
  return ms;
}

function table(times: Times, rows: number): string {
  const [[, base] = [undefined, [] as number[]]] = times;
  const line = (cells: (string | number)[]) => `| ${cells.join(" | ")} |`;
  const lines = [...times].map(([{ name, target }, ms]) => {
    const ratios = ms.map((one, round) => base[round]! / one);
    const verdict = target === undefined ? "" : median(ratios) >= target ? "met" : "missed";
    return line([
      name,
      Math.round(rows / median(ms) * 1000).toLocaleString("en-US"),
      median(ratios).toFixed(2),
      `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`,
      target === undefined ? "" : `≥ ${target} ${verdict}`,
    ]);
  });
  return [
    line(["way", "rows/s, median", "× psql, median of rounds", "range", "target"]),
    line(["---", "---:", "---:", "---:", "---"]),
    ...lines,
  ].join("\n");
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rounds: { type: "string", default: "5" },
      file: { type: "string" },
      "pg-bin": { type: "string" },
      only: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(usage);
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${values.rounds}`);
  const rows = await loadRows(values.file);
  const app = await startBenchApp(values["pg-bin"]);
  try {
    const all = await makeArms(app, rows);
    const arms = all
      .filter(({ name }, at) => at === 0 || !values.only || name.includes(values.only));
    // The first run of each arm warms the caches and does not count. Only an upload creates partitions: the last arm is one.
    for (const arm of new Set([...all.slice(-1), ...arms.toReversed()])) {
      await measure(app, arm, rows.ticks.length);
    }
    const times: Times = new Map(arms.map((arm) => [arm, []]));
    for (let round = 0; round < rounds; round++) {
      for (const arm of round % 2 === 0 ? arms : arms.toReversed()) {
        const ms = await measure(app, arm, rows.ticks.length);
        times.get(arm)!.push(ms);
        console.error(`round ${round + 1}/${rounds}  ${Math.round(ms)} ms  ${arm.name}`);
      }
    }
    console.log(
      `${rows.ticks.length.toLocaleString("en-US")} rows (${rows.name}), ${app.server}, ` +
        `${cpus().length} cores (${cpus()[0]?.model}), ${rounds} alternating rounds\n`,
    );
    console.log(table(times, rows.ticks.length));
  } finally {
    await app.stop();
  }
}

if (import.meta.main) {
  await main();
  Deno.exit(0); // the lanes' connections are idle
}
