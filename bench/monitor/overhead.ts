/**
 * What Holdfast, serving and watching at its default cadences, takes from a saturated server: pgbench rounds with
 * Holdfast running and stopped (SIGSTOP), in pairs whose order alternates.
 * `deno task bench:overhead [pairs] [seconds]`
 */
import { createRandom } from "../../services/benchmarks/measuring/random.ts";
import { estimate, improvementOf } from "../../services/benchmarks/statistics.ts";
import { startTempServer } from "../temp_server.ts";

const pairs = Number(Deno.args[0] ?? 6);
// Longer than the 30 s tier, so that each round has one.
const seconds = Number(Deno.args[1] ?? 35);
const programs = ["/usr/lib/postgresql/15/bin/pgbench", "/usr/bin/pgbench"];
const clients = 4;

function findPgbench(): string {
  for (const path of programs) {
    try {
      Deno.statSync(path);
      return path;
    } catch {
      // the next one
    }
  }
  throw new Error("pgbench is not installed (Debian: postgresql-contrib)");
}

async function pgbench(args: string[], at: { directory: string; database: string }) {
  const { stdout, stderr, success } = await new Deno.Command(findPgbench(), {
    args: ["-h", at.directory, "-U", "postgres", ...args, at.database],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

/** Processor time of a process so far, in seconds; undefined where /proc is not. */
async function cpuSeconds(pid: number): Promise<number | undefined> {
  const { stdout, success } = await new Deno.Command("cat", { args: [`/proc/${pid}/stat`] })
    .output();
  if (!success) return undefined;
  const [user = 0, system = 0] = (new TextDecoder().decode(stdout).split(") ")[1] ?? "").split(" ")
    .slice(11, 13).map(Number);
  return (user + system) / 100;
}

const server = await startTempServer();
if (server.target.kind !== "socket") throw new Error("The embedded server has no socket");
const { directory, database } = server.target;
const home = new URL("../../", import.meta.url).pathname;
const house = new Deno.Command(Deno.execPath(), {
  args: ["run", "-P=serve", "main.ts", "serve"],
  cwd: home,
  env: {
    DATABASE_URL: `postgres://postgres@localhost/${database}?host=${encodeURIComponent(directory)}`,
    PORT: "0",
    LOG_LEVEL: "error",
  },
  stdout: "null",
  stderr: "inherit",
}).spawn();
try {
  await pgbench(["-i", "-q", "-s", "20"], { directory, database });
  const logs: number[] = [];
  let busy = 0;
  let watched = 0;
  const round = async (on: boolean): Promise<number> => {
    Deno.kill(house.pid, on ? "SIGCONT" : "SIGSTOP");
    await new Promise((done) => setTimeout(done, 1_000));
    const before = await cpuSeconds(house.pid);
    const text = await pgbench(["-S", "-M", "prepared", "-c", `${clients}`, "-T", `${seconds}`], {
      directory,
      database,
    });
    if (on && before !== undefined) {
      busy += (await cpuSeconds(house.pid) ?? before) - before;
      watched += seconds;
    }
    return Number(/tps = ([\d.]+)/.exec(text)?.[1]);
  };
  await round(true); // warms both up
  console.log(`| pair | tps without | tps with | change |\n| --- | --- | --- | --- |`);
  for (let pair = 1; pair <= pairs; pair++) {
    const onFirst = pair % 2 === 0;
    const first = await round(onFirst);
    const second = await round(!onFirst);
    const [off, on] = onFirst ? [second, first] : [first, second];
    logs.push(Math.log(on / off));
    console.log(
      `| ${pair} | ${off.toFixed(0)} | ${on.toFixed(0)} | ${
        (improvementOf(Math.log(on / off)) * 100).toFixed(2)
      } % |`,
    );
  }
  const found = estimate([logs], createRandom(1));
  const percent = (log: number) => `${(improvementOf(log) * 100).toFixed(2)} %`;
  console.log(
    found
      ? `\nchange of tps: ${percent(found.value)}, 95 % interval ${percent(found.low)} to ${
        percent(found.high)
      }, ${pairs} pairs of ${seconds} s, ${clients} clients, read-only`
      : "\ntoo few pairs for an interval",
  );
  if (watched > 0) {
    console.log(
      `Holdfast's own process used ${(busy / watched * 100).toFixed(2)} % of one core meanwhile`,
    );
  }
} finally {
  Deno.kill(house.pid, "SIGCONT");
  Deno.kill(house.pid, "SIGTERM");
  await house.status;
  await server.stop();
}
