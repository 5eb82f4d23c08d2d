/**
 * What memory and WAL a further idle database costs one Holdfast: the growth of the heap, of memory beside it and of the
 * resident size between a few databases and more, each after a collection of garbage, and the WAL of all over some minutes.
 * The figures do not depend on how busy the machine is.
 * `deno task bench:fleet:memory [databases] [WAL minutes] [--bin DIR] [--snapshot FILE]`
 */
import { parseArgs } from "node:util";
import v8 from "node:v8";
import { createHoldfasts } from "../../../app/fleet/holdfasts.ts";
import { readConfig } from "../../../config/config.ts";
import { connectSql } from "../../../db/connection.ts";
import { withDatabase } from "../../../config/databases.ts";
import { isDriversOwn } from "../../../db/errors.ts";
import { createLogger } from "../../../log.ts";
import { upgrade } from "../../../runtime/http/web_socket.ts";
import { startInstalledServer } from "../../installed_server.ts";
import { createDatabases } from "./troubles.ts";
import { reportWal } from "./wal.ts";

const { values, positionals } = parseArgs({
  args: Deno.args,
  options: {
    bin: { type: "string", default: "/usr/lib/postgresql/15/bin" },
    snapshot: { type: "string" },
  },
  allowPositionals: true,
});
const count = Number(positionals[0] ?? 20);
const minutes = Number(positionals[1] ?? 5);
const few = Math.min(3, count - 1);
const settleMs = 70_000;
const startsWithinMs = 1_800_000;
const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

interface Memory {
  databases: number;
  heap: number;
  external: number;
  resident: number;
}

async function readMemory(databases: number): Promise<Memory> {
  const { gc } = globalThis as { gc?: () => void };
  if (!gc) throw new Error("Cannot collect garbage: start with --v8-flags=--expose-gc");
  for (let round = 0; round < 3; round++) {
    gc();
    await pause(500);
  }
  const { heapUsed, external, rss } = Deno.memoryUsage();
  return { databases, heap: heapUsed, external, resident: rss };
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
globalThis.addEventListener("unhandledrejection", (event) => {
  if (isDriversOwn(event.reason)) event.preventDefault();
});
const list = `${folder}/databases.json`;
await Deno.writeTextFile(
  list,
  JSON.stringify({ databases: [{ name: "fleet", url, discover: { exclude: ["postgres"] } }] }),
);
const holdfast = await createHoldfasts({
  config: readConfig(
    { HOLDFAST_DATABASES: list, HOLDFAST_DATA_DIR: folder, DATABASE_URL: url, PORT: "0" },
    Deno.readTextFileSync,
  ),
  log: createLogger({ level: "error", write: (line) => console.error(line) }),
  upgrade,
  version: "0.0.0-study",
});
const answered = async (): Promise<number> => {
  const answer = await holdfast.handle(new Request("http://127.0.0.1/api/databases?limit=1000"));
  const { databases } = await answer.json() as { databases: { age_ms: number | null }[] };
  return databases.filter(({ age_ms }) => age_ms !== null).length;
};

/** Adds databases up to `total`, and waits until every one is watched and has had its second reading. */
async function growTo(total: number, from: number): Promise<Memory> {
  await createDatabases(sql, names(from, total));
  const until = performance.now() + startsWithinMs;
  while (await answered() < total + 1) {
    if (performance.now() > until) {
      throw new Error(`only ${await answered()} of ${total + 1} databases started in time`);
    }
    await pause(1_000);
  }
  await pause(settleMs);
  return await readMemory(total);
}

try {
  await holdfast.start();
  const small = await growTo(few, 0);
  if (values.snapshot) v8.writeHeapSnapshot(`${values.snapshot}.few`);
  const large = await growTo(count, few);
  if (values.snapshot) v8.writeHeapSnapshot(`${values.snapshot}.many`);
  console.log(`| memory | ${few} databases | ${count} | each further |\n| --- | ---: | ---: | ---: |`);
  for (const kind of ["heap", "external", "resident"] as const) {
    const each = (large[kind] - small[kind]) / (count - few);
    console.log(`| ${kind}, MiB | ${mib(small[kind])} | ${mib(large[kind])} | ${mib(each)} |`);
  }
  const sample = connect(name(0));
  await reportWal({ sql, sample, minutes, databases: count + 1, pause });
  await sample.end();
  const later = await readMemory(count);
  console.log(
    `\nheap after ${minutes} minutes more: ${mib(later.heap)} MiB, ${
      mib((later.heap - large.heap) / (count + 1) / minutes)
    } MiB a database and minute`,
  );
} finally {
  await holdfast.stop();
  await sql.end({ timeout: 1 });
  await server.stop();
  await Deno.remove(folder, { recursive: true });
}
