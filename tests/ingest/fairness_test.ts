import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { beginUpload, type SlowUpload } from "../helpers/slow_upload.ts";

/** More rows than an upload may have to be written together with others. */
const large = 300;
const small = 100;
let app: TestApp;

const bounds = {
  HOLDFAST_INGEST_LANES: "2",
  HOLDFAST_INGEST_STALL_SECONDS: "1",
  HOLDFAST_INGEST_GROUP_ROWS: String(small),
  HOLDFAST_INGEST_BATCH_ROWS: "100",
  HOLDFAST_INGEST_HELD_ROWS: "1000",
};

Deno.test.beforeAll(async () => {
  app = await startApp(bounds);
});

Deno.test.afterAll(() => app.stop());

function rows(symbol: string, count: number): string {
  const row = JSON.stringify({ ts: new Date().toISOString(), symbol, price: 1, size: 1 });
  return `${row}\n`.repeat(count);
}

async function upload(
  { url }: TestApp,
  body: string,
  { key, withinMs = 5_000 }: { key?: string; withinMs?: number } = {},
) {
  const answer = await fetch(`${url}/api/ticks?create=true`, {
    method: "POST",
    headers: {
      "content-type": "application/x-ndjson",
      ...(key === undefined ? {} : { "idempotency-key": key }),
    },
    body,
    signal: AbortSignal.timeout(withinMs),
  });
  return {
    status: answer.status,
    retryAfter: answer.headers.get("retry-after"),
    body: await answer.json(),
  };
}

async function stored({ sql }: TestApp, symbol: string): Promise<number> {
  const [found] = await sql<{ rows: number }[]>`
    select count(*)::int as rows
    from market.ticks as t
    join market.instruments as i on i.id = t.instrument_id
    where i.symbol = ${symbol}`;
  return found?.rows ?? 0;
}

/** Waits until so many uploads are being written, and so many wait for that. */
async function lanes(of: TestApp, active: number, waiting: number): Promise<void> {
  await eventually(() => {
    const { ingest } = of.holdfast.monitor.snapshot();
    return ingest.lanes.active === active && ingest.lanes.waiting === waiting;
  }, `${active} uploads are written, ${waiting} wait`);
}

/** An upload that has a lane and then sends a row now and then, too few to make a batch. */
async function dawdle(of: TestApp, symbol: string, key?: string): Promise<SlowUpload> {
  const dawdler = await beginUpload(of.url, key === undefined ? {} : { key });
  await dawdler.send(rows(symbol, large));
  dawdler.trickle(() => rows(symbol, 1), 300);
  return dawdler;
}

Deno.test("with every lane held by an upload that dawdles, small uploads are answered at once", async () => {
  const dawdlers = [await dawdle(app, "D1"), await dawdle(app, "D2")];
  await lanes(app, 2, 0);
  for (let nth = 0; nth < 20; nth++) {
    const { status, body } = await upload(app, rows("SMALL", small), { withinMs: 3_000 });
    assert.deepEqual([status, body.accepted], [200, small]);
  }
  assert.deepEqual(dawdlers.map((one) => one.isAnswered()), [false, false]);
  // Nobody waits for their lanes, so they may take their time: longer than is waited when somebody does.
  await new Promise((done) => setTimeout(done, 2_500));
  assert.deepEqual(dawdlers.map((one) => one.isAnswered()), [false, false]);
  for (const dawdler of dawdlers) {
    const { status, body } = await dawdler.finish();
    assert.equal(status, 200, body.detail);
    assert.ok((body.accepted ?? 0) > large);
  }
  await lanes(app, 0, 0);
});

Deno.test("an upload that dawdles loses its lane to one that waits, and stores nothing", async () => {
  const dawdlers = [await dawdle(app, "D3"), await dawdle(app, "D4")];
  await lanes(app, 2, 0);
  const { status, body } = await upload(app, rows("WAITED", large), { withinMs: 8_000 });
  assert.deepEqual([status, body.accepted], [200, large]);
  const ended = await Promise.race(dawdlers.map(({ answer }) => answer));
  assert.deepEqual([ended.status, ended.body.code], [408, "upload_stalled"]);
  for (const dawdler of dawdlers) dawdler.vanish();
  await lanes(app, 0, 0);
  assert.deepEqual(await Promise.all(["D3", "D4"].map((symbol) => stored(app, symbol))), [0, 0]);
  assert.equal(await stored(app, "WAITED"), large);
});

