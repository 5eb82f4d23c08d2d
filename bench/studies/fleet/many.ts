/**
 * What many databases cost one Holdfast and their server, and whether one in trouble delays the others: a server of Debian's
 * programs with small databases, of which one freezes, one has all of Holdfast's tables locked, one is dropped, one is in
 * LATIN1 and one takes no writes.
 * `deno task bench:fleet [databases] [seconds] [--bin DIR] [--code DIR]`
 */
import { parseArgs } from "node:util";
import { connectSql, type Sql, type Target } from "../../../db/connection.ts";
import { withDatabase } from "../../../config/databases.ts";
import { startInstalledServer } from "../../installed_server.ts";
import { cpuSeconds } from "../../process_time.ts";
import { postmasterOf, readServerCost, type ServerCost } from "./server_cost.ts";
import { createDatabases, dropAndRestrict, lockTables, startLink, troubles } from "./troubles.ts";

const { values, positionals } = parseArgs({
  args: Deno.args,
  options: { bin: { type: "string" }, code: { type: "string" } },
  allowPositionals: true,
});
const count = Number(positionals[0] ?? 50);
const seconds = Number(positionals[1] ?? 60);
const bin = values.bin ?? "/usr/lib/postgresql/15/bin";
const code = values.code ?? new URL("../../../", import.meta.url).pathname;
const names = Array.from(
  { length: count },
  (_, at) => troubles[at] ?? `db${String(at).padStart(3, "0")}`,
);
const ordinary = names.filter((name) => !(troubles as readonly string[]).includes(name));
const windowSeconds = 30;
const tickMs = 5_000;
const startsWithinMs = 900_000;
const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

