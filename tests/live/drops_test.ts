import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import type { TestApp } from "../helpers/test_app.ts";
import type { LiveMessage } from "../helpers/live.ts";
import { type SharedServer, startSharedServer } from "../helpers/pair.ts";
import { createFrameCheck } from "../helpers/live_document.ts";

const slow = Deno.env.get("HOLDFAST_SLOW_TESTS") === "1";
if (!slow) console.error("SKIPPED 500 drops and restarts: set HOLDFAST_SLOW_TESTS=1; 60 are made");
const seed = Number(Deno.env.get("HOLDFAST_SEED") ?? 20_260_131);
const breaks = slow ? 500 : 60;
/** Every so many-th break is a restart of one of the two. */
const restartEvery = slow ? 8 : 15;
const clientCount = 4;

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
function randomOf(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A client that comes back wherever it is let in and goes on from where it was, as docs/websocket.md says. */
function createWanderer(
  urls: () => string[],
  random: () => number,
  check: ReturnType<typeof createFrameCheck>,
) {
  const seen: LiveMessage[] = [];
  /** Events that came while the database was slow: at another instance they may come again, under the same id. */
  const withoutCursor = new Set<string>();
  /** The alerts among them: their place in the order is only that of their own instance. */
  const early = new Set<string>();
  const problems: string[] = [];
  let place: { stream?: string; seq?: number; cursor?: string } = {};
  let socket: WebSocket | undefined;
  let ended = false;
  let connections = 0;

  function connect(): void {
    if (ended) return;
    const all = urls();
    const url = all[Math.floor(random() * all.length)];
    if (!url) return void setTimeout(connect, 20);
    const query = new URLSearchParams(
      Object.entries(place).map(([name, value]): [string, string] => [name, String(value)]),
    );
    const mine = new WebSocket(`${url.replace(/^http/, "ws")}/ws?${query}`);
    socket = mine;
    mine.onopen = () => connections++;
    mine.onmessage = ({ data }) => {
      if (mine !== socket) return;
      const message: LiveMessage = JSON.parse(data);
      problems.push(...check.ofServer(message));
      if (message.type === "error") problems.push(String(message.data.message));
      if (message.type === "hello") {
        // Its number is where this stream stands, not what this client has.
        const first = place.cursor === undefined && place.seq === undefined;
        if (message.data.stream !== place.stream) delete place.seq;
        place.stream = String(message.data.stream);
        if (first && typeof message.data.cursor === "string") place.cursor = message.data.cursor;
        return;
      }
      place = { ...place, seq: message.seq };
      if (message.cursor !== undefined) place.cursor = message.cursor;
      if (message.id !== undefined) {
        if (withoutCursor.delete(message.id)) return;
        if (message.cursor === undefined) {
          withoutCursor.add(message.id);
          early.add(String(message.data.id));
        }
      }
      seen.push(message);
    };
    mine.onclose = () => {
      if (mine === socket) setTimeout(connect, 20);
    };
  }

  connect();
  return {
    problems,
    early,
    connections: () => connections,
    isOpen: () => socket?.readyState === WebSocket.OPEN,
    alerts: () =>
      seen.filter(({ type, data }) => type === "performance_alert" && data.change === "test")
        .map(({ data }) => String(data.id)),
    /** Leaves without a word, and comes back. */
    drop(): void {
      const old = socket;
      socket = undefined;
      old?.close();
      connect();
    },
    async end(): Promise<void> {
      ended = true;
      const open = socket;
      if (!open || open.readyState === WebSocket.CLOSED) return;
      const closed = new Promise((done) => open.addEventListener("close", done));
      open.close();
      await closed;
    },
  };
}

Deno.test(`${breaks} random drops and restarts of either of two: no alert is lost and none comes twice`, async () => {
  console.error(`HOLDFAST_SEED=${seed}`);
  const random = randomOf(seed);
  const check = createFrameCheck();
  const server: SharedServer = await startSharedServer();
  const calm = { HOLDFAST_FAST_TIER_SECONDS: "5", HOLDFAST_BROADCAST_SECONDS: "5" };
  const pair: (TestApp | undefined)[] = [
    await server.start("one", calm),
    await server.start("two", calm),
  ];
  const living = () => pair.flatMap((app) => app ? [app] : []);
  const clients = Array.from(
    { length: clientCount },
    () => createWanderer(() => living().map(({ url }) => url), random, check),
  );
  const told: string[] = [];
  let restarting: Promise<void> | undefined;

  async function tell(): Promise<void> {
    const apps = living();
    const app = apps[Math.floor(random() * apps.length)];
    assert.ok(app);
    const before = clients[0]?.alerts().length;
    assert.ok(before !== undefined);
    const answer = await app.request("/api/alerts/channels/websocket/test", { method: "POST" });
    assert.equal(answer.status, 200);
    await answer.body?.cancel();
    told.push(app.config.HOLDFAST_INSTANCE ?? "");
  }

  async function restart(at: number): Promise<void> {
    const app = pair[at];
    assert.ok(app);
    pair[at] = undefined;
    await server.end(app);
    pair[at] = await server.start(at === 0 ? "one" : "two", calm);
  }

  try {
    await eventually(() => clients.every((client) => client.isOpen()), "all are connected");
    // From here on each has a place to go on from.
    await tell();
    await eventually(() => clients.every((client) => client.alerts().length === 1), "the first");
    let restarts = 0;
    for (let count = 1; count <= breaks; count++) {
      if (count % restartEvery === 0) {
        await restarting;
        restarts++;
        restarting = restart(Math.floor(random() * 2));
      } else clients[Math.floor(random() * clientCount)]?.drop();
      const alerts = Math.floor(random() * 4);
      for (let n = 0; n < alerts; n++) await tell();
      if (random() < 0.5) await new Promise((done) => setTimeout(done, random() * 30));
    }
    await restarting;
    await tell();
    await eventually(
      () => clients.every((client) => client.alerts().length >= told.length),
      `all ${told.length} are there`,
      30_000,
    ).catch(() => {});
    const early = new Set(clients.flatMap((client) => [...client.early]));
    const ordered = (client?: (typeof clients)[number]) =>
      client?.alerts().filter((id) => !early.has(id));
    for (const client of clients) {
      assert.deepEqual(client.problems, []);
      assert.equal(new Set(client.alerts()).size, client.alerts().length, "none twice");
      assert.equal(client.alerts().length, told.length, "none lost");
      assert.deepEqual(ordered(client), ordered(clients[0]), "in the same order");
    }
    const connections = clients.map((client) => client.connections());
    console.error(
      `${told.length} alerts, ${restarts} restarts, ${early.size} before they were stored, connections ${connections}`,
    );
  } finally {
    await restarting?.catch(() => {});
    for (const client of clients) await client.end();
    await server.stop();
  }
});
