import assert from "node:assert/strict";
import postgres from "postgres";
import { refuseEngine } from "../../db/server/engine.ts";
import { createDebianServer, type DebianServer } from "../helpers/debian.ts";
import { eventually } from "../helpers/eventually.ts";
import { startProcess } from "../helpers/process.ts";
import { testWith } from "../helpers/skip.ts";
import { startApp } from "../helpers/test_app.ts";

const bin = Deno.env.get("HOLDFAST_TEST_CITUS_BIN");
/** With the variable set, a server that does not start is a failure and no reason to skip. */
const citus = {
  what: "HOLDFAST_TEST_CITUS_BIN, a directory of Postgres programs that have Citus",
  present: bin !== undefined,
};

interface Cluster extends AsyncDisposable {
  coordinator: DebianServer;
  workers: DebianServer[];
}

async function startCluster(): Promise<Cluster> {
  const settings = [
    "shared_preload_libraries=citus",
    "max_prepared_transactions=100",
    "wal_level=logical",
  ];
  const servers: DebianServer[] = [];
  const removeAll = async () => {
    for (const server of servers) await server.remove();
  };
  try {
    for (let at = 0; at < 3; at++) {
      const server = await createDebianServer({ bin: bin ?? "", settings });
      servers.push(server);
      await server.start();
      const sql = postgres(server.url, { max: 1, onnotice: () => {} });
      await sql`create extension citus`.finally(() => sql.end());
    }
    const [coordinator, ...workers] = servers;
    if (!coordinator) throw new Error("No server was started");
    const sql = postgres(coordinator.url, { max: 1, onnotice: () => {} });
    try {
      await sql`select citus_set_coordinator_host('127.0.0.1', ${coordinator.port}::int)`;
      for (const { port } of workers) await sql`select citus_add_node('127.0.0.1', ${port}::int)`;
    } finally {
      await sql.end();
    }
    return { coordinator, workers, [Symbol.asyncDispose]: removeAll };
  } catch (error) {
    await removeAll();
    throw error;
  }
}

async function distribute(url: string, ...args: string[]): Promise<string> {
  const child = startProcess({ env: { DATABASE_URL: url }, args: ["distribute", ...args] });
  assert.equal(await child.exited, 0, child.errors());
  return child.output();
}

testWith(citus, "a real cluster, from one server to three and back", async (context) => {
  await using cluster = await startCluster();
  const { coordinator, workers } = cluster;
  const { url } = coordinator;

  await context.step("a worker is refused", async () => {
    const sql = postgres(workers[0]?.url ?? "", { max: 1 });
    await assert.rejects(refuseEngine(sql, "auto"), /is a worker of Citus/)
      .finally(() => sql.end());
  });

  const app = await startApp({ DATABASE_URL: url, HOLDFAST_ENGINE: "citus" });
  let sent = 0;
  const rows = (count: number) =>
    Array.from({ length: count }, (_, at) => ({
      ts: new Date().toISOString(),
      symbol: `S${at % 40}`,
      price: 1 + at,
      size: 1,
    }));
  const upload = async (key: string) => {
    const answer = await app.post("/api/ticks?create=true", rows(400), { "idempotency-key": key });
    return {
      status: answer.status,
      retry: answer.headers.get("retry-after"),
      ...await answer.json(),
    };
  };
  const stored = async () => {
    const [row] = await app.sql`
      select
        (select count(*) from market.ticks)::int as ticks,
        (select sum(trades) from market.candles_1m)::int as trades`;
    return [row?.ticks, row?.trades];
  };
  const store = async (key: string) => {
    const answer = await upload(key);
    assert.equal(answer.status, 200, JSON.stringify(answer));
    if (!answer.replayed) sent += 400;
    assert.deepEqual(await stored(), [sent, sent]);
  };

  try {
    await store("local");
    await context.step(
      "the tables are distributed with their rows, and nothing is left to do",
      async () => {
        await distribute(url, "--apply");
        assert.deepEqual(await stored(), [sent, sent]);
        assert.match(await distribute(url), /nothing is to be done/);
        const placed = await app.sql`
        select logicalrelid::text as name from pg_dist_partition where partkey is not null`;
        assert.ok(placed.some(({ name }) => name === "market.candles_1m"));
        await store("distributed");
        await store("distributed");
      },
    );

    await context.step(
      "a worker that is away is a 503, and every row is there once it is back",
      async () => {
        await workers[0]?.stop();
        const answer = await upload("away");
        assert.deepEqual([answer.status, answer.code], [503, "database_unavailable"]);
        assert.ok(Number(answer.retry) > 0);
        await workers[0]?.start();
        await eventually(
          async () => (await upload("away")).status === 200,
          "the worker takes uploads again",
        );
        sent += 400;
        assert.deepEqual(await stored(), [sent, sent]);
      },
    );

    await context.step("the way back brings every row", async () => {
      await distribute(url, "--undo", "--apply");
      assert.deepEqual(await stored(), [sent, sent]);
      const [row] = await app.sql`
        select count(*)::int as n from pg_dist_partition where partkey is not null`;
      assert.equal(row?.n, 0);
      await store("back");
    });
  } finally {
    await app.stop();
  }
});