interface Summary {
  name: string;
  status: string;
  age_ms: number | null;
  reasons: string[];
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

const connect = (target: Target): Sql =>
  connectSql({
    target,
    max: 1,
    applicationName: "study",
    statementTimeoutMs: 120_000,
    lockTimeoutMs: 60_000,
    pooled: false,
  });

async function rssBytes(pid: number): Promise<number> {
  const { stdout } = await new Deno.Command("cat", { args: [`/proc/${pid}/statm`] }).output();
  return Number(new TextDecoder().decode(stdout).split(" ")[1]) * 4_096;
}

const list = async (base: string): Promise<Summary[]> =>
  (await (await fetch(`${base}/api/databases`)).json()).databases;

async function untilAllAnswered(base: string): Promise<void> {
  const until = performance.now() + startsWithinMs;
  for (;; await pause(1_000)) {
    const known = await list(base).catch(() => []);
    if (
      known.length >= count &&
      known.every(({ status, age_ms }) => status === "unhealthy" || age_ms !== null)
    ) return;
    if (performance.now() > until) {
      const missing = known.filter(({ age_ms }) => age_ms === null);
      throw new Error(
        `${missing.length} of ${count} databases did not start in time: ${
          missing.slice(0, 3).map(({ name, reasons }) => `${name} ${reasons.join()}`).join("; ")
        }`,
      );
    }
  }
}

/** Watches the ages of the ordinary databases; returns the largest, and all that were read. */
async function watchAges(
  base: string,
  forMs: number,
): Promise<{ ages: number[]; last: Summary[] }> {
  const ages: number[] = [];
  let last: Summary[] = [];
  for (const until = performance.now() + forMs; performance.now() < until; await pause(500)) {
    last = await list(base);
    ages.push(
      ...last.filter(({ name }) => ordinary.includes(name)).map(({ age_ms }) => age_ms ?? Infinity),
    );
  }
  return { ages: ages.sort((a, b) => a - b), last };
}

interface Window {
  label: string;
  cpu: number;
  rss: number;
  server: ServerCost;
  before: ServerCost;
  ages: number[];
  seconds: number;
  last: Summary[];
}

async function measure(
  label: string,
  { base, pid, sql, postmaster }: { base: string; pid: number; sql: Sql; postmaster: number },
): Promise<Window> {
  const [began, before, cpu] = [
    performance.now(),
    await readServerCost(sql, postmaster),
    await cpuSeconds(pid) ?? NaN,
  ];
  const { ages, last } = await watchAges(base, seconds * 1_000);
  const used = (await cpuSeconds(pid) ?? NaN) - cpu;
  return {
    label,
    cpu: used,
    before,
    server: await readServerCost(sql, postmaster),
    rss: await rssBytes(pid),
    seconds: (performance.now() - began) / 1_000,
    ages,
    last,
  };
}

const at = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;

function report({ label, cpu, rss, server, before, ages, seconds: took }: Window): void {
  const each = (total: number) => total / took * windowSeconds / count;
  const sessions = Object.values(server.sessions).reduce((sum, one) => sum + one, 0);
  console.log(`\n${label}, ${count} databases, ${took.toFixed(0)} s`);
  console.log(`| figure | all | a database in ${windowSeconds} s |\n| --- | ---: | ---: |`);
  console.log(
    `| Holdfast, processor | ${(cpu / took * 100).toFixed(1)} % of one core | ${
      (each(cpu) * 1_000).toFixed(1)
    } ms |`,
  );
  console.log(`| Holdfast, resident | ${(rss / 2 ** 20).toFixed(0)} MB | |`);
  const serverCpu = server.cpuSeconds - before.cpuSeconds;
  console.log(
    `| server, processor | ${(serverCpu / took * 100).toFixed(1)} % of one core | ${
      (each(serverCpu) * 1_000).toFixed(1)
    } ms |`,
  );
  console.log(
    `| transactions | | ${each(server.transactions - before.transactions).toFixed(1)} |`,
  );
  console.log(
    `| WAL | | ${(each(server.walBytes - before.walBytes) / 1_024).toFixed(1)} kB |`,
  );
  console.log(`| connections | ${sessions} | ${(sessions / count).toFixed(2)} (at the end) |`);
  console.log(
    `| age of ordinary databases | p50 ${at(ages, 0.5).toFixed(0)}, p99 ${
      at(ages, 0.99).toFixed(0)
    }, largest ${at(ages, 1).toFixed(0)} ms | limit ${2 * tickMs} ms |`,
  );
  console.log(JSON.stringify(server.sessions));
}

const port = freePort();
const folder = await Deno.makeTempDir({ prefix: "holdfast-fleet-" });
await Deno.chmod(folder, 0o755);
const server = await startInstalledServer(bin, {
  port,
  settings: ["max_connections=3000", "shared_buffers=256MB", "autovacuum_max_workers=2"],
});
const link = startLink(port);
const sql = connect(server.target);
const url = server.target.kind === "url" ? server.target.url : "";
const postmaster = await postmasterOf(sql);
await createDatabases(sql, names);
const frozenUrl = withDatabase(url.replace(`:${port}/`, `:${link.port}/`), "frozen");
await Deno.writeTextFile(
  `${folder}/databases.json`,
  JSON.stringify({
    databases: names.map((name) => ({
      name,
      url: name === "frozen" ? frozenUrl : withDatabase(url, name),
    })),
  }),
);
const httpPort = freePort();
const began = performance.now();
const child = new Deno.Command(Deno.execPath(), {
  args: ["run", "-P=serve", "main.ts", "serve"],
  cwd: code,
  env: {
    HOLDFAST_DATABASES: `${folder}/databases.json`,
    HOLDFAST_DATA_DIR: `${folder}/data`,
    DATABASE_URL: withDatabase(url, "postgres"),
    PORT: String(httpPort),
    LOG_LEVEL: "error",
  },
  stdout: "null",
  stderr: "inherit",
}).spawn();
let lock: { release(): Promise<void> } | undefined;
const locker = connect({ kind: "url", url: withDatabase(url, "locked") });
try {
  const base = `http://127.0.0.1:${httpPort}`;
  await untilAllAnswered(base);
  console.log(`all ${count} stand after ${((performance.now() - began) / 1_000).toFixed(0)} s`);
  const started = await readServerCost(sql, postmaster);
  console.log(`connections then: ${JSON.stringify(started.sessions)}`);
  await pause(40_000);
  const parts = { base, pid: child.pid, sql, postmaster };
  report(await measure("all well", parts));
  // Dropping waits for a checkpoint; the locks come last, because their session may be idle for a bounded time only.
  await dropAndRestrict(sql);
  lock = await lockTables(locker);
  link.freeze();
  await pause(5_000);
  const troubled = await measure("five in trouble", parts);
  report(troubled);
  console.log("\nthe overview, worst first:");
  for (const { name, status, age_ms, reasons } of troubled.last.slice(0, 8)) {
    console.log(`- ${name}: ${status}, ${age_ms} ms, ${(reasons[0] ?? "").slice(0, 110)}`);
  }
  const scraped = performance.now();
  const metrics = await (await fetch(`${base}/metrics`)).text();
  console.log(
    `\n/metrics: ${metrics.split("\n").length} lines, ${
      (metrics.length / 2 ** 20).toFixed(2)
    } MB, ${(performance.now() - scraped).toFixed(0)} ms`,
  );
  const largest = at(troubled.ages, 1);
  if (!(largest < 2 * tickMs)) {
    console.log(`FAILED: an ordinary database was ${largest} ms old`);
    Deno.exitCode = 1;
  }
} catch (error) {
  // Written before the end is awaited, which may take as long as the databases in trouble.
  console.error(error);
  Deno.exitCode = 1;
} finally {
  await lock?.release();
  await locker.end({ timeout: 1 });
  child.kill("SIGTERM");
  await child.status;
  await sql.end({ timeout: 1 });
  await link.stop();
  await server.stop();
  await Deno.remove(folder, { recursive: true });
}
