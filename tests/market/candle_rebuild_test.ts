import assert from "node:assert/strict";
import fc from "fast-check";
import { bruteForce, day, intervals, readCandles, widths } from "../helpers/candles.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { problemOf, readTicks, send, type Tick, tick } from "../helpers/ticks.ts";
import { slowTests } from "../helpers/skip.ts";

interface Rebuilt {
  minutes_checked: number;
  changed: number;
  removed: number;
  skipped: { partition: string; reason: string }[];
  next_from: string | null;
}

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp();
});
Deno.test.afterAll(() => app.stop());

const minute = 60_000;
const midnight = Math.floor(Date.now() / day) * day - 2 * day;
const iso = (ms: number) => new Date(ms).toISOString();

async function rebuild(body: Record<string, unknown>): Promise<Rebuilt> {
  const response = await app.post("/api/candles/rebuild", body);
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return await response.json();
}

const idOf = async (symbol: string): Promise<number> => {
  const [row] = await app.sql<{ id: number }[]>`
    select id from market.instruments where symbol = ${symbol}`;
  assert.ok(row);
  return row.id;
};

/** Holds that the candles of every interval are those of the ticks that are there. */
async function agree(symbol: string): Promise<void> {
  const ticks = await readTicks(app, symbol);
  for (const interval of intervals) {
    assert.deepEqual(
      await readCandles(app, symbol, interval),
      bruteForce(ticks, widths[interval]),
      interval,
    );
  }
}

const offers = fc.array(
  fc.record({
    at: fc.integer({ min: -40, max: 40 }).map((at) => at * 15_000),
    price: fc.integer({ min: 0, max: 40 }),
    size: fc.integer({ min: 0, max: 1_000 }),
  }),
  { minLength: 1, maxLength: 60 },
);
let turn = 0;

Deno.test("whatever raw SQL did to the ticks, a rebuild makes their candles, and then finds nothing more", async () => {
  // Raw inserts find no partition made for them.
  const days = [midnight - 1, midnight].map((at) => tick({ ts: iso(at), symbol: "DAYS" }));
  await send(app, days, "?create=true");
  await fc.assert(
    fc.asyncProperty(
      offers,
      offers,
      fc.integer({ min: 0, max: 100 }),
      async (first, second, share) => {
        const symbol = `R${turn++}`;
        const ticks = first.map(({ at, ...rest }) =>
          tick({ ts: iso(midnight + at), symbol, ...rest })
        );
        await send(app, ticks, "?create=true");
        const id = await idOf(symbol);
        await app.sql`
          delete from market.ticks where instrument_id = ${id} and random() * 100 < ${share}::int4`;
        await app.sql`
          update market.ticks set price = price + 1, size = size * 2
          where instrument_id = ${id} and random() < 0.2`;
        await app.sql`
          insert into market.ticks (ts, price, size, instrument_id)
          select t::timestamptz, p, s, ${id}::int4
          from unnest(
            ${second.map(({ at }) => iso(midnight + at))}::text[],
            ${second.map(({ price }) => price)}::float8[],
            ${second.map(({ size }) => size)}::float8[]
          ) as n (t, p, s)`;
        const found = await rebuild({ symbol, dry_run: true });
        const mended = await rebuild({ symbol });
        assert.deepEqual(mended, found);
        assert.ok(mended.changed > 0);
        await agree(symbol);
        const { changed, removed } = await rebuild({ symbol });
        assert.deepEqual([changed, removed], [0, 0]);
        // What stands now goes on being merged with what comes.
        await send(app, ticks.slice(0, 5));
        await agree(symbol);
      },
    ),
    { numRuns: slowTests.present ? 40 : 12 },
  );
});

Deno.test("candles that the ingest made need no rebuild, fractions of sizes included", async () => {
  const symbol = "FRACTIONS";
  for (let batch = 0; batch < 5; batch++) {
    const ticks = Array.from({ length: 200 }, (_, at) =>
      tick({
        ts: iso(midnight + ((at * 7919) % 500) * 1_000),
        symbol,
        price: 1 + at % 7,
        size: Math.random() * 10 ** (at % 8 - 4),
      }));
    await send(app, ticks, "?create=true");
  }
  const { minutes_checked, changed, removed } = await rebuild({ symbol });
  assert.deepEqual([minutes_checked, changed, removed], [9, 0, 0]);
});

Deno.test("a dry run changes nothing; from and to choose minutes by their start", async () => {
  const symbol = "CHOSEN";
  const ticks = Array.from(
    { length: 30 },
    (_, at) => tick({ ts: iso(midnight + at * minute), symbol, price: at }),
  );
  await send(app, ticks, "?create=true");
  const before = await readCandles(app, symbol, "1m");
  await app.sql`delete from market.ticks where instrument_id = ${await idOf(symbol)}`;
  assert.deepEqual(await rebuild({ symbol, dry_run: true }), {
    minutes_checked: 30,
    changed: 0,
    removed: 30,
    skipped: [],
    next_from: null,
  });
  assert.deepEqual(await readCandles(app, symbol, "1m"), before);
  // From within minute 9 on, so from minute 10; before some of minute 20, so minute 20 is in.
  const part = { from: iso(midnight + 9 * minute + 1), to: iso(midnight + 20 * minute + 1) };
  assert.equal((await rebuild({ symbol, ...part })).removed, 11);
  assert.deepEqual(
    await readCandles(app, symbol, "1m"),
    before.filter((_, at) => at < 10 || at > 20),
  );
  assert.equal((await rebuild({ symbol, from: part.to, to: part.from })).minutes_checked, 0);
});

