import assert from "node:assert/strict";
import { describeMemory, heapGrowthMax, watchMemory } from "../fuzz/memory.ts";

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

Deno.test("memory that falls back after some collections passes, with its peak", async () => {
  const { allocate, ...rest } = process(() => 50 * mib);
  const memory = watchMemory(rest);
  allocate(300 * mib);
  memory.sample();
  const report = await memory.end();
  assert.ok(report.fellBack);
  assert.equal(report.peak.heapUsed, 350 * mib);
  assert.ok(report.after.heapUsed <= 50 * mib + heapGrowthMax);
  assert.match(describeMemory(report), /^heap 50 before, 350 at most, .* MiB: fell back$/);
});

Deno.test("memory that a run keeps is a finding", async () => {
  let held = 50 * mib;
  const { allocate, ...rest } = process(() => held);
  const memory = watchMemory({ ...rest, waitMs: 200 });
  held = 90 * mib;
  allocate(100 * mib);
  const report = await memory.end();
  assert.ok(!report.fellBack);
  assert.match(describeMemory(report), /90 after; .*grew by more than 24 MiB$/);
});
