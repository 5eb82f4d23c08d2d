import assert from "node:assert/strict";
import type { Live, LiveConnectionState, LiveEvent, LiveType } from "../../client/live.ts";
import { HoldfastProblem } from "../../client/problem.ts";
import type { MessageType } from "../../services/live/hub.ts";
import { clientOf } from "../helpers/client.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { freePort } from "../helpers/process.ts";
import { type Proxy, startProxy } from "../helpers/proxy.ts";

const quiet = { HOLDFAST_FAST_TIER_SECONDS: "300", HOLDFAST_BROADCAST_SECONDS: "300" };
const soon = { baseMs: 10, maxMs: 50 };

let app: TestApp;
let proxy: Proxy;
Deno.test.beforeAll(async () => {
  app = await startApp(quiet);
  proxy = startProxy(Number(new URL(app.url).port));
});
Deno.test.afterAll(async () => {
  await proxy.stop();
  await app.stop();
});

/** Compiles only while the client knows exactly the types that the server sends. */
const known: [LiveType] extends [MessageType] ? [MessageType] extends [LiveType] ? true : never
  : never = true;
assert.ok(known);

const through = ({ port }: Proxy) => ({ url: `http://127.0.0.1:${port}` });

/** Has the server publish an alert. */
async function publish(from: TestApp = app): Promise<void> {
  await clientOf(from).testChannel({ path: { name: "websocket" } });
}

/** Reads a channel in the background. */
function reading(live: Live) {
  const events: LiveEvent[] = [];
  const done = (async () => {
    for await (const event of live) events.push(event);
  })();
  done.catch(() => {}); // awaited by whoever expects an error
  const alerts = () =>
    events.flatMap((event) =>
      event.kind === "message" && event.type === "performance_alert" ? [event.seq] : []
    );
  return { events, alerts, done };
}

Deno.test("alerts published during and between drops come once each, in order", async () => {
  const states: LiveConnectionState[] = [];
  const live = clientOf(through(proxy)).live({
    types: ["performance_alert"],
    backoff: soon,
    onState: (state) => states.push(state),
  });
  const { events, alerts, done } = reading(live);
  const connected = () => states.filter(({ state }) => state === "connected").length;
  await eventually(() => connected() === 1, "it connects");
  await publish();
  await eventually(() => alerts().length > 0, "the first alert");
  const first = alerts()[0] ?? 0;
  const rounds = 12;
  for (let round = 1; round <= rounds; round++) {
    // Some before the drop, some while away, some while it resumes.
    await publish();
    proxy.cut();
    await Promise.all([publish(), publish()]);
    await eventually(() => connected() === round + 1, `it is back for the ${round}th time`);
    await publish();
  }
  await eventually(() => alerts().length >= 1 + rounds * 4, "all alerts");
  const seen = alerts();
  assert.deepEqual(seen, seen.toSorted((a, b) => a - b));
  assert.equal(new Set(seen).size, seen.length);
  assert.equal(seen.length, 1 + rounds * 4);
  assert.equal(seen[0], first);
  assert.ok(events.every(({ kind }) => kind === "message"), "no gap is told");
  assert.ok(states.filter((one) => one.state === "connected").slice(1).every((one) => one.resumed));
  live.close();
  await done;
});

Deno.test("after a restart it continues with the next event, and where none is known it tells a gap", async () => {
  const dataDir = await Deno.makeTempDir({ prefix: "holdfast-client-" });
  await Deno.chmod(dataDir, 0o755);
  let one = await startApp({ ...quiet, HOLDFAST_DATA_DIR: dataDir });
  const front = startProxy(Number(new URL(one.url).port));
  try {
    const live = clientOf(through(front)).live({ types: ["performance_alert"], backoff: soon });
    const { events } = reading(live);
    await eventually(() => live.position, "it connects");
    const before = live.position;
    await publish(one);
    await eventually(() => events.length === 1, "the first alert");
    await one.stop();
    one = await startApp({ ...quiet, HOLDFAST_DATA_DIR: dataDir });
    await publish(one);
    front.leadTo(Number(new URL(one.url).port));
    await eventually(() => events.length >= 2, "the alert from before it was back", 30_000);
    await publish(one);
    await eventually(() => events.length >= 3, "the next alert");
    assert.deepEqual(events.map(({ kind }) => kind), ["message", "message", "message"]);
    const [, , last] = events;
    assert.ok(last?.kind === "message");
    assert.notEqual(last.stream, before?.stream);
    live.close();

    assert.ok(before);
    const { stream, seq } = before;
    const other = clientOf(one).live({ types: ["performance_alert"], since: { stream, seq } });
    const gap = await other.next();
    assert.ok(gap?.kind === "gap");
    assert.deepEqual([gap.reason, gap.after?.stream], ["cannot_resume", stream]);
    other.close();
  } finally {
    await front.stop();
    await one.stop();
    await Deno.remove(dataDir, { recursive: true });
  }
});

