import assert from "node:assert/strict";
import { createHmac, timingSafeEqual } from "node:crypto";
import { createEmbeddedServer, type EmbeddedServer } from "../../db/embedded/server.ts";
import { createLogger } from "../../log.ts";
import { AlertList, DeliveryList, Silence } from "../../routes/alerts/schemas.ts";
import { sampleAlert } from "../../services/alerts/notify/sample.ts";
import { embeddedUrl } from "../helpers/embedded_url.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { type Received, startReceiver } from "../helpers/receiver.ts";
import { fillDataDir } from "../helpers/template.ts";

const secret = "correct horse battery staple";
const rule = "idle_in_transaction";
const receiver = startReceiver();
const apps: TestApp[] = [];
let folder = "";
let server: EmbeddedServer;
let one: TestApp;

/** A Holdfast that looks each second, on the one server there is. */
async function start(name: string): Promise<TestApp> {
  const calm = ["FOR_SECONDS", "KEEP_FIRING_SECONDS", "COOLDOWN_SECONDS"];
  const app = await startApp({
    DATABASE_URL: embeddedUrl(server.target),
    HOLDFAST_INSTANCE: name,
    HOLDFAST_ALERTS_FLAP_FIRINGS: "0",
    HOLDFAST_FAST_TIER_SECONDS: "1",
    HOLDFAST_BROADCAST_SECONDS: "1",
    HOLDFAST_CHANNELS: JSON.stringify([
      // Of what a busy machine may fire besides, the receiver is to hear nothing.
      { name: "ops", type: "webhook", url: receiver.url, secret, rules: [rule, "database_down"] },
    ]),
    HOLDFAST_ALERT_IDLE_IN_TRANSACTION_WARNING: "0.5",
    HOLDFAST_ALERT_IDLE_IN_TRANSACTION_CLEAR: "0.1",
    ...Object.fromEntries(
      calm.map((level) => [`HOLDFAST_ALERT_IDLE_IN_TRANSACTION_${level}`, "0"]),
    ),
  });
  apps.push(app);
  return app;
}

async function end(app: TestApp): Promise<void> {
  apps.splice(apps.indexOf(app), 1);
  await app.stop();
}

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "holdfast-delivery-" });
  await Deno.chmod(folder, 0o755);
  await fillDataDir(folder);
  server = await createEmbeddedServer({
    dataDir: folder,
    log: createLogger({ level: "error", write: () => {} }),
  });
  await server.start();
  one = await start("one");
});

Deno.test.afterAll(async () => {
  for (const app of [...apps]) await end(app);
  await receiver.stop();
  await server.stop();
  await Deno.remove(folder, { recursive: true });
});

/** Lets a session idle in a transaction until the answer is called. */
async function idle(app: TestApp): Promise<() => Promise<void>> {
  const session = await app.sql.reserve();
  await session`begin`;
  await session`select 1`;
  return async () => {
    await session`rollback`;
    session.release();
  };
}

const firing = async (app: TestApp, name = rule) =>
  AlertList.parse(await app.json("/api/alerts?state=firing")).alerts
    .filter((alert) => alert.rule === name);

/** As a receiver does it that knows nothing of Holdfast but standardwebhooks.com. */
function isGenuine({ headers, body }: Received, now = Date.now()): boolean {
  const [id, at, given] = ["id", "timestamp", "signature"].map((name) =>
    headers.get(`webhook-${name}`) ?? ""
  );
  if (Math.abs(now / 1000 - Number(at)) > 300) return false;
  const mac = createHmac("sha256", secret).update(`${id}.${at}.${body}`).digest("base64");
  return timingSafeEqual(new TextEncoder().encode(`v1,${mac}`), new TextEncoder().encode(given));
}