Deno.test("minutes whose partition is gone keep their candles; of one made anew, unless forced", async () => {
  const symbol = "GONE";
  const old = Date.UTC(2013, 9, 7, 8);
  const at = (ms: number) => tick({ ts: iso(ms), symbol, price: 5 });
  await send(app, [at(old), at(midnight)], "?create=true&backfill=true");
  const kept = await readCandles(app, symbol, "1m");
  await app.sql`alter table market.ticks detach partition market.ticks_p20131007`;
  const { minutes_checked, changed, removed } = await rebuild({ symbol });
  assert.deepEqual([minutes_checked, changed, removed], [1, 0, 0]);
  assert.deepEqual(await readCandles(app, symbol, "1m"), kept);
  // As retention writes it down.
  await app.sql`
    insert into holdfast.maintenance_log (action, table_name, partition_name, reason, duration_ms)
    values ('detach', 'market.ticks', 'ticks_p20131007', 'test', 1)`;
  await app.sql`drop table market.ticks_p20131007`;
  const late = [at(old + minute)];
  await assert.rejects(send(app, late, "?backfill=true"), /503/); // it believed in the leaf
  await send(app, late, "?backfill=true");
  const careful = await rebuild({ symbol });
  assert.deepEqual(careful.skipped.map(({ partition }) => partition), ["market.ticks_p20131007"]);
  assert.equal((await readCandles(app, symbol, "1m")).length, 3);
  const forced = await rebuild({ symbol, force: true });
  assert.deepEqual([forced.removed, forced.skipped.length], [1, 0]);
  assert.equal((await readCandles(app, symbol, "1m")).length, 2);
});

Deno.test("rebuilds and uploads of the same minutes at once end at the candles of the ticks", async () => {
  const symbol = "BUSY";
  const batch = (turn: number): Tick[] =>
    Array.from(
      { length: 300 },
      (_, at) =>
        tick({ ts: iso(midnight + ((at * 131 + turn) % 7_200) * 1_000), symbol, price: turn + at }),
    );
  await send(app, batch(0), "?create=true");
  const id = await idOf(symbol);
  let running = true;
  const uploads = async (lane: number) => {
    for (let turn = 0; turn < 15; turn++) await send(app, batch(lane * 100 + turn));
  };
  let rebuilds = 0;
  const rebuilding = async () => {
    for (let at = 0; running; at++) {
      // Always something to mend, while uploads merge into the same rows.
      for (const minutes of [at % 120, (at * 31) % 120]) {
        await app.sql`
          update market.candles_1m set high = high + 1, trades = trades + 1
          where instrument_id = ${id} and ts = ${
          iso(midnight + minutes * minute)
        }::text::timestamptz`;
      }
      const { changed } = await rebuild({ symbol });
      if (changed > 0) rebuilds++;
    }
  };
  const mending = rebuilding();
  await Promise.all([uploads(1), uploads(2), uploads(3)]);
  running = false;
  await mending;
  assert.ok(rebuilds > 0);
  assert.equal((await readTicks(app, symbol)).length, 46 * 300);
  await agree(symbol);
});

Deno.test("a rebuild gives way to an upload under way, and mends after it", async () => {
  const symbol = "HELD";
  await send(app, [tick({ ts: iso(midnight), symbol })], "?create=true");
  const id = await idOf(symbol);
  await app.sql`update market.candles_1m set high = 99 where instrument_id = ${id}`;
  // As an upload does between its merge and its commit.
  const upload = await app.sql.reserve();
  await upload`begin`;
  await upload`update market.candles_1m set trades = trades where instrument_id = ${id}`;
  let done = false;
  const rebuilding = rebuild({ symbol }).finally(() => done = true);
  await upload`select pg_sleep(0.7)`; // longer than one attempt waits for the row
  assert.equal(done, false);
  await upload`commit`;
  upload.release();
  assert.equal((await rebuilding).changed, 1);
  await agree(symbol);
});

Deno.test("a rebuild that cannot be made is a problem", async () => {
  const questions: [unknown, number][] = [
    [{ symbol: "NOBODY" }, 404],
    [{}, 400],
    [{ symbol: "HELD", from: "yesterday" }, 400],
    [{ symbol: "HELD", dry_run: "yes" }, 400],
    ["[", 400],
  ];
  for (const [body, status] of questions) {
    assert.equal(
      (await problemOf(await app.post("/api/candles/rebuild", body))).status,
      status,
      JSON.stringify(body),
    );
  }
});
