import assert from "node:assert/strict";
import { eventually, within } from "../helpers/eventually.ts";
import { assertGone, countTicks, createFleet, storeTick } from "../helpers/fleet.ts";
import { awaitProgress, batchRows, connectTo, startLoad } from "../helpers/load.ts";
import { freePort, freeze, postmastersOf, type ServeProcess } from "../helpers/process.ts";
import { testWith } from "../helpers/skip.ts";
import { openTerminal, terminal } from "../helpers/terminal.ts";
import { createEmbeddedServer } from "../../db/embedded/server.ts";
import { createLogger } from "../../log.ts";

const { start, newFolder, newDataDir, clear } = createFleet();
const silent = createLogger({ level: "error", write: () => {} });
const root = new URL("../..", import.meta.url).pathname;
/** A stop under load, with an upload that never ends or with a frozen server takes less. */
const stopMs = 5_000;

Deno.test.afterAll(clear);

async function startReady(): Promise<{ dir: string; app: ServeProcess }> {
  const dir = await newDataDir();
  const app = start(dir);
  await app.ready();
  return { dir, app };
}

/** Stops it by a signal, asserts that it ended with 0 and with nothing left, and answers how long it took; milliseconds. */
async function assertStops(app: ServeProcess, dir: string, signal: Deno.Signal): Promise<number> {
  const began = performance.now();
  app.kill(signal);
  assert.equal(await app.exited, 0, app.errors());
  const took = performance.now() - began;
  await assertGone(dir);
  return took;
}

const isAlive = async (pid: number) => {
  const { stdout } = await new Deno.Command("ps", { args: ["-o", "stat=", "-p", String(pid)] })
    .output();
  const state = new TextDecoder().decode(stdout).trim();
  return state !== "" && !state.startsWith("Z");
};

async function assertDead(pids: number[]): Promise<void> {
  await eventually(
    async () => !(await Promise.all(pids.map(isAlive))).includes(true),
    "no process of the server is left",
    3_000,
  );
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.test(`${signal} stops in order while uploads come in, and what was acknowledged is there`, async () => {
    await within(stopMs, "a stop under load", async () => {
      const { dir, app } = await startReady();
      const load = startLoad(() => app.url);
      await awaitProgress(load);
      const took = await assertStops(app, dir, signal).finally(() => load.abandon());
      // That Holdfast starts again is shown below: here its server is enough.
      const server = await createEmbeddedServer({ dataDir: dir, log: silent });
      await server.start();
      const sql = connectTo(dir);
      // What was not acknowledged may be there too: its answer was cut off.
      const batches = await sql<{ key: string; rows: number; once: number }[]>`
        select
          substring(trade_id from '^[0-9]+-[0-9]+') as key,
          count(*)::int as rows,
          count(distinct trade_id)::int as once
        from market.ticks
        group by 1`;
      await sql.end();
      await server.stop();
      const stored = new Set(batches.map(({ key }) => key));
      assert.deepEqual([...load.acknowledged].filter((key) => !stored.has(key)), []);
      for (const batch of batches) {
        assert.deepEqual([batch.rows, batch.once], [batchRows, batchRows], batch.key);
      }
      return took;
    });
  });
}