Deno.test("one that sends again what is stored, and dawdles, loses its lane too", async () => {
  for (const key of ["again-1", "again-2"]) {
    assert.equal((await upload(app, rows("AGAIN", large), { key })).status, 200);
  }
  const dawdlers = [
    await dawdle(app, "AGAIN", "again-1"),
    await dawdle(app, "AGAIN", "again-2"),
  ];
  await lanes(app, 2, 0);
  assert.equal((await upload(app, rows("WAITED", large), { withinMs: 8_000 })).status, 200);
  const ended = await Promise.race(dawdlers.map(({ answer }) => answer));
  assert.deepEqual([ended.status, ended.body.code], [408, "upload_stalled"]);
  for (const dawdler of dawdlers) dawdler.vanish();
  await lanes(app, 0, 0);
});

Deno.test("large uploads that wait leave room for small ones", async () => {
  // Nobody may lose a lane here, however slow the machine.
  const patient = await startApp({
    ...bounds,
    HOLDFAST_INGEST_STALL_SECONDS: "300",
    HOLDFAST_INGEST_LANE_WAIT_SECONDS: "300",
  });
  try {
    const dawdlers = [await dawdle(patient, "D5"), await dawdle(patient, "D6")];
    // Each large upload holds its first two batches: two find room in half of 1,000 rows, and wait. Until those that have
    // a lane have written their own, there is less of it.
    const waiting: ReturnType<typeof upload>[] = [];
    for (const nth of [1, 2]) {
      const next = await eventually(async () => {
        const answer = upload(patient, rows("MANY", large), { withinMs: 120_000 });
        return await Promise.race([
          answer.then(() => false as const),
          lanes(patient, 2, nth).then(() => ({ answer })),
        ]);
      }, "it waits");
      waiting.push(next.answer);
    }
    for (let nth = 0; nth < 8; nth++) {
      const { status, retryAfter, body } = await upload(patient, rows("MANY", large));
      assert.deepEqual([status, body.code, retryAfter], [503, "overloaded", "1"]);
    }
    for (let nth = 0; nth < 5; nth++) {
      assert.equal((await upload(patient, rows("SMALL", small))).status, 200);
    }
    for (const dawdler of dawdlers) assert.equal((await dawdler.finish()).status, 200);
    for (const answer of waiting) assert.equal((await answer).status, 200);
    for (let nth = 0; nth < 10; nth++) {
      const { status } = await upload(patient, rows("MANY", large));
      assert.equal(status, 200, "the room is free again");
    }
  } finally {
    await patient.stop();
  }
});

Deno.test("small uploads are answered while a huge one is under way", async () => {
  const huge = await beginUpload(app.url);
  let sent = 0;
  let enough = false;
  const sending = (async () => {
    const chunk = rows("HUGE", 500);
    while (!enough) {
      await huge.send(chunk);
      sent += 500;
      await new Promise((done) => setTimeout(done, 0));
    }
  })();
  await eventually(() => sent > 20_000, "much of it is sent");
  for (let nth = 0; nth < 20; nth++) {
    const { status } = await upload(app, rows("SMALL", small), { withinMs: 3_000 });
    assert.equal(status, 200);
  }
  assert.equal(huge.isAnswered(), false, "it is still under way");
  enough = true;
  await sending;
  const { status, body } = await huge.finish();
  assert.deepEqual([status, body.accepted], [200, sent]);
  assert.equal(await stored(app, "HUGE"), sent);
});

Deno.test("more rows than may wait are refused, and the room comes back", async () => {
  for (let round = 0; round < 2; round++) {
    let waiting: ReturnType<typeof upload>[] = [];
    await app.sql.begin(async (sql) => {
      await sql`lock table market.ticks in access exclusive mode`;
      waiting = Array.from({ length: 20 }, () => upload(app, rows("HELD", small)));
      const first = await Promise.race(waiting);
      assert.deepEqual([first.status, first.body.code, first.retryAfter], [503, "overloaded", "1"]);
    });
    const answers = await Promise.all(waiting);
    assert.equal(answers.filter(({ status }) => status === 200).length, 10, "1,000 rows of 2,000");
    assert.equal(answers.filter(({ status }) => status === 503).length, 10);
  }
  assert.equal(await stored(app, "HELD"), 2 * 10 * small);
  await lanes(app, 0, 0);
});

