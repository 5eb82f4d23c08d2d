import assert from "node:assert/strict";
import { createEventJournal } from "../../db/live/events.ts";
import { createPool } from "../../db/pool/pool.ts";
import { eventually, within } from "../helpers/eventually.ts";
import type { TestApp } from "../helpers/test_app.ts";
import { connectLive, type LiveClient, type LiveMessage } from "../helpers/live.ts";
import { type SharedServer, startSharedServer } from "../helpers/pair.ts";
import { type Proxy, startProxy } from "../helpers/proxy.ts";

let server: SharedServer;
let one: TestApp;
let two: TestApp;
let proxy: Proxy;

const calm = ["FOR_SECONDS", "KEEP_FIRING_SECONDS", "COOLDOWN_SECONDS"];
const watching = {
  HOLDFAST_FAST_TIER_SECONDS: "1",
  HOLDFAST_BROADCAST_SECONDS: "1",
  HOLDFAST_ALERTS_FLAP_FIRINGS: "0",
  HOLDFAST_ALERT_IDLE_IN_TRANSACTION_WARNING: "0.5",
  HOLDFAST_ALERT_IDLE_IN_TRANSACTION_CLEAR: "0.1",
  ...Object.fromEntries(calm.map((level) => [`HOLDFAST_ALERT_IDLE_IN_TRANSACTION_${level}`, "0"])),
};

Deno.test.beforeAll(async () => {
  server = await startSharedServer();
  proxy = startProxy(`${server.directory}/.s.PGSQL.5432`);
  one = await server.start("one", watching);
  two = await server.start("two", {
    ...watching,
    DATABASE_URL:
      `postgres://postgres:${server.password}@127.0.0.1:${proxy.port}/holdfast?sslmode=disable`,
  });
});
Deno.test.afterAll(async () => {
  await server.stop();
  await proxy.stop();
});

const tell = async (app: TestApp) => {
  const answer = await app.request("/api/alerts/channels/websocket/test", { method: "POST" });
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
};

const isTest = ({ type, data }: LiveMessage) =>
  type === "performance_alert" && data.change === "test";
const ids = (client: LiveClient) => client.messages.filter(isTest).map(({ id }) => id);

async function withClients(
  apps: TestApp[],
  work: (...clients: LiveClient[]) => Promise<void>,
): Promise<void> {
  const clients = await Promise.all(apps.map(({ url }) => connectLive(url)));
  try {
    for (const client of clients) await client.sees("hello", ({ type }) => type === "hello");
    await work(...clients);
  } finally {
    for (const client of clients) await client.close();
  }
}

Deno.test("an event of one Holdfast reaches the clients of both, once, in one order, with its maker's name", async () => {
  await withClients([one, two], async (atOne, atTwo) => {
    for (let n = 0; n < 10; n++) await tell(n % 2 ? one : two);
    await eventually(() => ids(atOne).length >= 10 && ids(atTwo).length >= 10, "all have all");
    assert.deepEqual(ids(atOne), ids(atTwo));
    assert.equal(new Set(ids(atOne)).size, 10);
    const makers = atTwo.messages.filter(isTest).map(({ instance }) => instance);
    assert.equal(makers.filter((name) => name === "one").length, 5);
    assert.equal(makers.filter((name) => name === "two").length, 5);
    const figures = await atTwo.sees("figures", ({ type }) => type === "database_performance");
    assert.equal(figures.instance, "two");
    assert.equal(figures.cursor, undefined);
  });
});

Deno.test("an event is there at once: sessions are called, not asked in turn", async () => {
  await withClients([two], async (atTwo) => {
    await within(700, "half of ten are there", async () => {
      const took: number[] = [];
      for (let n = 0; n < 10; n++) {
        const before = ids(atTwo).length;
        const began = performance.now();
        await tell(one);
        await eventually(() => ids(atTwo).length > before, "it is there");
        took.push(performance.now() - began);
      }
      return took.sort((a, b) => a - b)[5]!;
    });
  });
});

