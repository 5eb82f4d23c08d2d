// Runs alone: its server starts with the import.
import assert from "node:assert/strict";
import postgres from "postgres";
import { createHoldfast } from "../../app/holdfast.ts";
import { readConfig } from "../../config/config.ts";
import { readEngine, whyNotEngine } from "../../db/server/engine.ts";
import { createLogger } from "../../log.ts";
import { upgrade } from "../../runtime/http/web_socket.ts";
import { startProcess } from "../helpers/process.ts";
import { imitateCitus } from "./imitation.ts";
import { startTcpServer } from "./tcp_server.ts";

const { url, sql, stop } = await startTcpServer();
Deno.test.afterAll(stop);

const plain = { engine: "postgres", version: null, node: null } as const;
const coordinator = { engine: "citus", version: "13.2-1", node: "coordinator" } as const;
const worker = { ...coordinator, node: "worker" } as const;

/** The reason for which a start ends; undefined when it does not end by itself. */
async function startWith(settings: Record<string, string>): Promise<string | undefined> {
  const dataDir = await Deno.makeTempDir({ prefix: "holdfast-engine-" });
  const holdfast = await createHoldfast({
    config: readConfig({
      HOLDFAST_DATA_DIR: dataDir,
      PORT: "0",
      DATABASE_URL: url,
      ...settings,
    }),
    log: createLogger({ level: "error", write: () => {} }),
    upgrade,
    version: "0.0.0-test",
  });
  try {
    return await holdfast.start(AbortSignal.timeout(20_000)).then(
      () => undefined,
      (error) => `${error.name}: ${error.message}`,
    );
  } finally {
    await holdfast.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
}

Deno.test("a worker is refused whatever is wanted; a setting that insists is refused elsewhere", () => {
  for (const wanted of ["auto", "postgres", "citus", "timescaledb"] as const) {
    assert.match(
      whyNotEngine(worker, wanted) ?? "",
      /^This server is a worker of Citus, .*: let DATABASE_URL name the coordinator$/,
    );
  }
  for (const facts of [plain, coordinator, { ...plain, engine: "timescaledb" } as const]) {
    assert.equal(whyNotEngine(facts, "auto"), undefined);
    for (const wanted of ["postgres", "citus", "timescaledb"] as const) {
      const reason = whyNotEngine(facts, wanted);
      if (facts.engine === wanted) assert.equal(reason, undefined);
      else {assert.match(
          reason ?? "",
          new RegExp(`^HOLDFAST_ENGINE is ${wanted}, and the database`),
        );}
    }
  }
  assert.equal(whyNotEngine({ ...coordinator, node: null }, "citus"), undefined);
});

Deno.test("plain Postgres is not refused, unless Citus is wanted", async () => {
  assert.deepEqual(await readEngine(sql), plain);
  assert.match(
    await startWith({ HOLDFAST_ENGINE: "citus" }) ?? "",
    /^StartError: HOLDFAST_ENGINE is citus, .* run create extension citus in this one/,
  );
  assert.equal((await sql`select to_regclass('holdfast.migrations') as it`)[0]?.it, null);
});

Deno.test("a worker of Citus ends the start and the doctor with one sentence, before anything is made", async () => {
  await imitateCitus(sql, { group: 2, nodes: [] });
  assert.deepEqual(await readEngine(sql), worker);
  assert.match(await startWith({}) ?? "", /^StartError: This server is a worker of Citus/);
  assert.equal((await sql`select to_regclass('holdfast.migrations') as it`)[0]?.it, null);
  const child = startProcess({ env: { DATABASE_URL: url }, args: ["doctor"] });
  assert.equal(await child.exited, 1);
  assert.match(child.output(), /✗ {2}This server is a worker of Citus/);
});

Deno.test("a role that may not read which node it is on is not refused", async () => {
  await sql`create role unseeing login`;
  await sql`revoke select on pg_catalog.pg_dist_local_group from public`;
  const other = postgres(url.replace("postgres@", "unseeing@"), { max: 1 });
  try {
    assert.deepEqual(await readEngine(other), { ...coordinator, node: null });
  } finally {
    await other.end();
  }
});

Deno.test("the coordinator is served, and the doctor says what it is", async () => {
  await sql`update pg_catalog.pg_dist_local_group set groupid = 0`;
  assert.deepEqual(await readEngine(sql), coordinator);
  assert.equal(await startWith({ HOLDFAST_ENGINE: "citus" }), undefined);
  const child = startProcess({ env: { DATABASE_URL: url }, args: ["doctor"] });
  await child.exited;
  assert.match(child.output(), /✓ {2}the server is the coordinator of Citus 13\.2-1/);
  assert.match(child.output(), /– {2}backups cover this server alone/);
});