Deno.test("JSON arrays are read as they come: a large one under way keeps nobody out", async () => {
  const array = (symbol: string, count: number) =>
    `[${rows(symbol, count).trim().replaceAll("\n", ",")}]`;
  const json = { type: "application/json" };
  const first = await beginUpload(app.url, json);
  try {
    await first.send(array("ARRAY", 20_000).slice(0, -1));
    first.trickle(() => " ", 200);
    await lanes(app, 1, 0);
    for (const count of [20_000, small]) {
      const other = await beginUpload(app.url, json);
      await other.send(array("BESIDE", count));
      const { status, body } = await other.finish();
      assert.deepEqual([status, body.accepted], [200, count]);
    }
    assert.equal(first.isAnswered(), false, "it is still under way");
    await first.send("]");
    const { status, body } = await first.finish();
    assert.deepEqual([status, body.accepted], [200, 20_000]);
  } finally {
    first.vanish();
  }
});

Deno.test("a client that goes away in the middle frees its lane and its key, and stores nothing", async () => {
  const gone = [await dawdle(app, "GONE", "gone-1"), await dawdle(app, "GONE", "gone-2")];
  const early = await beginUpload(app.url, { key: "gone-3" });
  await early.send(rows("GONE", 10));
  await lanes(app, 2, 0);
  for (const client of [...gone, early]) client.vanish();
  await lanes(app, 0, 0);
  assert.equal(await stored(app, "GONE"), 0);
  for (const [nth, count] of [large, large, 10].entries()) {
    // The key is free a moment after its lane.
    const { status, body } = await eventually(async () => {
      const answer = await upload(app, rows("BACK", count), { key: `gone-${nth + 1}` });
      return answer.body.code !== "idempotency_in_flight" && answer;
    }, "its key is free");
    assert.deepEqual([status, body.accepted, body.replayed], [200, count, false]);
  }
});

Deno.test("an upload of few rows that takes its time is stored, by way of a lane", async () => {
  const slow = await beginUpload(app.url);
  await slow.send(rows("SLOW", 10));
  slow.trickle(() => rows("SLOW", 1), 300);
  await lanes(app, 0, 0);
  await new Promise((done) => setTimeout(done, 1_500));
  const { status, body } = await slow.finish();
  assert.equal(status, 200, body.detail);
  assert.equal(await stored(app, "SLOW"), body.accepted);
});

Deno.test("the wait for a lane is bounded, in number and in time", async () => {
  const narrow = await startApp({
    HOLDFAST_INGEST_LANES: "1",
    HOLDFAST_INGEST_WAITING_MAX: "1",
    HOLDFAST_INGEST_LANE_WAIT_SECONDS: "1",
    HOLDFAST_INGEST_GROUP_ROWS: String(small),
    HOLDFAST_INGEST_BATCH_ROWS: "100",
  });
  try {
    const holder = await dawdle(narrow, "HOLDER");
    await lanes(narrow, 1, 0);
    const waiting = upload(narrow, rows("LATE", large));
    await lanes(narrow, 1, 1);
    const oneTooMany = await upload(narrow, rows("MANY", large), { withinMs: 3_000 });
    assert.deepEqual([oneTooMany.status, oneTooMany.body.code], [503, "overloaded"]);
    assert.equal(oneTooMany.retryAfter, "1");
    const late = await waiting;
    assert.deepEqual([late.status, late.body.code, late.retryAfter], [503, "overloaded", "1"]);
    await lanes(narrow, 1, 0);
    assert.equal((await holder.finish()).status, 200);
    assert.equal((await upload(narrow, rows("LATE", large))).status, 200);
    assert.equal(await stored(narrow, "MANY"), 0);
  } finally {
    await narrow.stop();
  }
});