Deno.test("a receiver that fails twice gets the same delivery a third time, and its signature holds", async () => {
  receiver.answer([503, 500]);
  const stop = await idle(one);
  await receiver.hears(rule, "fired");
  const tries = receiver.received.slice(0, 3);
  assert.deepEqual(tries.map(({ status }) => status), [503, 500, 204]);
  assert.equal(new Set(tries.map(({ headers }) => headers.get("webhook-id"))).size, 1);
  assert.equal(new Set(tries.map(({ body }) => body)).size, 1);
  for (const received of tries) assert.ok(isGenuine(received));
  const [first] = tries as [Received];
  assert.ok(!isGenuine({ ...first, body: first.body.replace("fired", "eased") }), "tampered with");
  assert.ok(!isGenuine(first, Date.now() + 3_600_000), "replayed an hour later");
  const { notices } = JSON.parse(first.body);
  assert.equal(notices[0].alert.alert_type, "idle_in_transaction_warning");
  assert.equal(notices[0].dedup_key, `holdfast/${rule}`);

  await stop();
  await receiver.hears(rule, "resolved");
  const { deliveries } = await eventually(async () => {
    const list = DeliveryList.parse(await one.json("/api/alerts/deliveries?channel=ops"));
    const both = list.deliveries.length === 2;
    return both && list.deliveries.every(({ state }) => state === "delivered") && list;
  }, "the log says so");
  assert.deepEqual(deliveries.map(({ attempts }) => attempts), [1, 3]);
  assert.match(deliveries[1]!.summary, /^FIRING warning: Session idle in transaction/);
});

Deno.test("what is refused for good is given up, kept, and can be sent again", async () => {
  receiver.forget();
  receiver.answer([400]);
  const stop = await idle(one);
  const dead = await eventually(
    async () =>
      DeliveryList.parse(await one.json("/api/alerts/deliveries?state=dead")).deliveries[0],
    "it is given up",
  );
  assert.deepEqual([dead.attempts, dead.error], [1, "it answered 400"]);
  const again = await one.request(`/api/alerts/deliveries/${dead.id}/retry`, { method: "POST" });
  assert.equal(again.status, 202, await again.text());
  await receiver.hears(rule, "fired");
  assert.equal(receiver.received.at(-1)?.headers.get("webhook-id"), dead.id);
  await stop();
  await receiver.hears(rule, "resolved");
});

Deno.test("of a delivery that was refused in part, only what was refused is sent again", async () => {
  receiver.forget();
  receiver.answer([]);
  const id = crypto.randomUUID();
  const events = ["delivered", "dead", "dead"].map((state, at) => ({
    kind: "fired",
    alert: { ...sampleAlert("one", new Date().toISOString()), rule: `part_${at}` },
    state,
    error: state === "dead" ? "it answered 400" : null,
  }));
  await one.sql`
    insert into holdfast.alert_deliveries
      (id, channel, owner, state, summary, notices, attempts, created_at, ended_at, error)
    values (${id}, 'ops', 'one', 'dead', 'three', ${
    JSON.stringify(events)
  }::text::jsonb, 1, now(), now(),
      '2 of 3 events: it answered 400')`;
  const again = await one.request(`/api/alerts/deliveries/${id}/retry`, { method: "POST" });
  assert.equal(again.status, 202, await again.text());
  const find = async () =>
    DeliveryList.parse(await one.json("/api/alerts/deliveries")).deliveries
      .find((delivery) => delivery.id === id);
  const done = await eventually(async () => {
    const found = await find();
    return found?.state === "delivered" && found;
  }, "it is delivered");
  assert.deepEqual(done.events.map(({ rule, state }) => [rule, state]), [
    ["part_0", "delivered"],
    ["part_1", "delivered"],
    ["part_2", "delivered"],
  ]);
  const parts = receiver.received.filter(({ body }) => body.includes("part_"));
  assert.deepEqual(parts.map(({ headers }) => headers.get("webhook-id")), [`${id}-1`, `${id}-2`]);
  assert.ok(parts.every((part) => isGenuine(part) && !part.body.includes("part_0")));
});

