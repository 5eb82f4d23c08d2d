import assert from "node:assert/strict";
import { describeMemory, heapGrowthMax, markedGrowthMax, watchMemory } from "../fuzz/memory.ts";

const mib = 1024 * 1024;

/** Memory of a process whose garbage each collection halves, down to what is held. */
function process(held: () => number) {
  let heap = 50 * mib;
  return {
    use: () => ({ heapUsed: heap, rss: 400 * mib }),
    gc: () => heap = Math.max(held(), heap / 2),
    allocate: (bytes: number) => heap += bytes,
  };
}

function repeat(times: number, work: () => void): void {
  for (let turn = 0; turn < times; turn++) work();
}

Deno.test("memory that falls back after some collections passes, with its peak", async () => {
  const { allocate, ...rest } = process(() => 50 * mib);
  const memory = watchMemory(rest);
  allocate(300 * mib);
  memory.sample();
  const report = await memory.end();
  assert.ok(report.fellBack);
  assert.equal(report.peak.heapUsed, 350 * mib);
  assert.ok(report.after.heapUsed <= 50 * mib + heapGrowthMax);
  assert.match(
    describeMemory(report),
    /^heap 50 before, 350 at most, .* MiB: fell back; too short/,
  );
});

Deno.test("memory that still grows in the second half of a run is a finding, however small the whole", async () => {
  const grow = async (firstHalf: number, secondHalf: number) => {
    let held = 50 * mib;
    const { allocate, gc, ...rest } = process(() => held);
    const memory = watchMemory({ ...rest, gc: () => repeat(10, gc), waitMs: 200 });
    held += firstHalf;
    allocate(100 * mib);
    memory.mark();
    held += secondHalf;
    allocate(100 * mib);
    memory.mark();
    return await memory.end();
  };
  const slow = await grow(2 * mib, markedGrowthMax + mib);
  assert.deepEqual([slow.fellBack, slow.stayed], [true, false]);
  assert.match(describeMemory(slow), /fell back; still grew by 9\.0 MiB in the second half/);
  const cached = await grow(20 * mib, markedGrowthMax / 4);
  assert.deepEqual([cached.fellBack, cached.stayed], [true, true]);
  assert.match(describeMemory(cached), /fell back; grew by 2\.0 MiB in the second half/);
});

Deno.test("memory that a run keeps is a finding", async () => {
  let held = 50 * mib;
  const { allocate, ...rest } = process(() => held);
  const memory = watchMemory({ ...rest, waitMs: 200 });
  held = 90 * mib;
  allocate(100 * mib);
  const report = await memory.end();
  assert.ok(!report.fellBack);
  assert.match(describeMemory(report), /90 after; .*grew by more than 24 MiB;/);
});
