import assert from "node:assert/strict";
import fc from "fast-check";
import { createRandom, xoshiro128 } from "../../services/benchmarks/measuring/random.ts";
import {
  estimate,
  geometricMean,
  hodgesLehmann,
  median,
  normalCdf,
  normalQuantile,
  studentQuantile,
  verdictOf,
} from "../../services/benchmarks/statistics.ts";

const near = (actual: number, expected: number, within = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected} ± ${within}`);

const samples = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), {
  minLength: 4,
  maxLength: 16,
});

Deno.test("the generator gives xoshiro128**'s numbers", () => {
  const state = new Uint32Array([1, 2, 3, 4]);
  const drawn = Array.from({ length: 4 }, () => xoshiro128(state));
  // Worked out by hand from the definition; the same as rand_xoshiro's reference vector.
  assert.deepEqual(drawn, [11520, 0, 5927040, 70819200]);
});

Deno.test("one seed always draws the same, two seeds do not", () => {
  const draw = (seed: number) => {
    const random = createRandom(seed);
    return Array.from({ length: 20 }, () => random.int(1_000));
  };
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
});

Deno.test("draws fill the range evenly", () => {
  const random = createRandom(3);
  const counts = new Array<number>(10).fill(0);
  for (let draw = 0; draw < 10_000; draw++) counts[random.int(10)]!++;
  for (const count of counts) assert.ok(count > 850 && count < 1_150, `${counts}`);
});

Deno.test("median takes the middle or the mean of two", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.ok(Number.isNaN(median([])));
});

Deno.test("the geometric mean makes 2× and ½× no change", () => {
  near(geometricMean([2, 0.5]), 1);
  near(geometricMean([1, 4]), 2);
});

Deno.test("Hodges–Lehmann agrees with the published depression data", () => {
  // Hollander and Wolfe, Nonparametric Statistical Methods, example 3.3: the estimate is 0.46.
  const first = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30];
  const second = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29];
  near(hodgesLehmann(first.map((value, at) => value - second[at]!)), 0.46, 0.0005);
});

Deno.test("Hodges–Lehmann is the median of all pairs' averages", () => {
  const averages = (values: number[]) =>
    values.flatMap((a, i) => values.slice(i).map((b) => (a + b) / 2));
  fc.assert(fc.property(samples, (values) => {
    near(hodgesLehmann(values), median(averages(values)));
  }));
});

Deno.test("the normal and Student's tables are met", () => {
  near(normalCdf(0), 0.5, 1e-7);
  near(normalCdf(1.959964), 0.975, 1e-6);
  near(normalCdf(-2.575829), 0.005, 1e-6);
  near(normalQuantile(0.975), 1.959964, 1e-6);
  near(normalQuantile(0.0005), -3.290527, 1e-5);
  near(studentQuantile(0.995, 11), 3.106, 0.02);
  for (const [freedom, value] of [[5, 2.571], [10, 2.228], [11, 2.201], [23, 2.069], [60, 2.0]]) {
    near(studentQuantile(0.975, freedom!), value!, 0.006);
  }
});

Deno.test("an interval holds its estimate and moves with its samples", () => {
  fc.assert(
    fc.property(samples, fc.double({ min: -2, max: 2, noNaN: true }), (values, shift) => {
      const here = estimate([values], createRandom(1))!;
      const there = estimate([values.map((value) => value + shift)], createRandom(1))!;
      assert.ok(here.low <= here.value && here.value <= here.high);
      near(there.value, here.value + shift, 1e-6);
      near(there.low, here.low + shift, 1e-6);
      near(there.high, here.high + shift, 1e-6);
    }),
    { numRuns: 30 },
  );
});

Deno.test("equal samples give an interval of no width, few samples none", () => {
  const equal = estimate([[0.5, 0.5, 0.5, 0.5]], createRandom(1));
  assert.deepEqual(equal, { value: 0.5, low: 0.5, high: 0.5 });
  assert.equal(estimate([[1, 2, 3]], createRandom(1)), null);
  assert.equal(estimate([], createRandom(1)), null);
  assert.equal(estimate([[1, 2, 3, NaN]], createRandom(1)), null);
});

Deno.test("several cases are averaged on the log scale", () => {
  const strata = [new Array<number>(8).fill(Math.log(4)), new Array<number>(8).fill(0)];
  near(Math.exp(estimate(strata, createRandom(1))!.value), 2);
});

Deno.test("the 95 % interval holds the truth about 95 times in a hundred", () => {
  const random = createRandom(11);
  const normal = () =>
    Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());
  let held = 0;
  for (let round = 0; round < 400; round++) {
    const { low, high } = estimate([Array.from({ length: 12 }, normal)], random)!;
    if (low <= 0 && high >= 0) held++;
  }
  assert.ok(held >= 372 && held <= 396, `${held} of 400`);
});

const goal = Math.log1p(0.3);

Deno.test("a verdict needs the whole interval on one side of the target", () => {
  const log = (low: number, high: number) => ({ low: Math.log1p(low), high: Math.log1p(high) });
  const fair = log(-0.02, 0.02);
  assert.equal(verdictOf(log(0.31, 0.5), goal, fair), "pass");
  assert.equal(verdictOf(log(0.3, 0.5), goal, fair), "pass");
  assert.equal(verdictOf(log(0.1, 0.29), goal, fair), "fail");
  assert.equal(verdictOf(log(0.2, 0.4), goal, fair), "inconclusive");
  assert.equal(verdictOf(null, goal, fair), "not_measured");
});

Deno.test("a harness proven unfair takes its bias off the verdict", () => {
  const log = (low: number, high: number) => ({ low: Math.log1p(low), high: Math.log1p(high) });
  assert.equal(verdictOf(log(0.31, 0.5), goal, log(0.01, 0.05)), "inconclusive");
  assert.equal(verdictOf(log(0.1, 0.28), goal, log(-0.05, -0.01)), "inconclusive");
  assert.equal(verdictOf(log(2, 2.2), goal, log(0.01, 0.05)), "pass");
});
