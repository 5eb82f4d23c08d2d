import assert from "node:assert/strict";
import { describeDay, distanceOf } from "../../bench/cases/market/describe.ts";
import { readRealDay } from "../../bench/studies/real_day.ts";
import { denseMarket } from "../../bench/cases/capacity/cases.ts";
import { daysAhead } from "../../bench/cases/insert/tables.ts";
import { defaultMarket } from "../../bench/cases/market/profile.ts";
import { createTickSource, firstTickUs } from "../../bench/cases/ticks.ts";
import { realData, testWith } from "../helpers/skip.ts";

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

/** Sessions that a million ticks of a market fill. */
function sessionsOfMillion(market: typeof defaultMarket): number {
  const newest = createTickSource(7, market).next(1_000_000).reduce(
    (last, { tsUs }) => Math.max(last, tsUs),
    0,
  );
  return Math.floor((newest - firstTickUs) / 86_400_000_000) +
    (newest - firstTickUs) % 86_400_000_000 / (6.5 * 3_600_000_000);
}

Deno.test("no case that inserts comes to the end of the partitions laid out for it", () => {
  const sessions = sessionsOfMillion(denseMarket);
  // After 64 blocks of about two seconds its time is over; at a rate five times that of two cores.
  const written = 64 * 2 * 2_000_000;
  assert.ok(sessions * written / 1e6 < daysAhead, `${sessions} sessions for a million ticks`);
  // 96 blocks of an ABBA, an arm's slots of 200 ms, twice in a null: three times what two cores write.
  const inserted = 96 * 3 * 0.2 * 300_000;
  const filled = sessionsOfMillion(defaultMarket);
  assert.ok(filled * inserted / 1e6 < daysAhead, `${filled} sessions for a million ticks`);
});
