import assert from "node:assert/strict";
import { createAlarms } from "../../services/ingest/admission/alarms.ts";
import type { RowBatch } from "../../services/ingest/tick.ts";
import { createRowSource } from "../../services/ingest/write/row_source.ts";

const batch = (rows: number): RowBatch => ({
  ticks: Array.from({ length: rows }, (_, line) => ({
    line,
    raw: "",
    symbol: "A",
    price: 1,
    size: 1,
    tsUs: 0,
  })) as unknown as RowBatch["ticks"],
  refusals: [],
});

async function* batches(count: number, gate?: Promise<void>): AsyncGenerator<RowBatch> {
  for (let nth = 0; nth < count; nth++) {
    if (nth === 2) await gate;
    yield batch(2);
  }
}

Deno.test("a source gives every batch, then says that it is the end", async () => {
  const source = createRowSource(batches(3), createAlarms());
  for (let nth = 0; nth < 3; nth++) {
    const next = await source.next();
    assert.ok(next && next !== "late" && next.ticks.length === 2);
  }
  assert.equal(await source.next(), undefined);
  await source.close();
});

Deno.test("a source that was closed before its end is never taken for one that ended", async () => {
  const left = { code: "client_left" };
  const idle = createRowSource(batches(3), createAlarms());
  await idle.next();
  await idle.close();
  await assert.rejects(idle.next(), left);
  await assert.rejects(idle.next(10), left);

  const gate = Promise.withResolvers<void>();
  const waiting = createRowSource(batches(3, gate.promise), createAlarms());
  await waiting.next();
  await waiting.next();
  const third = waiting.next();
  await waiting.close();
  gate.resolve();
  await assert.rejects(third, left);
});
