import assert from "node:assert/strict";
import { createLimiter } from "../../lib/limiter.ts";

Deno.test("at most so much work runs at once, in order, and what fails makes room", async () => {
  const limited = createLimiter({ max: 2, slotMs: 60_000 });
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const work = (at: number) =>
    limited(() => {
      begun.push(at);
      return new Promise<void>((resolve, reject) =>
        ends.push(at === 1 ? () => reject(new Error("broken")) : resolve)
      );
    });
  const [first, second, third] = [work(0), work(1), work(2)];
  await Promise.resolve();
  assert.deepEqual(begun, [0, 1]);
  ends[1]?.();
  await assert.rejects(second, /broken/);
  await Promise.resolve();
  assert.deepEqual(begun, [0, 1, 2]);
  ends[0]?.();
  ends[2]?.();
  await Promise.all([first, third]);
});

Deno.test("work beyond its slot holds up no other, and frees its slot once", async () => {
  const limited = createLimiter({ max: 1, slotMs: 1 });
  const { promise, resolve } = Promise.withResolvers<void>();
  const slow = limited(() => promise);
  assert.equal(await limited(() => Promise.resolve("next")), "next");
  resolve();
  await slow;
  let running = 0;
  const counted = () =>
    limited(async () => {
      running++;
      await Promise.resolve();
      assert.equal(running, 1, "one at a time again");
      running--;
    });
  await Promise.all([counted(), counted()]);
});
