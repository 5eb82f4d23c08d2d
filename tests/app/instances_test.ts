import assert from "node:assert/strict";
import { noteInstance } from "../../db/live/instances.ts";
import { recordsIn } from "../../db/records/records.ts";
import { createLogger } from "../../log.ts";
import { createInstances } from "../../services/live/instances.ts";
import type { WriteAccess } from "../../services/monitor/write_access/access.ts";
import { eventually, within } from "../helpers/eventually.ts";
import type { TestApp } from "../helpers/test_app.ts";
import { type SharedServer, startSharedServer } from "../helpers/pair.ts";
import { freePort, type ServeProcess, startProcess } from "../helpers/process.ts";

interface Listed {
  instances: {
    id: string;
    version: string;
    since: string;
    last_seen_at: string;
    alive: boolean;
    leads: string[];
  }[];
  complete: boolean;
  next_cursor: null;
}

let server: SharedServer;
Deno.test.beforeAll(async () => {
  server = await startSharedServer();
});
Deno.test.afterAll(() => server.stop());

const list = async (url: string): Promise<Listed> =>
  await (await fetch(`${url}/api/instances`)).json();
const leaders = async (url: string) =>
  (await list(url)).instances.filter(({ leads }) => leads.includes("alerts")).map(({ id }) => id);

Deno.test("everyone there is listed, the one that answers first, and one leads; a clean end hands over within a second", async () => {
  const one = await server.start("one");
  const two = await server.start("two");
  await eventually(async () => (await list(one.url)).instances.length === 2, "both are there");
  for (const [app, names] of [[one, ["one", "two"]], [two, ["two", "one"]]] as const) {
    const { instances, complete, next_cursor } = await list(app.url);
    assert.deepEqual(instances.map(({ id }) => id), names);
    assert.deepEqual([complete, next_cursor], [true, null]);
    for (const { version, alive, since, last_seen_at } of instances) {
      assert.equal(version, "0.0.0-test");
      assert.ok(alive);
      assert.ok(Date.parse(since) <= Date.parse(last_seen_at) + 1_000);
    }
  }
  await eventually(async () => (await leaders(two.url)).join() === "one", "the first leads");
  let leader = { name: "one", app: one };
  let next = { name: "two", app: two };
  let gone: string | undefined;
  await within(1_000, "the other leads", async () => {
    if (gone !== undefined) next = { name: gone, app: await server.start(gone) };
    const { name, app: { sql, url } } = next;
    await eventually(async () => (await leaders(url)).join() === leader.name, "one leads");
    const released = eventually(async () => {
      const [row] = await sql<{ free: boolean }[]>`
        select until < now() as free from holdfast.alert_lease where holder = ${leader.name}`;
      return row?.free !== false;
    }, "the lease is given back").then(() => performance.now());
    const led = eventually(async () => {
      const [row] = await sql<{ holder: string }[]>`select holder from holdfast.alert_lease`;
      return row?.holder === name;
    }, "the other leads").then(() => performance.now());
    await server.end(leader.app);
    const tookMs = await led - await released;
    assert.deepEqual((await list(url)).instances.map(({ id }) => id), [name]);
    assert.deepEqual(await leaders(url), [name]);
    gone = leader.name;
    leader = next;
    return tookMs;
  });
  await server.end(leader.app);
});

Deno.test("after a kill -9 of the leader another leads within ten seconds", async () => {
  const folder = await Deno.makeTempDir({ prefix: "holdfast-leader-" });
  let leader: ServeProcess | undefined;
  let other: TestApp | undefined;
  let url = "";
  const end = async () => {
    try {
      leader?.kill("SIGKILL");
    } catch {
      // it has ended
    }
    await leader?.exited;
    if (other) await server.end(other);
    other = undefined;
  };
  try {
    await within(10_000, "another leads", async () => {
      await end();
      const process = leader = startProcess({
        env: {
          DATABASE_URL: server.url,
          HOLDFAST_DATA_DIR: folder,
          HOLDFAST_INSTANCE: "leader",
          PORT: String(freePort()),
        },
      });
      await process.ready();
      await eventually(async () => (await leaders(process.url)).join() === "leader", "it leads");
      other = await server.start("other");
      url = other.url;
      await eventually(async () => (await list(url)).instances.length === 2, "both are there");
      process.kill("SIGKILL");
      const began = performance.now();
      await eventually(async () => (await leaders(url)).join() === "other", "it takes over");
      const took = performance.now() - began;
      console.error(`taken over after ${Math.round(took)} ms`);
      return took;
    });
    const gone = (await list(url)).instances.find(({ id }) => id === "leader");
    assert.ok(gone, "who is gone stays listed for a day");
    await eventually(
      async () => (await list(url)).instances.find(({ id }) => id === "leader")?.alive === false,
      "and shown as gone",
      20_000,
    );
  } finally {
    await end();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a heartbeat says whether another start of its name has written since", async () => {
  const app = await server.start("noted");
  const db = {
    run: async <T>(query: (own: ReturnType<typeof recordsIn>) => PromiseLike<T>) =>
      await query(recordsIn(app.sql)),
  };
  const began = performance.now();
  const beat = (upMs: number) =>
    noteInstance(db, { name: "same", version: "1", upMs: upMs + performance.now() - began });
  try {
    assert.equal(await beat(60_000), false, "the first of this name");
    assert.equal(await beat(60_000), false, "the same start");
    assert.equal(await beat(5_000), true, "a later start");
    assert.equal(await beat(60_000), true, "the earlier one goes on");
    assert.equal(await beat(60_000), false, "the later one does not");
  } finally {
    await server.end(app);
  }
});

Deno.test("a name that two running instances share is logged once; one left by an earlier start is not", async () => {
  const lines: string[] = [];
  const answers = [true, false, true, true, true, true, true];
  let canWrite = true;
  const instances = createInstances({
    db: { run: <T>() => Promise.resolve([{ replaced: answers.shift() }] as T) },
    name: "same",
    version: "1",
    access: { canWrite: () => canWrite, state: () => ({ schema: true }) } as WriteAccess,
    judges: () => true,
    clock: { now: () => new Date() },
    log: createLogger({ level: "error", write: (line) => lines.push(line) }),
  });
  const beat = async () => {
    canWrite = true;
    instances.start(); // its first heartbeat is sent at once
    canWrite = false; // an end that leaves the row
    await instances.stop();
  };
  for (let times = 0; times < 4; times++) await beat();
  assert.deepEqual(lines, []);
  for (let times = 0; times < 3; times++) await beat();
  assert.deepEqual(lines.map((line) => JSON.parse(line).event), ["instance_name_shared"]);
  assert.equal(answers.length, 0);
});
