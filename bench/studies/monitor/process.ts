/**
 * Measures the processor time of the Holdfast process with a large catalogue: while it monitors, and while it also answers
 * health requests.
 * `deno task bench:process [leaves] [seconds] [--code DIR]` runs main.ts of this checkout, or of the one in DIR to compare.
 */
import { parseArgs } from "node:util";
import { readConfig } from "../../../config/config.ts";
import { connectSql, type Target } from "../../../db/connection.ts";
import { migrate } from "../../../db/migrate.ts";
import { migrations } from "../../../db/migrations/list.ts";
import { openPools } from "../../../db/pool/open.ts";
import { cpuSeconds } from "../../process_time.ts";
import { startTempServer, urlOf } from "../../temp_server.ts";
import { fillCatalogue } from "./database.ts";

const { values, positionals } = parseArgs({
  args: Deno.args,
  options: { code: { type: "string" } },
  allowPositionals: true,
});
const leaves = Number(positionals[0] ?? 5_001);
const seconds = Number(positionals[1] ?? 60);
const perSecond = 50;
const code = values.code ?? new URL("../../../", import.meta.url).pathname;
const startsWithinMs = 120_000;

/** Sends `perSecond` requests per second, each when it is due; returns their times in milliseconds. */
async function requests(url: string, forMs: number): Promise<number[]> {
  const started = performance.now();
  const running: Promise<number>[] = [];
  for (let sent = 0; sent < forMs / 1000 * perSecond; sent++) {
    const due = started + sent * 1000 / perSecond;
    await new Promise((done) => setTimeout(done, Math.max(0, due - performance.now())));
    running.push((async () => {
      const response = await fetch(url);
      await response.body?.cancel();
      return performance.now() - due;
    })());
  }
  return await Promise.all(running);
}

const quantile = (sorted: readonly number[], at: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? NaN;

async function prepare(target: Target): Promise<void> {
  const pools = openPools(target, { pooled: false }, readConfig({}));
  await pools.maintenance.run((sql) => migrate(sql, migrations), { deadlineMs: 60_000 });
  await Promise.all(Object.values(pools).map((pool) => pool.end()));
  const sql = connectSql({
    target,
    max: 1,
    applicationName: "bench",
    statementTimeoutMs: 600_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });
  await fillCatalogue(sql, leaves);
  await sql.end();
}

const server = await startTempServer();
console.log(`making ${leaves} partitions …`);
await prepare(server.target);
const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const { port } = listener.addr;
listener.close();
const child = new Deno.Command(Deno.execPath(), {
  args: ["run", "-P=serve", "main.ts", "serve"],
  cwd: code,
  env: {
    DATABASE_URL: urlOf(server.target),
    PORT: String(port),
    LOG_LEVEL: "error",
  },
  stdout: "null",
  stderr: "inherit",
}).spawn();
try {
  const base = `http://127.0.0.1:${port}`;
  const until = performance.now() + startsWithinMs;
  for (;;) {
    const ready = await fetch(`${base}/api/health/ready`).then(async (response) => {
      await response.body?.cancel();
      return response.ok;
    }).catch(() => false);
    if (ready) break;
    if (performance.now() > until) throw new Error("Holdfast is not ready within two minutes");
    await new Promise((done) => setTimeout(done, 500));
  }
  // The first cycles read every bound and size.
  await new Promise((done) => setTimeout(done, 40_000));
  const rows: string[] = [];
  for (const path of [undefined, "/api/health", "/api/health/database", "/api/health/ready"]) {
    const [cpu, began] = [await cpuSeconds(child.pid) ?? NaN, performance.now()];
    const times = path === undefined ? [] : await requests(base + path, seconds * 1000);
    if (path === undefined) await new Promise((done) => setTimeout(done, seconds * 1000));
    const used = (await cpuSeconds(child.pid) ?? NaN) - cpu;
    const share = used / (performance.now() - began) * 1000;
    times.sort((a, b) => a - b);
    const took = (at: number) => times.length === 0 ? "–" : quantile(times, at).toFixed(1);
    rows.push(
      `| ${path === undefined ? "watching alone" : `and ${perSecond} GET ${path} a second`} | ${
        (share * 100).toFixed(1)
      } % | ${times.length === 0 ? "–" : (used / times.length * 1000).toFixed(1)} | ${
        took(0.5)
      } | ${took(0.99)} |`,
    );
  }
  console.log(
    `\n${leaves} partitions, ${seconds} s each; load average ${
      Deno.loadavg().map((load) => load.toFixed(1)).join(" ")
    }\n`,
  );
  console.log("| | of one core | processor ms a request | p50 ms | p99 ms |");
  console.log("| --- | --- | --- | --- | --- |");
  console.log(rows.join("\n"));
} finally {
  child.kill("SIGTERM");
  await child.status;
  await server.stop();
}
