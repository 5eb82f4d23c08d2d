import assert from "node:assert/strict";
import fc from "fast-check";
import { bruteForce, day, intervals, readCandles, widths } from "../helpers/candles.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { problemOf, readTicks, send, type Tick, tick } from "../helpers/ticks.ts";
import { slowTests } from "../helpers/skip.ts";

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp();
});
Deno.test.afterAll(() => app.stop());

const minute = 60_000;
const iso = (ms: number) => new Date(ms).toISOString();

/** Where the scenarios take place: around midnight some days ago, and around the origin of the buckets. */
const scenes = [
  Math.floor(Date.now() / day) * day - 2 * day,
  Date.UTC(2000, 0, 1),
  Date.UTC(1970, 0, 2),
];
const when = fc.oneof(
  fc.integer({ min: -90 * minute, max: 90 * minute }),
  // Times that meet each other, and the edges of buckets.
  fc.constantFrom(-minute, -1, 0, 1, minute - 1, minute, 5 * minute, 59 * minute, 60 * minute),
);
const offer = fc.record({
  at: when,
  price: fc.integer({ min: 0, max: 40 }),
  size: fc.integer({ min: 0, max: 1_000 }),
});
/** Sent once, sent again without a key (stored again), or again with the same key (stored once). */
const sendings = ["once", "doubled", "replayed"] as const;
const scenario = fc.record({
  scene: fc.constantFrom(...scenes),
  batches: fc.array(
    fc.record({
      offers: fc.array(offer, { minLength: 1, maxLength: 25 }),
      sending: fc.constantFrom(...sendings),
    }),
    { minLength: 1, maxLength: 5 },
  ),
});
/** Scenarios that share their uploads, each with a symbol of its own: an upload's commit costs more than its rows. */
const together = 50;
const batchesMax = 5;
/** 1,000 with HOLDFAST_SLOW_TESTS=1. */
const scenariosTried = slowTests.present ? 1_000 : 300;

let turn = 0;

/** Runs `work` for each item, some at a time. */
async function eachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  const lane = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: 4 }, lane));
}

Deno.test("candles of every interval equal those computed from the ticks, late and doubled ones too", async () => {
  const scenarios = fc.array(scenario, { minLength: together, maxLength: together });
  await fc.assert(
    fc.asyncProperty(scenarios, async (several) => {
      const arrived = several.map(() => [] as Tick[]);
      const symbols = several.map(() => `C${turn++}`);
      const round = symbols[0];
      for (let at = 0; at < batchesMax; at++) {
        for (const sending of sendings) {
          const parts = several.map(({ scene, batches }, index) => {
            const batch = batches[at];
            return batch?.sending !== sending
              ? []
              : batch.offers.map(({ at, price, size }) =>
                tick({ ts: iso(scene + at), symbol: symbols[index] ?? "", price, size })
              );
          });
          const ticks = parts.flat();
          if (ticks.length === 0) continue;
          const headers: Record<string, string> = sending === "replayed"
            ? { "idempotency-key": `${round}-${at}` }
            : {};
          for (let time = sending === "once" ? 1 : 2; time > 0; time--) {
            const answer = await send(app, ticks, "?create=true&backfill=true", headers);
            assert.equal(answer.accepted, ticks.length);
            if (!answer.replayed) parts.forEach((part, index) => arrived[index]?.push(...part));
          }
        }
      }
      const questions = symbols.flatMap((symbol, index) =>
        intervals.map((interval) => ({ symbol, interval, ticks: arrived[index] ?? [] }))
      );
      await eachOf(questions, async ({ symbol, interval, ticks }) => {
        assert.deepEqual(
          await readCandles(app, symbol, interval),
          bruteForce(ticks, widths[interval]),
          interval,
        );
      });
    }),
    { numRuns: scenariosTried / together },
  );
});

