import assert from "node:assert/strict";
import { createSerialQueue } from "../../lib/serial_queue.ts";

Deno.test("a serial queue runs one job at a time, in order, and goes on after one that fails", async () => {
  const queue = createSerialQueue();
  const seen: string[] = [];
  const job = (name: string, fails = false) => async () => {
    seen.push(`${name} begins`);
    await Promise.resolve();
    seen.push(`${name} ends`);
    if (fails) throw new Error(name);
    return name;
  };
  const [first, second, third] = [
    queue.run(job("first")),
    queue.run(job("second", true)),
    queue.run(job("third")),
  ];
  await assert.rejects(second, /second/);
  await queue.idle();
  assert.deepEqual([await first, await third], ["first", "third"]);
  assert.deepEqual(
    seen,
    ["first", "second", "third"].flatMap((name) => [`${name} begins`, `${name} ends`]),
  );
});