Deno.test("an alert, its acknowledgement, its silence and its end are told once at each, whoever judges", async () => {
  await withClients([one, two], async (atOne, atTwo) => {
    const session = await one.sql.reserve();
    await session`begin`;
    await session`select 1`;
    const isOurs = ({ type, data }: LiveMessage) =>
      type === "performance_alert" && data.rule === "idle_in_transaction";
    const fired = await atTwo.sees("it fires", isOurs, 30_000);
    const id = String(fired.data.id);
    const changes = (client: LiveClient) =>
      client.messages.filter(isOurs).map(({ data }) => data.change);
    await eventually(async () => {
      const { alerts } = await two.json<{ alerts: { id: string }[] }>("/api/alerts?state=firing");
      return alerts.some((alert) => alert.id === id);
    }, "the other shows it");
    for (const app of [one, two]) {
      const answer = await app.post(`/api/alerts/${id}/acknowledge`, { by: "somebody" });
      assert.equal(answer.status, 200);
      await answer.body?.cancel();
    }
    const silence = await two.post("/api/alerts/silences", {
      rule: "idle_in_transaction",
      reason: "a test",
      duration_seconds: 600,
    });
    assert.equal(silence.status, 201);
    const { id: silenceId } = await silence.json();
    const all = ["fired", "acknowledged", "silenced"];
    await eventually(() => changes(atOne).length >= 3 && changes(atTwo).length >= 3, "all came");
    const ended = await two.request(`/api/alerts/silences/${silenceId}`, { method: "DELETE" });
    assert.ok(ended.ok, await ended.text());
    await eventually(
      () => [atOne, atTwo].every((client) => changes(client).includes("unsilenced")),
      "it is told again",
    );
    await session`rollback`;
    session.release();
    await eventually(
      () => [atOne, atTwo].every((client) => changes(client).includes("resolved")),
      "it is over",
      30_000,
    );
    assert.deepEqual(changes(atOne), [...all, "unsilenced", "resolved"]);
    assert.deepEqual(changes(atTwo), changes(atOne));
  });
});

Deno.test("partitions that both see change are told once, by one of them", async () => {
  await withClients([one, two], async (atOne, atTwo) => {
    const told = (client: LiveClient) =>
      client.messages.filter(({ type, data }) =>
        type === "partition_status" && JSON.stringify(data).includes("app.watched")
      );
    await one.sql`create schema app`;
    await one.sql`
      create table app.watched (at timestamptz not null, n int) partition by range (at)`;
    const answer = await one.request("/api/partitions/policies/app.watched", {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ interval: "1 day", key: "timestamptz", premake: 2, retention: null }),
    });
    assert.ok(answer.ok, await answer.text());
    await eventually(() => told(atOne).length > 0 && told(atTwo).length > 0, "both say so", 30_000);
    // Another pair of looks by each.
    await one.holdfast.monitor.runNow("stats");
    await two.holdfast.monitor.runNow("stats");
    await one.holdfast.monitor.runNow("stats");
    // What one of them has told is under way to the clients of the other.
    const idsOf = (client: LiveClient) => told(client).map(({ id }) => id).join();
    await eventually(() => idsOf(atOne) === idsOf(atTwo), "both were told the same");
    const states = told(atOne).map(({ data }) => JSON.stringify([data.tables, data.conversions]));
    assert.equal(new Set(states).size, states.length, "nothing is told twice");
  });
});

Deno.test("a client goes on at another Holdfast: by the query at once, or by a frame, with nothing lost or twice", async () => {
  await withClients([one], async (atOne) => {
    await tell(one);
    await eventually(() => ids(atOne).length > 0, "the first");
    const { cursor } = atOne.messages.findLast(isTest)!;
    const { stream } = atOne.messages[0]!.data;
    for (let n = 0; n < 5; n++) await tell(n % 2 ? one : two);
    await eventually(() => ids(atOne).length >= 6, "five more");
    const missed = ids(atOne).slice(-5);
    const later = await connectLive(two.url, {}, `stream=${stream}&seq=1&cursor=${cursor}`);
    await eventually(() => ids(later).length >= 5, "they are replayed");
    await tell(one);
    await eventually(() => ids(later).length >= 6, "and it goes on");
    assert.deepEqual(ids(later).slice(0, 5), missed);
    assert.equal(later.messages[0]?.type, "hello");
    await later.close();

    const byFrame = await connectLive(two.url);
    const answered = byFrame.messages.length;
    byFrame.send({ action: "resume", cursor });
    await byFrame.ask({ action: "ping" }, "pong");
    const replayed = byFrame.messages.slice(answered).filter(isTest).map(({ id }) => id);
    assert.deepEqual(replayed.slice(0, 5), missed);
    await byFrame.close();
  });
});