Deno.test("candles agree with the ticks when many uploads write the same minutes at once", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(offer, { minLength: 1, maxLength: 40 }), { minLength: 6, maxLength: 10 }),
      async (uploads) => {
        const symbols = [`C${turn++}`, `C${turn++}`];
        const upload = (offers: typeof uploads[number], at: number) =>
          send(
            app,
            offers.flatMap((one, index) =>
              // Half of the uploads name the symbols in the other order.
              (at % 2 === 0 ? symbols : symbols.toReversed()).map((symbol) =>
                tick({
                  ts: new Date((scenes[0] ?? 0) + one.at).toISOString(),
                  symbol,
                  price: one.price + index,
                  size: one.size,
                })
              )
            ),
            "?create=true",
          );
        await Promise.all(uploads.map(upload));
        for (const symbol of symbols) {
          const ticks = await readTicks(app, symbol);
          assert.equal(ticks.length, uploads.flat().length);
          for (const interval of ["1m", "1h"] as const) {
            assert.deepEqual(
              await readCandles(app, symbol, interval),
              bruteForce(ticks, widths[interval]),
            );
          }
        }
      },
    ),
    { numRuns: 15 },
  );
});

Deno.test("pages of candles miss and repeat nothing", async () => {
  const symbol = "PAGED";
  const ticks = Array.from(
    { length: 50 },
    (_, at) => tick({ ts: new Date((scenes[0] ?? 0) + at * 3 * minute).toISOString(), symbol }),
  );
  await send(app, ticks, "?create=true");
  for (const interval of intervals) {
    assert.deepEqual(
      await readCandles(app, symbol, interval, { limit: "7" }),
      bruteForce(ticks, widths[interval]),
    );
  }
});

Deno.test("from and to choose whole candles by their start, from included, to not", async () => {
  const symbol = "CHOSEN";
  const start = scenes[0] ?? 0;
  const ticks = Array.from(
    { length: 180 },
    (_, at) => tick({ ts: new Date(start + at * minute).toISOString(), symbol, price: at }),
  );
  await send(app, ticks, "?create=true");
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...intervals),
      fc.integer({ min: -5, max: 190 }),
      fc.integer({ min: -5, max: 190 }),
      fc.constantFrom(0, 1, 30_000),
      async (interval, a, b, beside) => {
        const from = new Date(start + a * minute + beside).toISOString();
        const to = new Date(start + b * minute + beside).toISOString();
        const expected = bruteForce(ticks, widths[interval]).filter(({ ts }) =>
          Date.parse(ts) >= Date.parse(from) && Date.parse(ts) < Date.parse(to)
        );
        assert.deepEqual(await readCandles(app, symbol, interval, { from, to }), expected);
      },
    ),
    { numRuns: 100 },
  );
});

Deno.test("candles outlive their ticks", async () => {
  const symbol = "OUTLIVE";
  const ts = "2013-10-07T08:00:00Z";
  await send(app, [tick({ ts, symbol, price: 5 })], "?create=true&backfill=true");
  await app.sql`drop table market.ticks_p20131007`;
  assert.deepEqual(await readTicks(app, symbol), []);
  assert.deepEqual((await readCandles(app, symbol, "1d")).map(({ close }) => close), [5]);
});

Deno.test("a question about candles that cannot be answered is a problem", async () => {
  const questions: [string, number][] = [
    ["symbol=NOBODY", 404],
    ["interval=1m", 400],
    ["symbol=%00", 400],
    ["symbol=PAGED&interval=7m", 400],
    ["symbol=PAGED&from=now", 400],
    ["symbol=PAGED&limit=0", 400],
    ["symbol=PAGED&cursor=x", 400],
    [`symbol=PAGED&cursor=${btoa('["2026-99-99T00:00:00Z"]')}`, 400],
  ];
  for (const [query, status] of questions) {
    assert.equal((await problemOf(await app.request(`/api/candles?${query}`))).status, status);
  }
});
