import { createAlarms } from "../../services/ingest/admission/alarms.ts";
import assert from "node:assert/strict";
import fc from "fast-check";
import { HoldfastError } from "../../errors.ts";
import { storeApart } from "../../services/ingest/write/isolation.ts";
import { createKeyTurns } from "../../services/ingest/admission/key_locks.ts";
import {
  createRoom,
  type Hold,
  type RoomKind,
} from "../../services/ingest/admission/memory_budget.ts";
import { createRowFeed } from "../../services/ingest/write/row_source.ts";
import { refuse, type RowBatch } from "../../services/ingest/tick.ts";

const kind = fc.constantFrom<RoomKind>("small", "large");
const step = fc.oneof(
  fc.record({ do: fc.constant("take" as const), kind, rows: fc.nat(400) }),
  fc.record({ do: fc.constant("move" as const), at: fc.nat(20), kind, rows: fc.nat(400) }),
  fc.record({ do: fc.constant("give back" as const), at: fc.nat(20) }),
);

Deno.test("room is never held beyond its bounds, and all of it comes back", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const room = createRoom(1_000);
    /** What each holds; one alone of its kind may hold any number. */
    const holds: { hold: Hold; kind: RoomKind; rows: number }[] = [];
    const of = (kind: RoomKind) => holds.filter((one) => one.kind === kind && one.rows > 0);
    const sum = (list: { rows: number }[]) => list.reduce((total, { rows }) => total + rows, 0);
    for (const step of steps) {
      try {
        if (step.do === "take") {
          holds.push({ hold: room.take(step.kind, step.rows), kind: step.kind, rows: step.rows });
        } else {
          const one = holds[step.at];
          if (!one) continue;
          if (step.do === "move") {
            one.hold.move(step.kind, step.rows);
            Object.assign(one, { kind: step.kind, rows: step.rows });
          } else {
            one.hold.giveBack();
            one.rows = 0;
          }
        }
      } catch (error) {
        assert.ok(error instanceof HoldfastError && error.code === "overloaded");
      }
      assert.equal(room.held, sum(holds));
      assert.ok(sum(of("large")) <= 500 || of("large").length === 1);
      assert.ok(sum(of("small")) <= 1_000 || of("small").length === 1);
      assert.ok(room.held <= 1_000 + 400, "small ones alone may add one to what is full");
    }
    for (const { hold } of [...holds, ...holds]) hold.giveBack();
    assert.equal(room.held, 0);
  }));
});

const refused = (code: "malformed_body" | "database_unavailable" | "storage_full") =>
  new HoldfastError(code, code);

Deno.test("stored apart, one that is refused spoils no other; a fault of all ends it", async () => {
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

Deno.test("stored apart, those that are not reached in time are told to come again", async () => {
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

Deno.test("under one key one upload at a time, in any number of them; another key waits for none", async () => {
  const keys = createKeyTurns({ waitMs: 5_000 });
  let inside = 0;
  let most = 0;
  await Promise.all(Array.from({ length: 20 }, async () => {
    const leave = await keys.enter("a");
    most = Math.max(most, ++inside);
    await Promise.resolve();
    inside--;
    leave();
  }));
  assert.equal(most, 1);
  const leave = await keys.enter("a");
  (await keys.enter("b"))();
  leave();
});

Deno.test("a turn under a key is waited for so long and no longer, and the next still gets its own", async () => {
  const keys = createKeyTurns({ waitMs: 10 });
  const leave = await keys.enter("a");
  const late = await keys.enter("a").catch((error) => error);
  assert.deepEqual([late.code, late.retryAfterSeconds], ["idempotency_in_flight", 2]);
  leave();
  (await keys.enter("a"))();
});

const batch = (rows: number): RowBatch => ({
  ticks: [],
  refusals: Array.from({ length: rows }, (_, line) => refuse(line, "line", "no tick", "")),
});

Deno.test("a feed passes over empty batches but the first: the last with rows is known to be the last", async () => {
  async function* batches() {
    yield batch(0);
    yield batch(2);
    yield batch(0);
    yield batch(0);
  }
  const feed = createRowFeed(batches(), createAlarms({ everyMs: 5 }));
  const sizes = [];
  for (let next = await feed.next(1_000); next && next !== "late"; next = await feed.next(1_000)) {
    sizes.push(next.refusals.length);
  }
  assert.deepEqual(sizes, [0, 2]);
});

Deno.test("a batch that was late is the next one, none is lost or doubled; a fault is told once asked", async () => {
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
  const feed = createRowFeed(batches(), createAlarms({ everyMs: 5 }));
  assert.equal((await feed.next() as RowBatch).refusals.length, 1);
  assert.equal(await feed.next(1), "late");
  assert.equal(await feed.next(1), "late");
  gate.resolve();
  assert.equal((await feed.next(1_000) as RowBatch).refusals.length, 2);
  await assert.rejects(feed.next(1_000), { code: "malformed_body" });
  await feed.close();
  assert.ok(closed);
});

Deno.test("closing a feed that waits for its sender does not wait; the wait's end ends it", async () => {
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
  const feed = createRowFeed(batches(), createAlarms({ everyMs: 5 }));
  assert.equal(await feed.next(1), "late");
  await feed.close();
  gate.resolve();
  await closed.promise;
});