Deno.test("where it cannot go on it is told so, and gets the latest of each type", async () => {
  for (const query of ["cursor=99999-0123abcd", `stream=${crypto.randomUUID()}&seq=3`]) {
    const client = await connectLive(two.url, {}, query);
    const refused = await client.sees("an answer", ({ type }) => type === "error", 20_000);
    assert.equal(refused.data.code, "cannot_resume");
    await client.sees("the tables", ({ type }) => type === "partition_status");
    await client.close();
  }
  for (const query of ["cursor=1", "seq=0x10&stream=a", "seq=-1"]) {
    const answer = await fetch(`${two.url}/ws?${query}`, {
      headers: { upgrade: "websocket", connection: "upgrade" },
    });
    assert.ok([400, 426].includes(answer.status), `${query}: ${answer.status}`);
    await answer.body?.cancel();
  }
});

Deno.test("cut off from the database, one tells its own clients at once, and the others when it is back", async () => {
  await withClients([one, two], async (atOne, atTwo) => {
    const seenBefore = ids(atOne).length;
    const known = ids(atTwo).length;
    proxy.leadTo(1);
    proxy.cut();
    let told = 0;
    await within(3_000, "its own clients have it", async () => {
      const began = performance.now();
      await tell(two);
      told++;
      await eventually(() => ids(atTwo).length >= known + told, "its own clients have it");
      return performance.now() - began;
    });
    await tell(one);
    await eventually(() => ids(atOne).length > seenBefore, "the other goes on");
    assert.equal(ids(atTwo).length, known + told);
    proxy.leadTo(`${server.directory}/.s.PGSQL.5432`);
    await eventually(
      () => ids(atOne).length > seenBefore + told && ids(atTwo).length > known + told,
      "all have all",
      30_000,
    );
    await tell(two);
    const all = told + 2;
    await eventually(
      () => ids(atOne).length >= seenBefore + all && ids(atTwo).length >= known + all,
      "and it goes on",
    );
    for (const client of [atOne, atTwo]) {
      assert.equal(new Set(ids(client)).size, ids(client).length, "nothing twice");
    }
    assert.deepEqual(new Set(ids(atOne).slice(-all)), new Set(ids(atTwo).slice(-all)));
  });
});

Deno.test("the table of events keeps the last, and the very last for ever", async () => {
  const target = one.holdfast.target;
  const pooler = { pooled: false };
  const pool = createPool({
    target,
    pooler,
    max: 1,
    waitingMax: 10,
    applicationName: "test",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 2_000,
  });
  const journal = createEventJournal(pool, pooler);
  try {
    const [last] = await journal.newest(1);
    await journal.prune(4);
    const kept = await journal.newest(100);
    // Others may have come meanwhile, and may come at any time.
    assert.ok(kept.length >= 4, `${kept.length} are kept`);
    assert.ok(kept[0]!.position > last!.position - 4, "and none before them");
    assert.deepEqual(
      kept.map(({ position }) => position),
      kept.map((_, at) => kept[0]!.position + at),
      "positions have no gaps",
    );
    await one.sql`update holdfast.live_events set stored_at = stored_at - interval '2 days'`;
    await journal.prune(4);
    const [old] = await journal.newest(1);
    await journal.append([{
      id: crypto.randomUUID(),
      type: "of_a_later_version",
      instance: "another",
      topic: null,
      digest: null,
      data: "{}",
      madeAt: new Date().toISOString(),
    }]);
    await journal.prune(4);
    const [next] = await journal.from(old!.position, 2);
    assert.equal(next?.id, old!.id, "whoever has read up to there has missed nothing");
  } finally {
    await pool.end();
  }
  await withClients([one, two], async (atOne, atTwo) => {
    await tell(one);
    await atTwo.sees("it goes on", (message) => isTest(message) && message.instance === "one");
    assert.ok(ids(atOne).length > 0);
  });
});
