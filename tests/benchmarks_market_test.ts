import assert from "node:assert/strict";
import { describeDay, distanceOf } from "../bench/market/describe.ts";
import { readRealDay } from "../bench/market/real_day.ts";
import { daysAhead, denseMarket } from "../bench/capacity/cases.ts";
import { createTickSource, firstTickUs } from "../bench/ticks.ts";
import { realData, testWith } from "./helpers/skip.ts";

const fourSymbols = { symbols: 4, zipf: 1.7, ticksPerDay: 630_000, late: 0.003 };

testWith(realData, "made-up days resemble the real ones as these resemble each other", async () => {
  const shape = async (day: number) =>
    describeDay(
      await readRealDay(realData.path(`2013-10-0${day}`)),
      Date.UTC(2013, 9, day, 13, 30) * 1_000,
    );
  const [first, second] = [await shape(7), await shape(9)];
  const made = describeDay(createTickSource(1, fourSymbols).next(700_000), firstTickUs);
  const between = distanceOf(first, second);
  const distance = distanceOf(made, second);
  // As near as another real day, or within a few hundredths of it.
  assert.ok(distance.halfHours <= between.halfHours + 0.02, `half hours ${distance.halfHours}`);
  assert.ok(distance.symbols <= 0.06, `symbols ${distance.symbols}`);
  assert.ok(distance.gaps <= 0.08, `gaps ${distance.gaps}`);
  assert.ok(distance.sizes <= 0.05, `sizes ${distance.sizes}`);
  assert.ok(distance.moves <= 0.02, `moves ${distance.moves}`);
  assert.ok(distance.fanoRatio > 0.5 && distance.fanoRatio < 2, `Fano ${distance.fanoRatio}`);
});

Deno.test("ticks are unique in time, mostly in order, some late, and the same for one seed", () => {
  const ticks = createTickSource(3).next(50_000);
  assert.deepEqual(createTickSource(3).next(50_000), ticks);
  assert.notDeepEqual(createTickSource(4).next(10), ticks.slice(0, 10));
  assert.equal(new Set(ticks.map(({ tsUs }) => tsUs)).size, ticks.length);
  let newest = 0;
  const late = ticks.filter(({ tsUs }) => {
    const isLate = tsUs < newest;
    newest = Math.max(newest, tsUs);
    return isLate;
  }).length;
  assert.ok(late > 50 && late < 300, `${late} late ticks of 50,000`);
  assert.ok(ticks.every(({ priceCents, size }) => priceCents >= 100 && size >= 100));
});

Deno.test("a session opens and closes with a burst, and the next one follows a day later", () => {
  const { halfHours } = describeDay(
    createTickSource(5, { ...fourSymbols, ticksPerDay: 60_000 }).next(80_000),
    firstTickUs,
  );
  const noon = halfHours[6]!;
  assert.ok(halfHours[0]! > 1.5 * noon && halfHours[12]! > 1.5 * noon, `${halfHours}`);
});

Deno.test("the search for capacity never comes to the end of the partitions laid out for it", () => {
  const count = 1_000_000;
  const newest = createTickSource(7, denseMarket).next(count).reduce(
    (last, { tsUs }) => Math.max(last, tsUs),
    0,
  );
  const sessions = (newest - firstTickUs) / (6.5 * 3_600_000_000);
  // After 64 blocks of about two seconds its time is over; at a rate five times that of two cores.
  const written = 64 * 2 * 2_000_000;
  assert.ok(sessions * written / count < daysAhead, `${sessions} sessions for ${count} ticks`);
});
