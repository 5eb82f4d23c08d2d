import assert from "node:assert/strict";
import fc from "fast-check";
import { attemptsMax } from "../../services/alerts/notify/delivery_events.ts";
import { channel, notice } from "../helpers/alert_channel.ts";
import { manualTimers } from "../helpers/timers.ts";

const minuteMs = 60_000;

for (const type of ["webhook", "slack", "alertmanager"] as const) {
  Deno.test(`${type}: one event answered 500 costs the others a few seconds, and fails alone`, async () => {
    const { timers, pass } = manualTimers();
    const one = channel(type, (rules) => rules.includes("bad") ? 500 : 200, { timers });
    one.deliveries.send([notice("good"), notice("bad"), notice("fine")]);
    await pass(3_000);
    assert.deepEqual(one.events(), [
      ["good", "delivered", null],
      ["bad", "queued", "it answered 500"],
      ["fine", "delivered", null],
    ]);
    await pass(60 * minuteMs);
    assert.deepEqual(one.events(), [
      ["good", "delivered", null],
      ["bad", "dead", "it answered 500"],
      ["fine", "delivered", null],
    ]);
    const arrived = one.sent.filter(({ status }) => status === 200).flatMap(({ rules }) => rules);
    assert.deepEqual(arrived, ["good", "fine"]);
    await one.deliveries.stop();
  });
}

Deno.test("a receiver that answers 500 to all gets the events one by one at each third try only, and all are given up", async () => {
  const { timers, pass } = manualTimers();
  const one = channel("webhook", () => 500, { timers });
  one.deliveries.send([notice("a"), notice("b"), notice("c")]);
  await pass(60 * minuteMs);
  assert.equal(one.record().attempts, attemptsMax);
  assert.deepEqual(one.events().map(([, state]) => state), ["dead", "dead", "dead"]);
  const sizes = one.sent.map(({ rules }) => rules.length);
  const third = [3, 3, 3, 1, 1, 1];
  assert.deepEqual(sizes, [...third, ...third, ...third, ...third]);
  await one.deliveries.stop();
});

Deno.test("a receiver that is busy is sent no single events, but before it is given up one", async () => {
  const { timers, pass } = manualTimers();
  const one = channel("webhook", (rules) => rules.length > 1 ? 503 : 200, { timers });
  one.deliveries.send([notice("a"), notice("b")]);
  await pass(60 * minuteMs);
  assert.deepEqual(one.sent.map(({ rules }) => rules.length), [
    ...Array(attemptsMax).fill(2),
    1,
    1,
  ]);
  assert.equal(one.record().state, "delivered");
  await one.deliveries.stop();
});

Deno.test("while a receiver fails for all, only the first delivery uses up its tries, and the others alternate", async () => {
  const { timers, pass } = manualTimers();
  const one = channel("webhook", () => 500, { timers });
  for (const rule of ["a", "b", "c"]) one.deliveries.send([notice(rule)]);
  await pass(10_000);
  assert.deepEqual([...one.saved.values()].map(({ attempts }) => attempts), [4, 0, 0]);
  const behind = one.sent.flatMap(({ rules }) => rules).filter((rule) => rule !== "a");
  assert.deepEqual(behind, ["b", "c", "b", "c"]);
  await one.deliveries.stop();
});

Deno.test("behind one that waits for an hour, another that failed is tried again after a second", async () => {
  const { timers, pass } = manualTimers();
  const hour = () => new Response(null, { status: 500, headers: { "retry-after": "3600" } });
  const one = channel("pagerduty", ([rule], sent) => {
    if (rule === "bad") return hour();
    return rule === "b" && !sent.some(({ rules }) => rules.includes("b")) ? 500 : 202;
  }, { timers });
  one.deliveries.send([notice("bad")]);
  one.deliveries.send([notice("a"), notice("b")]);
  await pass(1_000);
  assert.deepEqual(one.sent.map(({ rules }) => rules.join()), ["bad", "a", "b", "b"]);
  await one.deliveries.stop();
});

Deno.test("two deliveries that fail do not hold up a third, nor one that comes later", async () => {
  const { timers, pass } = manualTimers();
  const one = channel("webhook", ([rule]) => rule?.startsWith("bad") ? 500 : 200, { timers });
  for (const rule of ["bad1", "bad2", "good"]) one.deliveries.send([notice(rule)]);
  await pass(1_000);
  const arrived = () =>
    one.sent.filter(({ status }) => status === 200).flatMap(({ rules }) => rules);
  assert.deepEqual(arrived(), ["good"]);
  await pass(10 * minuteMs);
  one.deliveries.send([notice("later")]);
  await pass(minuteMs);
  assert.deepEqual(arrived(), ["good", "later"]);
  const requests = one.sent.length;
  await pass(minuteMs);
  assert.ok(one.sent.length - requests < 10, "a receiver that fails is not flooded");
  await one.deliveries.stop();
});

Deno.test("one event that fails a delivery behind another that waits costs the rest of it no longer wait", async () => {
  const { timers, pass } = manualTimers();
  const one = channel("webhook", (rules) => rules.join().includes("bad") ? 500 : 200, { timers });
  one.deliveries.send([notice("bad1")]);
  one.deliveries.send([notice("good"), notice("bad2")]);
  await pass(minuteMs);
  assert.deepEqual(one.events(), [
    ["bad1", "queued", "it answered 500"],
    ["good", "delivered", null],
    ["bad2", "queued", "it answered 500"],
  ]);
  await one.deliveries.stop();
});

