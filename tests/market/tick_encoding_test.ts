import assert from "node:assert/strict";
import { CopyEncoder } from "../../db/copy.ts";
import { encodeTicks, type StoredTick } from "../../db/market/ticks.ts";

const tick: StoredTick = {
  tsUs: Date.UTC(2026, 0, 31) * 1000,
  instrumentId: 7,
  price: 10,
  size: 1,
  exchange: null,
  side: null,
  tradeId: null,
};
/** Bytes of a row whose labels are null, and of those before its arrival number. */
const rowBytes = 2 + 4 * 12 + 8 + 3 * 4;
const seqAt = 2 + 3 * 12 + 4;

Deno.test("arrival numbers go on across 2^32", () => {
  for (const base of [1n, 2n ** 32n - 2n, 5n * 2n ** 32n - 1n]) {
    const bytes = encodeTicks(new CopyEncoder(), [tick, tick, tick], base);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    assert.equal(bytes.length, 3 * rowBytes);
    assert.deepEqual(
      [0, 1, 2].map((row) => view.getBigInt64(row * rowBytes + seqAt)),
      [base, base + 1n, base + 2n],
    );
  }
});
