import assert from "node:assert/strict";
import { eventually, within } from "../helpers/eventually.ts";
import { assertGone, countTicks, createFleet, storeTick } from "../helpers/fleet.ts";
import { freePort, postmastersOf } from "../helpers/process.ts";

const { start, newFolder, newDataDir, clear } = createFleet();

Deno.test.afterAll(clear);

Deno.test("Ctrl-C ends Holdfast with 0, leaves no server and no lock; the next start has the data", async () => {
  const dir = await newFolder();
  const first = start(dir);
  await first.ready();
  assert.equal(first.logged("embedded_postgres_ready")[0]?.how, "started");
  assert.equal((await postmastersOf(dir)).length, 1);
  await storeTick(first.url);
  first.interrupt();
  assert.equal(await first.exited, 0, first.errors());
  await assertGone(dir);

  await within(5_000, "a second start", async () => {
    const began = performance.now();
    const second = start(dir);
    await second.ready();
    const took = performance.now() - began;
    assert.equal(await countTicks(second.url), 1);
    second.kill("SIGTERM");
    assert.equal(await second.exited, 0, second.errors());
    await assertGone(dir);
    return took;
  });
});

Deno.test("a start after kill -9 adopts the server left running, with all data there", async () => {
  const dir = await newDataDir();
  const killed = start(dir);
  await killed.ready();
  await storeTick(killed.url);
  killed.kill("SIGKILL");
  await killed.exited;
  const orphan = await postmastersOf(dir);
  assert.equal(orphan.length, 1, "the server outlives a killed Holdfast");

  const next = start(dir);
  await next.ready();
  assert.equal(next.logged("embedded_postgres_ready")[0]?.how, "adopted");
  assert.deepEqual(await postmastersOf(dir), orphan);
  assert.equal(await countTicks(next.url), 1);

  await storeTick(next.url);
  next.kill("SIGKILL");
  await next.exited;
  for (const { pid } of orphan) Deno.kill(pid, "SIGKILL");
  const last = start(dir);
  await last.ready();
  assert.equal(last.logged("embedded_postgres_ready")[0]?.how, "started");
  assert.equal(await countTicks(last.url), 2, "also when the server was killed too");
  last.interrupt();
  assert.equal(await last.exited, 0);
  await assertGone(dir);
});

Deno.test("one process at a time: data directory and port are each refused in one clear line", async (t) => {
  const dir = await newDataDir();
  const holder = start(dir);
  await holder.ready();

  await t.step("a second Holdfast on the data directory", async () => {
    const second = start(dir);
    assert.equal(await second.exited, 1);
    assert.match(
      second.errors(),
      new RegExp(
        `^Cannot start: Another Holdfast uses ${dir} \\(process ${holder.pid}, .*\\); .*\\n$`,
      ),
    );
  });
  await t.step("a port that is taken", async () => {
    const other = await newFolder();
    const port = new URL(holder.url).port;
    const second = start(other, { PORT: port });
    assert.equal(await second.exited, 1);
    assert.match(
      second.errors(),
      new RegExp(
        `^Cannot start: Cannot listen on 127\\.0\\.0\\.1:${port} .*choose another PORT\\n$`,
      ),
    );
    assert.deepEqual(await postmastersOf(other), []);
  });
  await t.step("and the first one is not disturbed", async () => {
    await storeTick(holder.url);
    holder.interrupt();
    assert.equal(await holder.exited, 0);
  });
});

Deno.test("a server killed with -9 is reported at once and brought back with its data", async () => {
  const dir = await newDataDir();
  const app = start(dir);
  await app.ready();
  await storeTick(app.url);
  for (const { pid } of await postmastersOf(dir)) Deno.kill(pid, "SIGKILL");

  const seen: { status: number; age: number }[] = [];
  await eventually(
    async () => {
      const asked = performance.now();
      const answer = await fetch(`${app.url}/api/health`);
      const body = await answer.json();
      assert.ok(performance.now() - asked < 1_000, "health answers within a second");
      seen.push({ status: answer.status, age: body.age_ms });
      return app.logged("embedded_postgres_restarted").length > 0 && answer.status === 200;
    },
    "the server is brought back",
    30_000,
  );
  assert.ok(seen.some(({ status }) => status === 503), "meanwhile it is unhealthy");
  const away = seen.filter(({ status }) => status === 503).map(({ age }) => age);
  assert.deepEqual(away, away.toSorted((a, b) => a - b), "what it says grows older");
  await eventually(async () => (await countTicks(app.url)) === 1, "the tick is still there");
  await eventually(async () => {
    await storeTick(app.url);
    return true;
  }, "ticks are taken again");
  app.interrupt();
  assert.equal(await app.exited, 0);
  await assertGone(dir);
});

Deno.test("Ctrl-C ends a Holdfast that still waits for a database that is away", async () => {
  const url = `postgres://postgres@127.0.0.1:${freePort()}/none`;
  const app = start(await newFolder(), { DATABASE_URL: url });
  await eventually(() => app.logged("database_not_ready").length > 0, "it notices");
  const health = await fetch(`${app.url}/api/health/ready`);
  assert.equal(health.status, 503);
  assert.equal((await health.json()).status, "starting");
  app.interrupt();
  assert.equal(await app.exited, 0, app.errors());
});

Deno.test("a first start that is cut short, by Ctrl-C or kill -9, is simply begun again", async () => {
  for (const end of ["interrupt", "kill"]) {
    const dir = await newFolder();
    const cut = start(dir);
    await eventually(
      () => cut.logged("embedded_postgres_initialising").length > 0,
      "initdb has begun",
    );
    if (end === "interrupt") cut.interrupt();
    else cut.kill("SIGKILL");
    assert.equal(await cut.exited, end === "interrupt" ? 0 : 137, cut.errors());

    const app = start(dir);
    await app.ready();
    await storeTick(app.url);
    const left = [...Deno.readDirSync(dir)].map(({ name }) => name).sort();
    assert.deepEqual(left, ["holdfast.lock", "pgpass", "postgres", "postgres.log", "socket"]);
    app.interrupt();
    assert.equal(await app.exited, 0);
    await assertGone(dir);
  }
});
