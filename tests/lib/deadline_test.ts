import assert from "node:assert/strict";
import { createPool } from "../../db/pool/pool.ts";
import { setDeadline } from "../../lib/deadline.ts";
import { startApp } from "../helpers/test_app.ts";

/** Spins, so that nothing else of this process runs. */
function hold(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

Deno.test("an answer that came while our own event loop was held is not late", async () => {
  const { promise, resolve } = Promise.withResolvers<string>();
  const server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = (async () => {
    const connection = await server.accept();
    await connection.write(Uint8Array.of(1));
    connection.close();
  })();
  const client = await Deno.connect({ hostname: "127.0.0.1", port: server.addr.port });
  await served; // the byte waits to be read
  const cancel = setDeadline(200, () => resolve("expired"));
  hold(600); // and the deadline passes
  void client.read(new Uint8Array(1)).then(() => resolve("answered"));
  try {
    assert.equal(await promise, "answered");
  } finally {
    cancel();
    client.close();
    server.close();
  }
});

Deno.test("without an answer a deadline expires, once, held or not; cancelled it never does", async () => {
  let expired = 0;
  await new Promise<void>((resolve) => {
    setDeadline(10, () => {
      expired++;
      resolve();
    });
    hold(200);
  });
  const cancel = setDeadline(1, () => expired++);
  cancel();
  await new Promise((done) => setTimeout(done, 20)); // longer than that deadline
  assert.equal(expired, 1);
});

Deno.test("a question answered while our own process was held is answered, not an outage", async () => {
  const app = await startApp();
  const pool = createPool({
    target: app.holdfast.target,
    pooler: { pooled: false },
    max: 1,
    waitingMax: 1,
    applicationName: "test",
    statementTimeoutMs: 5_000,
    lockTimeoutMs: 1_000,
  });
  try {
    await pool.run((sql) => sql`select 1`);
    const asked = pool.run(async (sql) => {
      const answer = sql`select 1 as one`.execute();
      await new Promise((done) => setTimeout(done, 0)); // it is sent
      hold(600);
      return await answer;
    }, { deadlineMs: 300 });
    assert.equal((await asked)[0]?.one, 1);
  } finally {
    await pool.end();
    await app.stop();
  }
});
