import assert from "node:assert/strict";
import { attemptsMax } from "../services/alerts/delivery_events.ts";
import { channel, notice } from "./helpers/alert_channel.ts";
import { manualTimers } from "./helpers/timers.ts";

const minuteMs = 60_000;

for (const type of ["webhook", "slack", "alertmanager"] as const) {
  Deno.test(`${type}: one event answered 500 costs the others a few seconds, and is given up alone`, async () => {
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

Deno.test("an Alertmanager that answers 500 to one alert is told of the others again each minute", async () => {
  const { timers, pass } = manualTimers();
  const one = channel("alertmanager", (rules) => rules.includes("bad") ? 500 : 200, { timers });
  one.deliveries.repeat([notice("good"), notice("bad"), notice("fine")]);
  await pass(0);
  const arrived = one.sent.filter(({ status }) => status === 200).flatMap(({ rules }) => rules);
  assert.deepEqual(arrived, ["good", "fine"]);
  await one.deliveries.stop();
});
