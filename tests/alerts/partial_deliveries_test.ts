import assert from "node:assert/strict";
import fc from "fast-check";
import type { DeliveryRecord } from "../../db/alerts/deliveries.ts";
import type { RecordsDb } from "../../db/records/records.ts";
import { createLogger } from "../../log.ts";
import { retryAfterMs } from "../../services/alerts/notify/channels/post.ts";
import { createDeliveries, readDelivery } from "../../services/alerts/notify/deliveries.ts";
import { at, channel, notice, over, setting, types } from "../helpers/alert_channel.ts";
import { eventually } from "../helpers/eventually.ts";
import { manualTimers } from "../helpers/timers.ts";

for (const type of types) {
  Deno.test(`${type}: an event refused permanently fails, the others arrive, and the log says which`, async () => {
    const one = channel(type, (rules) => rules.includes("bad") ? 400 : 202);
    one.deliveries.send([notice("good"), notice("bad"), notice("fine"), notice("last")]);
    await over(one);
    const arrived = one.sent.filter(({ status }) => status === 202).flatMap(({ rules }) => rules);
    assert.deepEqual(arrived, ["good", "fine", "last"]);
    assert.deepEqual(one.events(), [
      ["good", "delivered", null],
      ["bad", "dead", "it answered 400"],
      ["fine", "delivered", null],
      ["last", "delivered", null],
    ]);
    const { state, error, attempts } = one.record();
    assert.deepEqual([state, error, attempts], ["dead", "1 of 4 events: it answered 400", 1]);
    one.deliveries.send([notice("later")]);
    await eventually(() => one.sent.at(-1)?.rules.includes("later"), "the next delivery arrives");
    await one.deliveries.stop();
  });
}

Deno.test("PagerDuty, over HTTP: one event answered 400 holds up no other", async () => {
  const answered: [number, string, string][] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { event_action, dedup_key } = await request.json();
      const status = dedup_key.includes("partition_runway") ? 400 : 202;
      answered.push([status, event_action, dedup_key]);
      return new Response(null, { status });
    },
  );
  const saved: DeliveryRecord[] = [];
  const deliveries = createDeliveries({
    settings: [{ ...setting("pagerduty"), url: `http://127.0.0.1:${server.addr.port}` }],
    owner: "me",
    sender: { instance: "one", url: "http://127.0.0.1:8000/" },
    store: {
      saveDelivery: (record) => void saved.push(record),
      deliveries: () => Promise.resolve([]),
      notifiedAt: () => Promise.resolve(new Map()),
      isDeliveryUnsaved: () => false,
      db: {} as RecordsDb,
    },
    clock: { now: () => new Date(at) },
    log: createLogger({ level: "error", write: () => {} }),
  });
  deliveries.send([
    notice("lock_wait"),
    notice("partition_runway"),
    notice("archiver", "resolved"),
  ]);
  await eventually(() => saved.at(-1)?.state === "dead", "it is over");
  assert.deepEqual(answered, [
    [202, "trigger", "holdfast/lock_wait"],
    [400, "trigger", "holdfast/partition_runway"],
    [202, "resolve", "holdfast/archiver"],
  ]);
  await deliveries.stop();
  await server.shutdown();
});

Deno.test("an accepted request of several events is sent once, and a single event keeps the delivery's id", async () => {
  const one = channel("webhook", () => 204);
  one.deliveries.send([notice("a"), notice("b")]);
  await over(one);
  assert.deepEqual(one.sent.map(({ rules }) => rules), [["a", "b"]]);
  assert.equal(one.sent[0]?.id, one.record().id);
  await one.deliveries.stop();
});

Deno.test("parts of a refused request have ids of their own, so that a receiver drops none as a repeat", async () => {
  const one = channel("webhook", (rules) => rules.length > 1 ? 400 : 204);
  one.deliveries.send([notice("a"), notice("b")]);
  await over(one);
  const { id } = one.record();
  assert.deepEqual(one.sent.map((each) => each.id), [id, `${id}-0`, `${id}-1`]);
  await one.deliveries.stop();
});

Deno.test("a receiver that is busy keeps the rest waiting for as long as it asks, and what has arrived is not sent again", async () => {
  const time = manualTimers();
  const one = channel(
    "pagerduty",
    (_, sent) =>
      sent.length === 1
        ? new Response(null, { status: 429, headers: { "retry-after": "1" } })
        : 202,
    time,
  );
  one.deliveries.send([notice("a"), notice("b"), notice("c")]);
  await eventually(() => one.record().next_attempt_at === "2026-01-01T00:00:01.000Z", "it waits");
  assert.deepEqual(one.sent.map(({ rules }) => rules), [["a"], ["b"]]);
  assert.deepEqual(one.events().map(([, state]) => state), ["delivered", "queued", "queued"]);
  await time.pass(1_000);
  await over(one);
  assert.deepEqual(one.sent.map(({ rules }) => rules), [["a"], ["b"], ["b"], ["c"]]);
  assert.equal(one.record().state, "delivered");
  assert.equal(one.record().error, null);
  await one.deliveries.stop();
});