Deno.test("a test goes to one channel at once; channels show nothing secret, and neither does the log", async () => {
  receiver.forget();
  const tried = await one.json("/api/alerts/channels/ops/test", { method: "POST" });
  assert.deepEqual({ ...tried as object, duration_ms: 0 }, {
    channel: "ops",
    delivered: true,
    error: null,
    duration_ms: 0,
  });
  assert.deepEqual(receiver.notices("test").map(({ kind }) => kind), ["fired", "resolved"]);
  assert.ok(isGenuine(receiver.received[0]!));
  receiver.answer([401]);
  const refused = await one.json<{ error: string }>("/api/alerts/channels/ops/test", {
    method: "POST",
  });
  assert.equal(refused.error, "it answered 401");
  assert.equal(
    (await one.request("/api/alerts/channels/none/test", { method: "POST" })).status,
    404,
  );
  const channels = await (await one.request("/api/alerts/channels")).text();
  assert.deepEqual(JSON.parse(channels).channels.map(({ name }: { name: string }) => name), [
    "websocket",
    "log",
    "ops",
  ]);
  const deliveries = await (await one.request("/api/alerts/deliveries")).text();
  for (const text of [channels, deliveries, JSON.stringify(one.logs)]) {
    assert.ok(!text.includes(secret) && !text.includes("very-secret-path"));
  }
});

Deno.test("a silence keeps an alert from the channels until it ends; it fires all the same", async () => {
  receiver.forget();
  const answer = await one.post("/api/alerts/silences", {
    rule,
    reason: "we know",
    duration_seconds: 600,
  });
  assert.equal(answer.status, 201);
  const silence = Silence.parse(await answer.json());
  const stop = await idle(one);
  const [alert] = await eventually(async () => {
    const found = await firing(one);
    return found.length > 0 && found;
  }, "it fires");
  assert.deepEqual([alert?.silenced_by, alert?.notified_at], [silence.id, null]);
  const { explanation } = await one.json<{ explanation: { why: string[] } }>(
    `/api/alerts/${alert?.id}`,
  );
  assert.ok(
    explanation.why.includes(
      `Channels get no notifications of it because of silence ${silence.id}.`,
    ),
  );
  assert.deepEqual(receiver.received, []);
  const ended = await one.request(`/api/alerts/silences/${silence.id}`, { method: "DELETE" });
  assert.equal(ended.status, 200, await ended.text());
  await receiver.hears(rule, "fired");
  await stop();
  await receiver.hears(rule, "resolved");
  for (
    const body of [
      { reason: "x" },
      { reason: "x", ends_at: "2020-01-01T00:00:00Z" },
      { reason: "", duration_seconds: 60 },
      { reason: "x", duration_seconds: 60, rule: "no_such_rule" },
    ]
  ) {
    const refused = await one.post("/api/alerts/silences", body);
    assert.ok(refused.status === 400 || refused.status === 404, JSON.stringify(body));
    await refused.body?.cancel();
  }
});

Deno.test("a rehearsal asks what other levels would have done", async () => {
  const rehearsal = await one.json<{ would_have_fired: number; points: number }>(
    "/api/alerts/rehearse",
    {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ rule, changes: { warning: 0.2, clear: 0.05 }, days: 0.02 }),
    },
  );
  assert.ok(rehearsal.points > 0 && rehearsal.would_have_fired >= 3, JSON.stringify(rehearsal));
  const never = await one.post("/api/alerts/rehearse", { rule, changes: { warning: 800 } });
  assert.equal((await never.json()).would_have_fired, 0);
  for (const body of [{ rule: "none" }, { rule, changes: { warning: -1 } }, { rule, days: -1 }]) {
    const refused = await one.post("/api/alerts/rehearse", body);
    assert.ok(refused.status === 400 || refused.status === 404);
    await refused.body?.cancel();
  }
});

