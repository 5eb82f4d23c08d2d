/**
 * What Holdfast, serving and watching at its default cadences, takes from a saturated server: one long pgbench run, beside
 * which Holdfast runs and is stopped (SIGSTOP) in blocks of seconds, in pairs whose order is drawn. What was due while it
 * was stopped comes when it goes on, so it works twice as often as in life while it runs.
 * `deno task bench:overhead [pairs] [seconds]`
 */
import { createRandom } from "../../../services/benchmarks/measuring/random.ts";
import { estimate, improvementOf } from "../../../services/benchmarks/statistics.ts";
import { conninfoOf, findPgbench, runPgbench } from "../../cases/pgbench/program.ts";
import { cpuSeconds } from "../../process_time.ts";
import { startTempServer, urlOf } from "../../temp_server.ts";

const pairs = Number(Deno.args[0] ?? 60);
const seconds = Number(Deno.args[1] ?? 10);
const clients = 4;

/** Reads the rates that pgbench prints each second on its standard error. */
async function* progressOf(output: ReadableStream<Uint8Array>): AsyncGenerator<number> {
  let rest = "";
  for await (const text of output.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const rate = /^progress: .*? ([\d.]+) tps/.exec(line)?.[1];
      if (rate !== undefined) yield Number(rate);
    }
  }
}

const server = await startTempServer();
const home = new URL("../../../", import.meta.url).pathname;
const app = new Deno.Command(Deno.execPath(), {
  args: ["run", "-P=serve", "main.ts", "serve"],
  cwd: home,
  env: {
    DATABASE_URL: urlOf(server.target),
    PORT: "0",
    LOG_LEVEL: "error",
  },
  stdout: "null",
  stderr: "inherit",
}).spawn();
try {
  await runPgbench(server.target, ["-i", "-q", "-s", "20"]);
  const random = createRandom(1);
  const logs: number[] = [];
  let busy = 0;
  let watched = 0;
  const load = new Deno.Command(findPgbench(), {
    args: ["-S", "-M", "prepared", "-c", `${clients}`, "-P", "1"]
      .concat(["-T", `${(2 * pairs + 1) * (seconds + 2) + 60}`, conninfoOf(server.target)]),
    stdout: "null",
    stderr: "piped",
  }).spawn();
  try {
    const rates = progressOf(load.stderr);
    const nextRate = async () => (await rates.next()).value ?? NaN;
    /** Transactions per second of a block; the second in which Holdfast stops or goes on belongs to neither. */
    const block = async (on: boolean): Promise<number> => {
      Deno.kill(app.pid, on ? "SIGCONT" : "SIGSTOP");
      await nextRate();
      await nextRate();
      const before = await cpuSeconds(app.pid);
      let sum = 0;
      for (let second = 0; second < seconds; second++) sum += await nextRate();
      if (on && before !== undefined) {
        busy += (await cpuSeconds(app.pid) ?? before) - before;
        watched += seconds;
      }
      return sum / seconds;
    };
    await block(true); // warms both up
    console.log(`| pair | tps without | tps with | change |\n| --- | --- | --- | --- |`);
    for (let pair = 1; pair <= pairs; pair++) {
      const onFirst = random.next() < 0.5;
      const first = await block(onFirst);
      const second = await block(!onFirst);
      const [off, on] = onFirst ? [second, first] : [first, second];
      logs.push(Math.log(on / off));
      console.log(
        `| ${pair} | ${off.toFixed(0)} | ${on.toFixed(0)} | ${
          (improvementOf(Math.log(on / off)) * 100).toFixed(2)
        } % |`,
      );
    }
  } finally {
    load.kill("SIGTERM");
    await load.status;
  }
  const found = estimate([logs], random);
  const percent = (log: number) => `${(improvementOf(log) * 100).toFixed(2)} %`;
  console.log(
    found
      ? `\nchange of tps: ${percent(found.value)}, 95 % interval ${percent(found.low)} to ${
        percent(found.high)
      }, ${pairs} pairs of ${seconds} s blocks, ${clients} clients, read-only`
      : "\ntoo few pairs for an interval",
  );
  if (watched > 0) {
    console.log(
      `Holdfast's own process used ${(busy / watched * 100).toFixed(2)} % of one core meanwhile`,
    );
  }
} finally {
  Deno.kill(app.pid, "SIGCONT");
  Deno.kill(app.pid, "SIGTERM");
  await app.status;
  await server.stop();
}
