/**
 * What memory and WAL a further idle database costs one Holdfast: the growth of the heap, of memory beside it and of the
 * resident size between a few databases and more, each after a collection of garbage, and the WAL of all over some minutes.
 * The heap and the bytes of each record do not depend on how busy the machine is.
 * `deno task bench:fleet:memory [databases] [WAL minutes] [--bin DIR] [--code DIR]`
 */
import { parseArgs } from "node:util";
import { withDatabase } from "../../../config/databases.ts";
import { connectSql } from "../../../db/connection.ts";
import { startInstalledServer } from "../../installed_server.ts";
import { createDatabases } from "./troubles.ts";
import { reportWal } from "./wal.ts";

const { values, positionals } = parseArgs({
  args: Deno.args,
  options: {
    bin: { type: "string", default: "/usr/lib/postgresql/15/bin" },
    code: { type: "string", default: new URL("../../../", import.meta.url).pathname },
  },
  allowPositionals: true,
});
const count = Number(positionals[0] ?? 20);
const minutes = Number(positionals[1] ?? 5);
const few = Math.min(3, count - 1);
const settleMs = 70_000;
const startsWithinMs = 1_800_000;
/** Those of `deno task serve`, and the means to collect. */
const v8Flags =
  "--expose-gc,--no-allocation-site-pretenuring,--max-semi-space-size=32,--heap-growing-percent=50";
const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

interface Memory {
  heap: number;
  external: number;
  resident: number;
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

const name = (at: number) => `db${String(at).padStart(3, "0")}`;
const names = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => name(from + at));
const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(2);

const folder = await Deno.makeTempDir({ prefix: "holdfast-fleet-" });
await Deno.chmod(folder, 0o755);
const server = await startInstalledServer(values.bin, {
  port: freePort(),
  settings: ["max_connections=3000", "shared_buffers=256MB", "autovacuum_max_workers=2"],
});
if (server.target.kind !== "url") throw new Error("Cannot list the databases: no address");
const { url } = server.target;
const connect = (database: string) =>
  connectSql({
    target: { kind: "url", url: withDatabase(url, database) },
    max: 1,
    applicationName: "study",
    statementTimeoutMs: 1_800_000,
    connectTimeoutMs: 120_000,
    lockTimeoutMs: 60_000,
    pooled: false,
  });
const sql = connect("postgres");
const list = `${folder}/databases.json`;
await Deno.writeTextFile(
  list,
  JSON.stringify({ databases: [{ name: "fleet", url, discover: { exclude: ["postgres"] } }] }),
);
const port = freePort();
const child = new Deno.Command(Deno.execPath(), {
  args: [
    "run",
    "-A",
    "--no-check",
    `--config=${values.code}/deno.json`,
    `--v8-flags=${v8Flags}`,
    new URL("collected.ts", import.meta.url).pathname,
    values.code,
  ],
  cwd: values.code,
  env: {
    HOLDFAST_DATABASES: list,
    HOLDFAST_DATA_DIR: folder,
    DATABASE_URL: url,
    PORT: String(port),
    LOG_LEVEL: "error",
  },
  stdin: "piped",
  stdout: "piped",
  stderr: "inherit",
}).spawn();
const asking = child.stdin.getWriter();
const answers = child.stdout.pipeThrough(new TextDecoderStream()).getReader();

async function readMemory(): Promise<Memory> {
  await asking.write(new TextEncoder().encode("\n"));
  for (let text = "";;) {
    const { value, done } = await answers.read();
    if (done) throw new Error("Cannot read the memory in use: Holdfast has ended");
    text += value;
    // Holdfast's log is on the same stream.
    const line = /^\{"memory":(\{.*\})\}$/m.exec(text);
    if (!line) continue;
    const { heapUsed, external, rss } = JSON.parse(line[1] ?? "") as Deno.MemoryUsage;
    return { heap: heapUsed, external, resident: rss };
  }
}

async function answered(): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${port}/api/databases?limit=1000`);
  const { databases } = await answer.json() as { databases: { age_ms: number | null }[] };
  return databases.filter(({ age_ms }) => age_ms !== null).length;
}

/** Adds databases up to `total`, and waits until every one is watched and has had its second reading. */
async function growTo(total: number, from: number): Promise<Memory> {
  await createDatabases(sql, names(from, total));
  const until = performance.now() + startsWithinMs;
  while (await answered().catch(() => 0) < total + 1) {
    if (performance.now() > until) throw new Error(`${total + 1} databases did not start in time`);
    await pause(1_000);
  }
  await pause(settleMs);
  return await readMemory();
}

try {
  const small = await growTo(few, 0);
  const large = await growTo(count, few);
  console.log(
    `| memory | ${few} databases | ${count} | each further |\n| --- | ---: | ---: | ---: |`,
  );
  for (const kind of ["heap", "external", "resident"] as const) {
    const each = (large[kind] - small[kind]) / (count - few);
    console.log(`| ${kind}, MiB | ${mib(small[kind])} | ${mib(large[kind])} | ${mib(each)} |`);
  }
  const sample = connect(name(0));
  await reportWal({ sql, sample, minutes, databases: count + 1, pause });
  await sample.end();
  const later = await readMemory();
  const grown = (later.heap - large.heap) / (count + 1) / minutes;
  console.log(
    `\nheap after ${minutes} minutes more: ${mib(later.heap)} MiB, ${
      mib(grown)
    } MiB a database and minute`,
  );
} finally {
  await asking.close().catch(() => {});
  await child.status;
  await sql.end({ timeout: 1 });
  await server.stop();
  await Deno.remove(folder, { recursive: true });
}