Deno.test("an event that fails holds up only what follows about the same alert", async () => {
  const one = channel(
    "pagerduty",
    (rules, sent) => rules.includes("a") && sent.length === 0 ? 500 : 202,
  );
  one.deliveries.send([notice("a"), notice("a", "resolved"), notice("b")]);
  await over(one);
  assert.deepEqual(one.sent.map(({ rules }) => rules), [["a"], ["b"], ["a"], ["a"]]);
  await one.deliveries.stop();
});

Deno.test("a delivery that fails holds up only those about the same alert, as long as the receiver takes others", async () => {
  for (const type of ["webhook", "pagerduty"] as const) {
    let mended = false;
    const one = channel(type, (rules) => rules.includes("bad") && !mended ? 500 : 204);
    one.deliveries.send([notice("bad")]);
    await eventually(() => one.sent.length > 0, "it fails");
    one.deliveries.send([notice("other")]);
    one.deliveries.send([notice("bad", "resolved"), notice("third")]);
    one.deliveries.send([notice("fourth")]);
    await eventually(() => one.sent.some(({ rules }) => rules.includes("fourth")), "others pass");
    const arrived = () =>
      one.sent.filter(({ status }) => status === 204).map(({ rules }) => rules.join());
    assert.deepEqual(arrived(), ["other", "fourth"]);
    mended = true;
    await over(one);
    assert.deepEqual(
      arrived().slice(2),
      type === "webhook" ? ["bad", "bad,third"] : ["bad", "bad", "third"],
    );
    await one.deliveries.stop();
  }
});

Deno.test("an Alertmanager that refuses one alert gets the others again each minute", async () => {
  const one = channel("alertmanager", (rules) => rules.includes("bad") ? 400 : 200);
  one.deliveries.repeat([notice("good"), notice("bad"), notice("fine")]);
  await eventually(() => one.sent.length === 4, "all were tried");
  const arrived = one.sent.filter(({ status }) => status === 200).flatMap(({ rules }) => rules);
  assert.deepEqual(arrived, ["good", "fine"]);
  assert.equal(one.saved.size, 0);
  await one.deliveries.stop();
});

Deno.test("whatever a receiver refuses, each event that it accepts arrives once", async () => {
  const refusals = fc.array(fc.constantFrom(204, 204, 400, 413, 422, 403), {
    minLength: 1,
    maxLength: 8,
  });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...types), refusals, async (type, answers) => {
      const statusOf = (rules: string[]) =>
        Math.max(...rules.map((rule) => answers[Number(rule.slice(1))]!));
      const one = channel(type, statusOf);
      one.deliveries.send(answers.map((_, place) => notice(`r${place}`)));
      await over(one);
      const arrived = one.sent.filter(({ status }) => status === 204).flatMap(({ rules }) => rules);
      const wanted = answers.flatMap((status, place) => status === 204 ? [`r${place}`] : []);
      assert.deepEqual(arrived, wanted);
      assert.deepEqual(
        one.events().map(([, state]) => state),
        answers.map((status) => status === 204 ? "delivered" : "dead"),
      );
      await one.deliveries.stop();
    }),
    { numRuns: 60 },
  );
});

Deno.test("Retry-After is seconds or a date, an hour at most", () => {
  const now = new Date("2026-01-01T00:00:00Z");
  const after = (header: string | null) => retryAfterMs(header, now);
  assert.equal(after("120"), 120_000);
  assert.equal(after("Thu, 01 Jan 2026 00:00:30 GMT"), 30_000);
  assert.equal(after("Thu, 01 Jan 2026 09:00:00 GMT"), 3_600_000);
  for (const useless of [null, "", "-1", "soon", "Wed, 31 Dec 2025 00:00:00 GMT"]) {
    assert.equal(after(useless), undefined);
  }
});

Deno.test("after a restart a delivery waits for as long as its receiver asked, an hour at most", async () => {
  const { timers, pass } = manualTimers();
  const busy = () => new Response(null, { status: 429, headers: { "retry-after": "1800" } });
  const one = channel("webhook", busy, { timers });
  one.deliveries.send([notice("a")]);
  await pass(1_000);
  await one.deliveries.stop();
  const record = one.record();
  const dueAfter = (minutes: number) =>
    readDelivery(record, { now: new Date(Date.parse(at) + minutes * 60_000), nowMs: 5 }).dueAt;
  assert.equal(dueAfter(10), 20 * 60_000 + 5);
  assert.equal(dueAfter(40), 0, "at once");
  assert.equal(dueAfter(-300), 60 * 60_000 + 5, "the clock was set back");
});
