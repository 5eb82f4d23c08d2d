import { createAlarms } from "../../services/ingest/admission/alarms.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { HoldfastError } from "../../errors.ts";
import { storeApart } from "../../services/ingest/write/isolation.ts";
import { createKeyLocks } from "../../services/ingest/admission/key_locks.ts";
import {
  createMemoryBudget,
  type Reservation,
  type UploadSize,
} from "../../services/ingest/admission/memory_budget.ts";
import { createRowSource } from "../../services/ingest/write/row_source.ts";
import { refuse, type RowBatch } from "../../services/ingest/tick.ts";

const kind = fc.constantFrom<UploadSize>("small", "large");
const step = fc.oneof(
  fc.record({ do: fc.constant("take" as const), kind, rows: fc.nat(400) }),
  fc.record({ do: fc.constant("move" as const), at: fc.nat(20), kind, rows: fc.nat(400) }),
  fc.record({ do: fc.constant("give back" as const), at: fc.nat(20) }),
);

Deno.test("the memory budget is never exceeded, and every reservation is released in full", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const budget = createMemoryBudget(1_000);
    /** What each holds; one alone of its kind may hold any number. */
    const holds: { reservation: Reservation; kind: UploadSize; rows: number }[] = [];
    const of = (kind: UploadSize) => holds.filter((one) => one.kind === kind && one.rows > 0);
    const sum = (list: { rows: number }[]) => list.reduce((total, { rows }) => total + rows, 0);
    for (const step of steps) {
      try {
        if (step.do === "take") {
          holds.push({
            reservation: budget.reserve(step.kind, step.rows),
            kind: step.kind,
            rows: step.rows,
          });
        } else {
          const one = holds[step.at];
          if (!one) continue;
          if (step.do === "move") {
            one.reservation.change(step.kind, step.rows);
            Object.assign(one, { kind: step.kind, rows: step.rows });
          } else {
            one.reservation.release();
            one.rows = 0;
          }
        }
      } catch (error) {
        assert.ok(error instanceof HoldfastError && error.code === "overloaded");
      }
      assert.equal(budget.held, sum(holds));
      assert.ok(sum(of("large")) <= 500 || of("large").length === 1);
      assert.ok(sum(of("small")) <= 1_000 || of("small").length === 1);
      assert.ok(budget.held <= 1_000 + 400, "small ones alone may add one to what is full");
    }
    for (const { reservation } of [...holds, ...holds]) reservation.release();
    assert.equal(budget.held, 0);
  }));
});

const refused = (code: "malformed_body" | "database_unavailable" | "storage_full") =>
  new HoldfastError(code, code);

Deno.test("uploads stored apart: one refused upload affects no other; a fault that all would meet ends it", async () => {
  const tried: number[] = [];
  const storeOne = (upload: number) => {
    tried.push(upload);
    return Promise.resolve(
      upload === 1 ? refused("malformed_body") : upload === 3 ? refused("storage_full") : upload,
    );
  };
  const answers = await storeApart([0, 1, 2, 3, 4, 5], { storeOne, withinMs: 1_000 });
  const codes = answers.map((answer) => answer instanceof HoldfastError ? answer.code : answer);
  assert.deepEqual(codes, [0, "malformed_body", 2, "storage_full", "storage_full", "storage_full"]);
  assert.deepEqual(tried, [0, 1, 2, 3]);
});

Deno.test("uploads stored apart: those not reached in time get `overloaded`", async () => {
  let now = 0;
  const storeOne = (upload: number) => {
    now += 400;
    return Promise.resolve(upload);
  };
  const answers = await storeApart([0, 1, 2, 3, 4], { storeOne, withinMs: 1_000, now: () => now });
  assert.deepEqual(answers.slice(0, 3), [0, 1, 2]);
  for (const late of answers.slice(3)) {
    assert.ok(late instanceof HoldfastError);
    assert.deepEqual([late.code, late.retryAfterSeconds], ["overloaded", 1]);
  }
});

Deno.test("a key lock admits one upload at a time; another key does not wait", async () => {
  const locks = createKeyLocks({ waitMs: 5_000 });
  let inside = 0;
  let most = 0;
  await Promise.all(Array.from({ length: 20 }, async () => {
    const unlock = await locks.acquire("a");
    most = Math.max(most, ++inside);
    await Promise.resolve();
    inside--;
    unlock();
  }));
  assert.equal(most, 1);
  const unlock = await locks.acquire("a");
  (await locks.acquire("b"))();
  unlock();
});

Deno.test("a wait for a key lock times out, and the next one still gets the lock", async () => {
  const locks = createKeyLocks({ waitMs: 10 });
  const unlock = await locks.acquire("a");
  const late = await locks.acquire("a").catch((error) => error);
  assert.deepEqual([late.code, late.retryAfterSeconds], ["idempotency_in_flight", 2]);
  unlock();
  (await locks.acquire("a"))();
});

const batch = (rows: number): RowBatch => ({
  ticks: [],
  refusals: Array.from({ length: rows }, (_, line) => refuse(line, "line", "no tick", "")),
});

Deno.test("a row source skips empty batches after the first", async () => {
  async function* batches() {
    yield batch(0);
    yield batch(2);
    yield batch(0);
    yield batch(0);
  }
  const source = createRowSource(batches(), createAlarms({ everyMs: 5 }));
  const sizes = [];
  for (
    let next = await source.next(1_000);
    next && next !== "late";
    next = await source.next(1_000)
  ) {
    sizes.push(next.refusals.length);
  }
  assert.deepEqual(sizes, [0, 2]);
});

Deno.test("a late batch is returned next, none is lost or doubled; a fault is thrown by the call that reads it", async () => {
  const gate = Promise.withResolvers<void>();
  let closed = false;
  async function* batches() {
    try {
      yield batch(1);
      await gate.promise;
      yield batch(2);
      throw new HoldfastError("malformed_body", "broken");
    } finally {
      closed = true;
    }
  }
  const source = createRowSource(batches(), createAlarms({ everyMs: 5 }));
  assert.equal((await source.next() as RowBatch).refusals.length, 1);
  assert.equal(await source.next(1), "late");
  assert.equal(await source.next(1), "late");
  gate.resolve();
  assert.equal((await source.next(1_000) as RowBatch).refusals.length, 2);
  await assert.rejects(source.next(1_000), { code: "malformed_body" });
  await source.close();
  assert.ok(closed);
});

Deno.test("closing a row source that waits for its sender does not wait", async () => {
  const gate = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  async function* batches() {
    try {
      await gate.promise;
      yield batch(1);
    } finally {
      closed.resolve();
    }
  }
  const source = createRowSource(batches(), createAlarms({ everyMs: 5 }));
  assert.equal(await source.next(1), "late");
  await source.close();
  gate.resolve();
  await closed.promise;
});