Deno.test("an upload that never ends holds up no stop", async () => {
  await within(stopMs, "a stop amid an upload", async () => {
    const { dir, app } = await startReady();
    const { port } = new URL(app.url);
    const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
    const send = (text: string) => connection.write(new TextEncoder().encode(text));
    await send(
      "POST /api/ticks?create=true HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    const row = '{"ts":"2026-01-05T10:00:00Z","symbol":"SPY","price":1,"size":1}\n';
    const chunk = `${row.length.toString(16)}\r\n${row}\r\n`;
    let sent = 0;
    const timer = setInterval(() => void send(chunk).then(() => sent++, () => {}), 20);
    let took: number;
    try {
      await eventually(() => sent > 20, "it is under way");
      took = await assertStops(app, dir, "SIGTERM");
    } finally {
      clearInterval(timer);
      connection.close();
    }
    return took;
  });
});

Deno.test("a frozen server holds up no stop and is not left, and its data is there at the next start", async () => {
  await within(stopMs, "a stop beside a frozen server", async () => {
    const { dir, app } = await startReady();
    await storeTick(app.url);
    const frozen = await freeze(dir);
    const began = performance.now();
    app.kill("SIGTERM");
    assert.equal(await app.exited, 0, app.errors());
    const took = performance.now() - began;
    await assertDead(frozen);
    assert.equal(app.logged("embedded_postgres_killed").length, 1);
    const again = start(dir);
    await again.ready();
    assert.equal(await countTicks(again.url), 1);
    const tookAgain = await assertStops(again, dir, "SIGTERM");
    return Math.max(took, tookAgain);
  });
});

Deno.test("a second signal a second later ends with 130, and the server is stopped all the same", async () => {
  await within(2_000, "an end at once", async () => {
    const { dir, app } = await startReady();
    await storeTick(app.url);
    // Without its server Holdfast is not done within a second.
    const frozen = await freeze(dir);
    app.kill("SIGINT");
    // A second is counted from when it has heard the first.
    await eventually(() => app.logged("stopping").length > 0, "it has heard the first");
    await new Promise((done) => setTimeout(done, 1_200));
    const began = performance.now();
    app.kill("SIGINT");
    const code = await app.exited;
    const took = performance.now() - began;
    await assertDead(frozen);
    // On a busy machine it may have been done before the second signal: another try.
    if (code === 0) return Infinity;
    assert.equal(code, 130, app.errors());
    const again = start(dir);
    await again.ready();
    assert.equal(await countTicks(again.url), 1);
    await assertStops(again, dir, "SIGINT");
    return took;
  });
});

Deno.test("a frozen server that a killed Holdfast left is not adopted, but brought back", async () => {
  await within(stopMs, "a stop after it was brought back", async () => {
    const { dir, app } = await startReady();
    await storeTick(app.url);
    app.kill("SIGKILL");
    await app.exited;
    const frozen = await freeze(dir);
    const again = start(dir);
    await again.ready();
    assert.equal(again.logged("embedded_postgres_ready")[0]?.how, "started");
    assert.equal(await countTicks(again.url), 1);
    await assertDead(frozen);
    const took = await assertStops(again, dir, "SIGTERM");
    return took;
  });
});

Deno.test("a second signal while the server is being made or started leaves none", async () => {
  for (const event of ["listening", "embedded_postgres_initialising"]) {
    const dir = await newFolder();
    const app = start(dir);
    await eventually(() => app.logged(event).length > 0, event);
    app.kill("SIGINT");
    await new Promise((done) => setTimeout(done, 1_050));
    try {
      app.kill("SIGINT");
    } catch {
      // it has stopped in order already
    }
    assert.ok([0, 130].includes(await app.exited), app.errors());
    // What initdb or pg_ctl was at ends by itself, as fast as the machine lets it, and nothing serves.
    await eventually(async () => (await postmastersOf(dir)).length === 0, "no server is left");
  }
});

async function serveInTerminal() {
  const dir = await newDataDir();
  const port = String(freePort());
  const env = { HOLDFAST_DATA_DIR: dir, PORT: port };
  const screen = openTerminal("deno task serve", { cwd: root, env });
  await eventually(
    async () => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/health/ready`);
      await answer.body?.cancel();
      return answer.status === 200;
    },
    "it is ready",
    90_000,
  );
  return { dir, screen, url: `http://127.0.0.1:${port}` };
}

testWith(
  terminal,
  "one Ctrl-C in a terminal stops deno task serve in order, and says so",
  async () => {
    const { dir, screen, url } = await serveInTerminal();
    await storeTick(url);
    await screen.type("\x03");
    await screen.exited;
    assert.match(screen.shown(), /stopping; press Ctrl-C again to end now/);
    assert.match(screen.shown(), / INFO +stopped/);
    await assertGone(dir);
  },
);

testWith(terminal, "a second Ctrl-C in a terminal ends at once, and leaves no server", async () => {
  const { dir, screen } = await serveInTerminal();
  const frozen = await freeze(dir);
  await screen.type("\x03");
  await eventually(() => screen.shown().includes("press Ctrl-C again"), "it says what to do");
  await new Promise((done) => setTimeout(done, 1_200));
  await screen.type("\x03");
  await screen.exited;
  assert.match(screen.shown(), / WARN +ending_at_once/);
  await assertDead(frozen);
});

testWith(terminal, "a terminal that is closed stops deno task serve in order", async () => {
  const { dir, screen, url } = await serveInTerminal();
  await storeTick(url);
  screen.close();
  await screen.exited;
  await eventually(async () => (await postmastersOf(dir)).length === 0, "its server ends", 10_000);
  await eventually(
    async () => await Deno.readTextFile(`${dir}/holdfast.lock`) === "",
    "the lock is released",
    10_000,
  );
  await assertGone(dir);
});
