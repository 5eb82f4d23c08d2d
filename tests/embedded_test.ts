import assert from "node:assert/strict";
import { eventually } from "./helpers/eventually.ts";
import { freePort, postmastersOf, type ServeProcess, startProcess } from "./helpers/process.ts";
import { testWith } from "./helpers/skip.ts";

const started: ServeProcess[] = [];
const folders: string[] = [];

function start(dir: string, env: Record<string, string> = {}) {
  const house = startProcess({
    env: {
      HOLDFAST_DATA_DIR: dir,
      PORT: String(freePort()),
      HOLDFAST_FAST_TIER_SECONDS: "1",
      ...env,
    },
  });
  started.push(house);
  return house;
}

async function newFolder(mode = 0o755): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-embedded-" });
  await Deno.chmod(folder, mode);
  folders.push(folder);
  return folder;
}

async function storeTick(url: string): Promise<void> {
  const answer = await fetch(`${url}/api/ticks?create=true`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify([
      { ts: new Date().toISOString(), symbol: "SPY", price: 170.5, size: 100, exchange: "P" },
    ]),
  });
  assert.deepEqual(await answer.json(), { accepted: 1, quarantined: 0, replayed: false });
}

async function countTicks(url: string): Promise<number> {
  return (await (await fetch(`${url}/api/ticks?symbol=SPY`)).json()).ticks.length;
}

async function assertGone(dir: string): Promise<void> {
  assert.deepEqual(await postmastersOf(dir), [], "no server is left");
  assert.equal(await Deno.readTextFile(`${dir}/holdfast.lock`), "", "the lock names nobody");
  await assert.rejects(Deno.stat(`${dir}/postgres/postmaster.pid`), Deno.errors.NotFound);
}

Deno.test.afterAll(async () => {
  for (const house of started) {
    try {
      house.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await house.exited;
  }
  for (const folder of folders) {
    for (const { pid } of await postmastersOf(folder)) Deno.kill(pid, "SIGQUIT");
    await eventually(async () => (await postmastersOf(folder)).length === 0, "servers end");
    await Deno.remove(folder, { recursive: true });
  }
});

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

  const second = start(dir);
  const began = performance.now();
  await second.ready();
  assert.ok(performance.now() - began < 5_000, "a second start takes under 5 s");
  assert.equal(await countTicks(second.url), 1);
  second.kill("SIGTERM");
  assert.equal(await second.exited, 0, second.errors());
  await assertGone(dir);
});

Deno.test("a start after kill -9 adopts the server left running, with all data there", async () => {
  const dir = await newFolder();
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
  const dir = await newFolder();
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
  const dir = await newFolder();
  const house = start(dir);
  await house.ready();
  await storeTick(house.url);
  for (const { pid } of await postmastersOf(dir)) Deno.kill(pid, "SIGKILL");

  const seen: { status: number; age: number }[] = [];
  await eventually(
    async () => {
      const asked = performance.now();
      const answer = await fetch(`${house.url}/api/health`);
      const body = await answer.json();
      assert.ok(performance.now() - asked < 1_000, "health answers within a second");
      seen.push({ status: answer.status, age: body.age_ms });
      return house.logged("embedded_postgres_restarted").length > 0 && answer.status === 200;
    },
    "the server is brought back",
    30_000,
  );
  assert.ok(seen.some(({ status }) => status === 503), "meanwhile it is unhealthy");
  const away = seen.filter(({ status }) => status === 503).map(({ age }) => age);
  assert.deepEqual(away, away.toSorted((a, b) => a - b), "what it says grows older");
  await eventually(async () => (await countTicks(house.url)) === 1, "the tick is still there");
  await eventually(async () => {
    await storeTick(house.url);
    return true;
  }, "ticks are taken again");
  house.interrupt();
  assert.equal(await house.exited, 0);
  await assertGone(dir);
});

const asRoot = { what: "root", present: Deno.uid() === 0 };

testWith(asRoot, "root may keep the data where no one else may enter", async () => {
  const closed = await newFolder(0o700);
  const dir = `${closed}/data`;
  const house = start(dir);
  await house.ready();
  const home = String(house.logged("embedded_postgres_ready")[0]?.directory).replace(
    /\/postgres$/,
    "",
  );
  assert.match(home, /^\/var\/lib\/holdfast\/[0-9a-f]{12}$/);
  folders.push(home);
  await storeTick(house.url);
  house.interrupt();
  assert.equal(await house.exited, 0);
  assert.deepEqual(await postmastersOf(home), []);

  await Deno.chmod(closed, 0o755);
  const opened = start(dir);
  await opened.ready();
  assert.equal(await countTicks(opened.url), 1, "also once the directory is opened");
  opened.interrupt();
  assert.equal(await opened.exited, 0);
});

testWith(asRoot, "an ordinary user starts a fresh copy of the project", async () => {
  const user = 12_345;
  const home = await newFolder();
  const project = `${home}/project`;
  const root = new URL("..", import.meta.url).pathname;
  await Deno.mkdir(project);
  const copy = await new Deno.Command("sh", {
    args: [
      "-c",
      `tar -C "$0" --exclude=.git --exclude=.holdfast -cf - . | tar -C "$1" -xf - && chown -R ${user} "$2"`,
      root,
      project,
      home,
    ],
  }).output();
  assert.equal(copy.code, 0, new TextDecoder().decode(copy.stderr));
  const house = startProcess({
    cwd: project,
    user,
    env: { HOME: home, DENO_DIR: `${home}/deno`, PORT: String(freePort()) },
  });
  started.push(house);
  await house.ready(120_000);
  const servers = await postmastersOf(`${project}/.holdfast`);
  assert.deepEqual(servers.map(({ uid }) => uid), [user]);
  await storeTick(house.url);
  house.interrupt();
  assert.equal(await house.exited, 0, house.errors());
  await assertGone(`${project}/.holdfast`);
});