Deno.test("two Holdfasts on one database show the same alerts, tell once, and take over from each other", async () => {
  receiver.forget();
  const two = await start("two");
  const stop = await idle(one);
  const [mine, theirs] = await eventually(async () => {
    const found = await Promise.all([firing(one), firing(two)]);
    return found.every(({ length }) => length === 1) && found;
  }, "both show it");
  assert.equal(mine[0]?.id, theirs[0]?.id);
  await receiver.hears(rule, "fired");

  const acknowledged = await two.request(`/api/alerts/${mine[0]?.id}/acknowledge`, {
    method: "POST",
  });
  assert.equal(acknowledged.status, 200, await acknowledged.text());
  await receiver.hears(rule, "acknowledged");
  await eventually(async () => (await firing(one))[0]?.acknowledged_at, "the other knows");

  const leader = one;
  one = two;
  await stop();
  const again = await idle(two);
  await end(leader);
  await eventually(() => two.logs.some(({ event }) => event === "alerts_led"), "it takes over");
  await again();
  await receiver.hears(rule, "resolved");
  await eventually(async () => (await firing(two)).length === 0, "it is over");
  // Its last notice may still be under way.
  await eventually(() => {
    const notices = receiver.notices(rule);
    const ended = notices.filter(({ kind }) => kind === "resolved");
    return ended.length >= new Set(notices.map(({ alert }) => alert.id)).size;
  }, "the end of each is heard");
  const kinds = receiver.notices(rule).map(({ kind }) => kind);
  const ids = new Set(receiver.notices(rule).map(({ alert }) => alert.id));
  for (const kind of ["fired", "resolved"]) {
    assert.equal(kinds.filter((each) => each === kind).length, ids.size, `${kind} once each`);
  }
});

Deno.test("during an outage alerts come from memory, the log has one line, and they are stored afterwards", async () => {
  receiver.forget();
  const logged = (event: string) => one.logs.filter((line) => line.event === event).length;
  const before = logged("alerts_not_saved");
  const savedBefore = logged("alerts_saved_again");
  await server.stop();
  await receiver.hears("database_down", "fired");
  await eventually(() => logged("alerts_not_saved") === before + 1, "it says so");
  const looks = one.logs.length;
  await one.holdfast.monitor.checkNow();
  await one.holdfast.monitor.checkNow();
  assert.equal(logged("alerts_not_saved"), before + 1, `${looks}`);
  const meanwhile = AlertList.parse(await one.json("/api/alerts"));
  assert.equal(meanwhile.complete, false);
  assert.ok(meanwhile.alerts.some(({ rule }) => rule === "database_down"));
  const ended = await one.request("/api/alerts?state=resolved");
  assert.equal(ended.status, 503, "what ended is not in memory");
  await ended.body?.cancel();
  await server.start();
  await receiver.hears("database_down", "resolved");
  await eventually(() => logged("alerts_saved_again") === savedBefore + 1, "it says that too");
  const kept = await eventually(async () => {
    const { alerts } = AlertList.parse(await one.json("/api/alerts?state=resolved"));
    return alerts.find((alert) => alert.rule === "database_down");
  }, "it is in the list");
  assert.equal(kept.instance, "two");
  const { deliveries } = await eventually(async () => {
    const list = DeliveryList.parse(await one.json("/api/alerts/deliveries?limit=2"));
    return list.deliveries.every(({ state }) => state === "delivered") && list;
  }, "and so is its delivery");
  assert.match(deliveries[0]!.summary, /RESOLVED critical: Database unreachable/);
});

Deno.test("what could not be delivered before the end of the process is delivered after the next start", async () => {
  receiver.forget();
  receiver.answer([], 503);
  const stop = await idle(one);
  await eventually(async () => {
    const { deliveries } = DeliveryList.parse(
      await one.json("/api/alerts/deliveries?state=queued"),
    );
    return deliveries.some(({ attempts }) => attempts > 0);
  }, "it waits");
  await stop();
  const id = receiver.received[0]?.headers.get("webhook-id");
  await end(one);
  receiver.answer([]);
  one = await start("two");
  await receiver.hears(rule, "fired");
  await receiver.hears(rule, "resolved");
  const arrived = receiver.received.filter(({ status }) => status < 300);
  assert.equal(arrived[0]?.headers.get("webhook-id"), id);
  assert.ok(arrived.every((received) => isGenuine(received)));
});