Deno.test("while one delivery fails, an Alertmanager gets all other alerts each minute", async () => {
  const { timers, pass } = manualTimers();
  const one = channel("alertmanager", (rules) => rules.includes("bad") ? 500 : 200, { timers });
  one.deliveries.send([notice("bad")]);
  const firing = [notice("good"), notice("bad"), notice("fine")];
  for (let minute = 0; minute < 15; minute++) {
    one.deliveries.repeat(firing);
    await pass(minuteMs);
  }
  const arrived = one.sent.filter(({ status }) => status === 200);
  assert.deepEqual(new Set(arrived.map(({ rules }) => rules.join())), new Set(["good,fine"]));
  assert.equal(arrived.length, 15);
  await one.deliveries.stop();
});

Deno.test("an Alertmanager that is busy gets no repetition until the waiting delivery is tried", async () => {
  const { timers, pass } = manualTimers();
  let isAway = true;
  const one = channel("alertmanager", () => isAway ? 503 : 200, { timers });
  one.deliveries.send([notice("a")]);
  await pass(0);
  one.deliveries.repeat([notice("b")]);
  await pass(0);
  assert.deepEqual(one.sent.map(({ rules }) => rules.join()), ["a"]);
  isAway = false;
  await pass(1_000);
  one.deliveries.repeat([notice("b")]);
  await pass(0);
  assert.deepEqual(one.sent.map(({ rules }) => rules.join()), ["a", "a", "b"]);
  await one.deliveries.stop();
});

Deno.test("an Alertmanager that answers 500 to one alert gets the others again each minute", async () => {
  const { timers, pass } = manualTimers();
  const one = channel("alertmanager", (rules) => rules.includes("bad") ? 500 : 200, { timers });
  one.deliveries.repeat([notice("good"), notice("bad"), notice("fine")]);
  await pass(0);
  const arrived = one.sent.filter(({ status }) => status === 200).flatMap(({ rules }) => rules);
  assert.deepEqual(arrived, ["good", "fine"]);
  await one.deliveries.stop();
});

/** A channel whose first delivery fails and waits, and whose second is under way until `answer` is called. */
async function overtaking() {
  const { timers, settled } = manualTimers();
  const { promise, resolve } = Promise.withResolvers<Response>();
  const one = channel("webhook", ([rule]) => {
    if (rule === "bad") return 500;
    return rule === "slow" ? promise : 200;
  }, { timers });
  one.deliveries.send([notice("bad")]);
  one.deliveries.send([notice("slow")]);
  await settled();
  return { ...one, settled, answer: () => resolve(new Response(null, { status: 200 })) };
}

Deno.test("a delivery that arrives while the process stops is saved as delivered", async () => {
  const { deliveries, events, answer } = await overtaking();
  const stopped = deliveries.stop();
  answer();
  await stopped;
  assert.deepEqual(events(), [
    ["bad", "queued", "it answered 500"],
    ["slow", "delivered", null],
  ]);
});

Deno.test("a full queue never drops the delivery that is being sent", async () => {
  const { deliveries, events, answer, settled } = await overtaking();
  for (let count = 0; count < 1_000; count++) deliveries.send([notice("other")]);
  const states = () => events().slice(0, 6).map(([rule, state]) => `${rule} ${state}`);
  const others = ["other dead", "other dead", "other queued", "other queued"];
  assert.deepEqual(states(), ["bad queued", "slow queued", ...others]);
  answer();
  await settled();
  assert.deepEqual(states().slice(0, 2), ["bad queued", "slow delivered"]);
  await deliveries.stop();
});

Deno.test("whatever fails for a while, each event arrives once, and those about one alert in their order", async () => {
  const parcels = fc.array(
    fc.array(fc.constantFrom("a", "b", "c", "d"), { minLength: 1, maxLength: 4 }),
    {
      minLength: 1,
      maxLength: 6,
    },
  );
  const answers = fc.array(fc.constantFrom(200, 500, 500, 503, 429), {
    maxLength: attemptsMax - 1,
  });
  const type = fc.constantFrom("webhook" as const, "slack" as const);
  await fc.assert(
    fc.asyncProperty(type, parcels, answers, async (type, parcels, answers) => {
      const { timers, pass } = manualTimers();
      const left = [...answers];
      const one = channel(type, () => left.shift() ?? 200, { timers });
      let place = 0;
      for (const rules of parcels) {
        one.deliveries.send(rules.map((rule) => {
          const { kind, alert } = notice(rule);
          return { kind, alert: { ...alert, message: `about ${rule}${place++}` } };
        }));
        await pass(500);
      }
      await pass(3 * 60 * minuteMs);
      const arrived = one.sent.filter(({ status }) => status === 200)
        .flatMap(({ rules }) => rules.filter((rule) => /\d/.test(rule)));
      const wanted = parcels.flat().map((rule, at) => `${rule}${at}`);
      for (const rule of ["a", "b", "c", "d"]) {
        const about = (events: string[]) => events.filter((event) => event.startsWith(rule));
        assert.deepEqual(about(arrived), about(wanted));
      }
      assert.ok([...one.saved.values()].every(({ state }) => state === "delivered"));
      await one.deliveries.stop();
    }),
    { numRuns: 60 },
  );
});
