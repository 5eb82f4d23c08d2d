import assert from "node:assert/strict";
import fc from "fast-check";
import { backoffMs } from "../../lib/backoff.ts";
import { endsWithin, late, orTimeout, resultWithin, unlessAborted } from "../../lib/deadline.ts";
import { createSingleFlight } from "../../lib/single_flight.ts";

const never = new Promise<never>(() => {});

Deno.test("a result that comes in time is returned, a later one is late, and the timer is cancelled", async () => {
  let expire = () => {};
  let cancelled = 0;
  const setTimer = (_: number, work: () => void) => {
    expire = work;
    return () => cancelled++;
  };
  assert.equal(await resultWithin(Promise.resolve(7), 10, setTimer), 7);
  await assert.rejects(resultWithin(Promise.reject(new Error("no")), 10, setTimer), /no/);
  const waiting = resultWithin(never, 10, setTimer);
  expire();
  assert.equal(await waiting, late);
  assert.equal(cancelled, 3);
});

Deno.test("work is waited for until its deadline or its signal, and its later error is ignored", async () => {
  assert.equal(await endsWithin(Promise.resolve(), 1_000), true);
  const failing = Promise.withResolvers<void>();
  assert.equal(await endsWithin(failing.promise, 0), false);
  await assert.rejects(orTimeout(never, 0, () => new Error("too late")), /too late/);
  failing.reject(new Error("nobody waits"));
  const gone = AbortSignal.abort(new Error("gone"));
  await assert.rejects(unlessAborted(gone, never), /gone/);
  assert.equal(await unlessAborted(new AbortController().signal, Promise.resolve(1)), 1);
});

Deno.test("a single flight is shared by those who ask during it, and begins anew after its end", async () => {
  let runs = 0;
  const landing = [Promise.withResolvers<number>(), Promise.withResolvers<number>()];
  const fly = createSingleFlight(() => landing[runs++]?.promise ?? never);
  const [first, second] = [fly(), fly()];
  landing[0]?.reject(new Error("lost"));
  await assert.rejects(first, /lost/);
  await assert.rejects(second, /lost/);
  assert.equal(runs, 1);
  landing[1]?.resolve(2);
  assert.equal(await fly(), 2);
  assert.equal(runs, 2);
});

Deno.test("a backoff doubles from the first to the longest wait, and is none without a failure", () => {
  const limits = { firstMs: 100, maxMs: 1_000 };
  const waits = [0, 1, 2, 3, 4, 5].map((failures) => backoffMs(failures, limits));
  assert.deepEqual(waits, [0, 100, 200, 400, 800, 1_000]);
  fc.assert(fc.property(fc.nat(), (failures) => {
    const [wait, next] = [backoffMs(failures, limits), backoffMs(failures + 1, limits)];
    assert.ok(wait <= next && next <= limits.maxMs);
  }));
});
