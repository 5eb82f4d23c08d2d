import assert from "node:assert/strict";
import { codeOf } from "../../db/errors.ts";
import { createPool } from "../../db/pool/pool.ts";
import { tryWriting } from "../../db/server/write_state.ts";
import { startBouncer } from "../helpers/bouncer.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { debianPostgres, pgbouncer, testWith } from "../helpers/skip.ts";

const needs = {
  what: `${pgbouncer.what} and ${debianPostgres.what}`,
  present: pgbouncer.present && debianPostgres.present,
};

async function assertServes(app: TestApp): Promise<void> {
  await eventually(
    async () => (await app.json<{ status: string }>("/api/health/ready")).status === "ready",
    "ready",
  );
  const body = Array.from({ length: 3_000 }, (_, n) => ({
    ts: new Date(Date.now() - n).toISOString(),
    symbol: `S${n % 3}`,
    price: n,
    size: 1,
  }));
  const answers = await Promise.all([0, 1, 2, 3].map(async (n) => {
    const answer = await app.post("/api/ticks?create=true", body, {
      "idempotency-key": `key-${n % 2}`,
    });
    return await answer.json();
  }));
  assert.deepEqual(answers.map(({ accepted }) => accepted), [3_000, 3_000, 3_000, 3_000]);
  assert.equal(answers.filter(({ replayed }) => replayed).length, 2);
  const reads = await Promise.all(
    Array.from(
      { length: 40 },
      () => app.json<{ ticks: unknown[] }>("/api/ticks?symbol=S1&limit=10"),
    ),
  );
  for (const { ticks } of reads) assert.equal(ticks.length, 10);
  // A busy machine may hold up the event loop for a moment, which degrades it.
  await eventually(async () => {
    const health = await app.json<{ status: string }>("/api/health");
    if (health.status !== "healthy") throw new Error(JSON.stringify(health));
    return true;
  }, "it is healthy");
}

testWith(
  needs,
  "behind PgBouncer in transaction mode Holdfast notices, and serves as ever",
  async () => {
    const server = await createDebianServer();
    await server.start();
    try {
      // One refuses our settings at the connection, the other swallows them and must be named.
      const refusing = await startBouncer(server);
      const app = await startApp({ DATABASE_URL: refusing.url });
      await assertServes(app);
      await app.stop();
      await refusing.stop();

      const swallowing = await startBouncer(server, {
        settings:
          "ignore_startup_parameters=statement_timeout,lock_timeout,idle_in_transaction_session_timeout\n",
      });
      const told = await startApp({
        DATABASE_URL: swallowing.url,
        HOLDFAST_POOLER: "transaction",
      });
      await eventually(
        async () => (await told.json<{ status: string }>("/api/health/ready")).status === "ready",
        "ready",
      );
      const read = await told.json<{ ticks: unknown[] }>("/api/ticks?symbol=S1&limit=10");
      assert.equal(read.ticks.length, 10);
      await told.stop();
      await swallowing.stop();
    } finally {
      await server.remove();
    }
  },
);

testWith(
  needs,
  "a trial write leaves nothing behind PgBouncer in transaction mode, and can be made again",
  async () => {
    const server = await createDebianServer();
    await server.start();
    const bouncer = await startBouncer(server);
    const pool = createPool({
      target: { kind: "url", url: bouncer.url },
      pooler: { pooled: true },
      max: 1,
      waitingMax: 1,
      applicationName: "test",
      statementTimeoutMs: 5_000,
      lockTimeoutMs: 1_000,
    });
    const left = async () =>
      (await pool.run((sql) => sql`select to_regclass('holdfast.write_trial')::text as trial`))[0]
        ?.trial;
    try {
      await pool.run((sql) => sql`create schema holdfast`);
      await pool.run(tryWriting);
      assert.equal(await left(), null);
      // What an earlier version has left is no obstacle.
      await pool.run((sql) => sql`create table holdfast.write_trial (filler text)`);
      await pool.run(tryWriting);
      assert.equal(await left(), null);
      await pool.run((sql) => sql`drop schema holdfast`);
      await assert.rejects(pool.run(tryWriting), (error) => codeOf(error) === "3F000");
    } finally {
      await pool.end();
      await bouncer.stop();
      await server.remove();
    }
  },
);