Deno.test("a later process goes on from a place that was kept", async () => {
  const first = clientOf(app).live({ types: ["performance_alert"] });
  const { seq: began = 0 } = await eventually(() => first.position, "it connects");
  await publish();
  let seen = await first.next();
  // The latest of before comes first.
  while (seen?.kind === "message" && seen.seq <= began) seen = await first.next();
  assert.ok(seen?.kind === "message");
  first.close();
  assert.equal(await first.next(), undefined, "closed");
  await publish();
  await publish();
  const { stream, seq } = seen;
  const second = clientOf(app).live({ types: ["performance_alert"], since: { stream, seq } });
  // Messages of other types take numbers, too.
  let last = seq;
  for (let nth = 0; nth < 2; nth++) {
    const event = await second.next();
    assert.ok(event?.kind === "message" && event.seq > last, `${nth}`);
    last = event.seq;
  }
  second.close();
});

Deno.test("a slow reader has the newest, and is told that older alerts are gone", async () => {
  const live = clientOf(app).live({ types: ["performance_alert"], queueMax: 4 });
  await eventually(() => live.position, "it connects");
  const began = live.position?.seq ?? 0;
  for (let n = 0; n < 10; n++) await publish();
  await eventually(() => (live.position?.seq ?? 0) >= began + 10, "all are there");
  live.close();
  const events: LiveEvent[] = [];
  for (let event = await live.next(); event; event = await live.next()) events.push(event);
  assert.equal(events[0]?.kind, "gap");
  assert.ok(events[0]?.kind === "gap" && events[0].reason === "queue_full");
  const newest = events.slice(1).map((event) => event.kind === "message" ? event.seq - began : 0);
  assert.equal(newest.length, 3);
  assert.ok(newest[0]! > 7 && newest[1]! > newest[0]! && newest[2]! > newest[1]!, newest.join());
});

Deno.test("a link that goes silent is given up and made anew", async () => {
  const states: string[] = [];
  const live = clientOf(through(proxy)).live({
    types: ["performance_alert"],
    backoff: soon,
    pingMs: 100,
    onState: ({ state }) => states.push(state),
  });
  const { alerts } = reading(live);
  await eventually(() => states.includes("connected"), "it connects");
  const before = alerts().length;
  const connected = () => states.filter((one) => one === "connected").length;
  // A busy machine may have been late with a pong, and the link made anew for that.
  const connectedBefore = connected();
  proxy.silence();
  await publish();
  await eventually(() => connected() > connectedBefore, "it is back");
  await eventually(() => alerts().length === before + 1, "what was sent into silence comes");
  live.close();
});

Deno.test("with a token set it logs in by header; a wrong one ends the channel with the server's problem", async () => {
  const guarded = await startApp({
    ...quiet,
    HOLDFAST_TOKEN: "a-token-of-thirty-two-characters",
  });
  try {
    const right = clientOf(guarded, { token: "a-token-of-thirty-two-characters" });
    const live = right.live({ types: ["performance_alert"] });
    await eventually(() => live.position, "it connects");
    live.close();
    const wrong = clientOf(guarded, { token: "another" }).live();
    const error = await wrong.next().then(() => undefined, (thrown) => thrown);
    assert.ok(error instanceof HoldfastProblem);
    assert.deepEqual([error.status, error.code], [401, "unauthorized"]);
  } finally {
    await guarded.stop();
  }
});

Deno.test("the caller's signal ends the channel with its reason, even while it waits to connect", async () => {
  const stop = new AbortController();
  const live = clientOf({ url: "http://127.0.0.1:1" }).live({
    signal: stop.signal,
    backoff: { baseMs: 60_000, maxMs: 60_000 },
  });
  const next = live.next();
  stop.abort(new Error("enough"));
  await assert.rejects(next, /enough/);
});

Deno.test("what speaks another language is left, and tried again", async () => {
  const port = freePort();
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, (request) => {
    if (request.headers.get("upgrade") !== "websocket") return new Response("no", { status: 400 });
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => socket.send("<html>");
    return response;
  });
  const reasons: string[] = [];
  const live = clientOf({ url: `http://127.0.0.1:${port}` }).live({
    backoff: soon,
    onState: (state) => state.state === "disconnected" && reasons.push(state.reason),
  });
  await eventually(() => reasons.length >= 2, "it is tried again");
  assert.match(reasons[0] ?? "", /no frame/);
  live.close();
  await server.shutdown();
});
