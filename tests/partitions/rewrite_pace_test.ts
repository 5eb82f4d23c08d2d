import assert from "node:assert/strict";
import {
  firstBatchBlocks,
  nextBatchBlocks,
  swapLimitMs,
} from "../../services/partitions/rewrite/pace.ts";

Deno.test("batches grow to a quarter of a second, at most twofold a step, and shrink at once", () => {
  assert.equal(nextBatchBlocks(64, 0), 128);
  assert.equal(nextBatchBlocks(64, 250), 64);
  assert.equal(nextBatchBlocks(64, 2_500), 6);
  assert.equal(nextBatchBlocks(1, 60_000), 1);
  assert.equal(nextBatchBlocks(2_048, 1), 2_048);
  // A disk that copies a block in half a millisecond.
  let blocks = firstBatchBlocks;
  for (let batch = 0; batch < 10; batch++) blocks = nextBatchBlocks(blocks, blocks / 2);
  assert.equal(blocks, 500);
});

Deno.test("a swap that keeps taking too long is given more time", () => {
  assert.deepEqual([0, 11, 12, 24].map((slow) => swapLimitMs("drain", slow)), [90, 90, 180, 270]);
  assert.equal(swapLimitMs("convert", 0), 400);
});
