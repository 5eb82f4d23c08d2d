import assert from "node:assert/strict";
import fc from "fast-check";
import { judgeExactness } from "../../services/market/exactness.ts";

Deno.test("prices in cents survive float8: each prints as the cents it was", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 10 ** 11 }), { minLength: 1 }), (cents) => {
      const report = judgeExactness(cents.map((cent) => cent / 100), 0.01);
      assert.equal(report.verdict, "exact");
      assert.equal(report.round_trips, report.distinct_prices);
      // Half a unit in the last place of the largest price is the most that can be lost.
      const largest = Math.max(...cents) / 100;
      assert.ok(
        report.worst_error <= largest * 2 ** -53 + Number.MIN_VALUE,
        `${report.worst_error}`,
      );
    }),
  );
});

Deno.test("the worst error is the true distance to the decimal: 0.1 is stored 5.55e-18 too high", () => {
  const report = judgeExactness([0.1], 0.1);
  assert.equal(report.worst_error, 5.551115123125783e-18);
  assert.equal(report.worst_price, 0.1);
  assert.equal(judgeExactness([0.5, 0.25], 0.25).worst_error, 0);
});

Deno.test("a price off the tick size is counted and shown, and the advice says so", () => {
  const report = judgeExactness([1, 1.05, 1.07], 0.05);
  assert.deepEqual([report.round_trips, report.off_grid, report.off_grid_examples], [2, 1, [1.07]]);
  assert.equal(report.verdict, "inexact");
  assert.match(report.advice, /1 of 3 prices are not a multiple of the tick size 0.05/);
});

Deno.test("without a tick size, the prices' own decimals are the grid", () => {
  const report = judgeExactness([167.41, 167.4055], null);
  assert.deepEqual([report.tick_size, report.tick_size_source, report.verdict], [
    0.0001,
    "inferred",
    "exact",
  ]);
  assert.equal(report.exact_below, 1e11);
});

Deno.test("prices with more digits than float8 keeps are called inexact", () => {
  const report = judgeExactness([0.1 + 0.2], null);
  assert.equal(report.verdict, "inexact");
  assert.equal(report.max_significant_digits, 17);
});

Deno.test("no ticks, no verdict", () => {
  assert.equal(judgeExactness([], 0.01).verdict, "unknown");
});
