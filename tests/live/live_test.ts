import assert from "node:assert/strict";
import { messageTypes } from "../../services/live/hub.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { connectLive, type LiveClient } from "../helpers/live.ts";

let app: TestApp;

Deno.test.beforeAll(async () => {
  app = await startApp({ HOLDFAST_FAST_TIER_SECONDS: "1", HOLDFAST_BROADCAST_SECONDS: "1" });
});

let stopped = false;
Deno.test.afterAll(async () => {
  if (!stopped) await app.stop();
});

async function withClient(work: (client: LiveClient) => Promise<void>): Promise<void> {
  const client = await connectLive(app.url);
  try {
    await work(client);
  } finally {
    await client.close();
  }
}

const next = (client: LiveClient, type: string, after: number) =>
  client.sees(`a ${type} after ${after}`, (one) => one.type === type && one.seq > after);

Deno.test("a new client gets hello and the latest of each type at once", async () => {
  await withClient(async (first) => {
    for (const type of ["partition_status", "database_performance"]) await next(first, type, 0);
  });
  const began = Date.now();
  await withClient(async (client) => {
    const hello = await client.sees("hello", ({ type }) => type === "hello");
    assert.deepEqual(hello.data.types, [...messageTypes]);
    assert.equal(hello.data.version, "0.0.0-test");
    const at = Date.parse(hello.ts);
    assert.ok(at >= began && at <= Date.now(), hello.ts);
    const performanceNow = await client.sees(
      "the figures",
      ({ type }) => type === "database_performance",
    );
    assert.deepEqual(Object.keys(performanceNow.data).sort(), [
      "connection_pool",
      "overall_status",
      "partition_health",
      "performance_metrics",
    ]);
    const tables = await client.sees("the tables", ({ type }) => type === "partition_status");
    for (const { seq } of [performanceNow, tables]) {
      assert.ok(seq <= hello.seq, "published before it came, and nothing new");
    }
    assert.equal(client.messages[0]?.type, "hello");
  });
});

Deno.test("the figures go out again and again, numbered upwards", async () => {
  await withClient(async (client) => {
    const one = await next(client, "database_performance", 0);
    const two = await next(client, "database_performance", one.seq);
    assert.ok(two.seq > one.seq && two.ts > one.ts);
  });
});

Deno.test("a client hears what it subscribed to, and nothing else", async () => {
  await withClient(async (client) => {
    await client.sees("the figures", ({ type }) => type === "database_performance");
    client.send({ action: "unsubscribe" });
    await client.ask({ action: "ping" }, "pong");
    const heard = client.messages.length;
    const quietSince = client.messages.at(-1)!.seq;
    await withClient((other) => next(other, "database_performance", quietSince + 1).then(() => {}));
    await client.ask({ action: "ping" }, "pong");
    assert.deepEqual(client.messages.slice(heard).map(({ type }) => type), ["pong"]);
    const latest = await client.ask(
      { action: "subscribe", types: ["partition_status"] },
      "partition_status",
    );
    assert.ok(latest.seq > 0, "a subscription answers with the latest");
    client.send({ action: "subscribe", types: ["database_performance"] });
    await next(client, "database_performance", quietSince);
  });
});

Deno.test("resume replays what was missed, in order, or says that it cannot", async () => {
  await withClient(async (client) => {
    const one = await next(client, "database_performance", 0);
    const two = await next(client, "database_performance", one.seq);
    await withClient(async (later) => {
      await later.sees("hello", ({ type }) => type === "hello");
      await next(later, "database_performance", two.seq - 1);
      const before = later.messages.length;
      later.send({ action: "resume", seq: one.seq - 1 });
      await later.ask({ action: "ping" }, "pong");
      const replayed = later.messages.slice(before).map(({ seq }) => seq);
      assert.ok(replayed.includes(one.seq) && replayed.includes(two.seq));
      const unordered = replayed.filter((seq, at) => seq < (replayed[at - 1] ?? 0));
      assert.deepEqual(unordered, []);
      const refused = await later.ask({ action: "resume", seq: 1e9 }, "error");
      assert.equal(refused.data.code, "cannot_resume");
      const { stream, instance } = later.messages[0]?.data ?? {};
      assert.ok(typeof stream === "string" && typeof instance === "string");
      later.send({ action: "resume", stream, seq: one.seq - 1 });
      const other = await later.ask(
        { action: "resume", stream: crypto.randomUUID(), seq: one.seq - 1 },
        "error",
      );
      assert.deepEqual([other.data.code, other.data.message], [
        "cannot_resume",
        "that stream is of another start or another instance; this one is in hello",
      ]);
    });
  });
});

Deno.test("a bad frame gets an error frame that says why, and the connection stays", async () => {
  await withClient(async (client) => {
    const bad: [unknown, RegExp][] = [
      ["not json", /not JSON/],
      ["[]", /must be a JSON object/],
      ["null", /must be a JSON object/],
      [{ action: "shout" }, /action must be/],
      [{}, /action must be/],
      [{ action: "subscribe", types: ["gossip"] }, /types must be among database_performance/],
      [{ action: "unsubscribe", types: "all" }, /types must be among/],
      [{ action: "resume", seq: "7" }, /whole number/],
      [new Uint8Array(10), /must be text/],
    ];
    for (const [frame, why] of bad) {
      const { data } = await client.ask(frame, "error");
      assert.equal(data.code, "bad_frame");
      assert.match(String(data.message), why);
    }
    await client.ask({ action: "ping" }, "pong");
  });
});

Deno.test("a frame over 16 KiB closes with 1009, text or binary, counted in bytes", async () => {
  for (const frame of ["x".repeat(16_385), "€".repeat(6_000), new Uint8Array(16_385)]) {
    const client = await connectLive(app.url);
    client.send(frame);
    assert.equal((await client.closed).code, 1009);
  }
  await withClient(async (client) => {
    await client.ask(JSON.stringify({ action: "ping", pad: "x".repeat(16_000) }), "pong");
  });
});

async function upgradeStatus(headers: Record<string, string>): Promise<string> {
  const { hostname, port } = new URL(app.url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const lines = Object.entries({
    host: `${hostname}:${port}`,
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": btoa("0123456789abcdef"),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  await connection.write(new TextEncoder().encode(`GET /ws HTTP/1.1\r\n${lines.join("")}\r\n`));
  const buffer = new Uint8Array(512);
  const read = await connection.read(buffer) ?? 0;
  connection.close();
  return new TextDecoder().decode(buffer.subarray(0, read)).split("\r\n")[0] ?? "";
}

Deno.test("only pages of this server may connect: another origin is refused the upgrade", async () => {
  assert.match(await upgradeStatus({}), / 101 /);
  assert.match(await upgradeStatus({ origin: app.url }), / 101 /);
  assert.match(await upgradeStatus({ origin: "https://evil.example" }), / 403 /);
  assert.match(await upgradeStatus({ origin: "null" }), / 403 /);
  assert.match(await upgradeStatus({ host: "evil.example" }), / 403 /);
  const plain = await app.request("/ws");
  assert.equal(plain.status, 400);
  assert.equal((await plain.json()).code, "invalid_request");
});

Deno.test("a shutdown says goodbye with 1001", async () => {
  const clients = await Promise.all([connectLive(app.url), connectLive(app.url)]);
  await eventually(() => clients.every(({ messages }) => messages.length > 0), "they are served");
  stopped = true;
  await app.stop();
  for (const client of clients) assert.equal((await client.closed).code, 1001);
});
