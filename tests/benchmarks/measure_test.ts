import assert from "node:assert/strict";
import fc from "fast-check";
import { planBlocks } from "../../services/benchmarks/measuring/blocks.ts";
import type { ArmRole } from "../../services/benchmarks/case.ts";
import { measure } from "../../services/benchmarks/measuring/measure.ts";
import { createRandom } from "../../services/benchmarks/measuring/random.ts";
import { estimate, verdictOf } from "../../services/benchmarks/statistics.ts";

Deno.test("blocks read ABBA or BAAB, and both arms work equally often", () => {
  fc.assert(fc.property(fc.integer(), fc.integer({ min: 1, max: 60 }), (seed, count) => {
    const blocks = planBlocks(createRandom(seed), count);
    assert.ok(blocks.length >= count && blocks.length % 4 === 0);
    const slots = { baseline: 0, candidate: 0 };
    for (let at = 0; at < blocks.length; at += 2) {
      const [block, mirror] = [blocks[at]!, blocks[at + 1]!];
      assert.deepEqual(mirror.order, block.order.toReversed());
      assert.equal(mirror.nullOf, block.nullOf);
    }
    for (const { order, nullOf } of blocks) {
      assert.deepEqual([...order].sort(), ["baseline", "candidate", "null"]);
      for (const slot of order) slots[slot === "null" ? nullOf : slot]++;
    }
    assert.equal(slots.baseline, slots.candidate);
  }));
});

Deno.test("one seed plans the same blocks, and not all start with the same arm", () => {
  const plan = (seed: number) => planBlocks(createRandom(seed), 12);
  assert.deepEqual(plan(5), plan(5));
  const first = new Set(Array.from({ length: 20 }, (_, seed) => plan(seed)[0]!.order[0]));
  assert.equal(first.size, 3);
});

/** Two arms on a clock that only their work moves: with noise, and slower all the time, as a growing table is. */
function syntheticArms(seed: number, candidateSpeed: number) {
  const random = createRandom(seed);
  let ms = 0;
  return {
    now: () => ms,
    run(role: ArmRole) {
      const noise = Math.exp(0.3 * (random.next() + random.next() + random.next() - 1.5));
      const drift = 1 + ms / 20_000;
      ms += 10 * noise * drift / (role === "candidate" ? candidateSpeed : 1);
      return Promise.resolve({ units: 100 });
    },
  };
}

const measuring = { analyses: [12], slotMs: 20, warmUpMs: 20 };

async function verdictOfSynthetic(seed: number, speed: number) {
  const random = createRandom(seed);
  const measured = await measure({
    ...syntheticArms(seed + 1_000, speed),
    random,
    measuring,
    signal: new AbortController().signal,
  });
  const improvement = estimate([measured.logRatios], random);
  return verdictOf(improvement, 0, estimate([measured.nullLogRatios], random));
}

Deno.test("identical arms get a verdict by chance at most 5 times in 100", async () => {
  let wrong = 0;
  for (let seed = 0; seed < 100; seed++) {
    if (await verdictOfSynthetic(seed, 1) !== "inconclusive") wrong++;
  }
  assert.ok(wrong <= 5, `${wrong} of 100`);
});

Deno.test("a handicap of 30 % is found at least 95 times in 100", async () => {
  let right = 0;
  for (let seed = 0; seed < 100; seed++) {
    if (await verdictOfSynthetic(seed, 0.7) === "fail") right++;
  }
  assert.ok(right >= 95, `${right} of 100`);
});

Deno.test("both arms do the same amount of work, warm-up included", async () => {
  const { claims, logRatios, nullLogRatios } = await measure({
    ...syntheticArms(1, 5),
    random: createRandom(1),
    measuring,
    signal: new AbortController().signal,
  });
  assert.deepEqual(claims.baseline, claims.candidate);
  assert.equal(logRatios.length, 12);
  assert.equal(nullLogRatios.length, 12);
});

Deno.test("time that an arm measures itself is what counts", async () => {
  const { logRatios } = await measure({
    now: () => 0,
    run: (role) => Promise.resolve({ units: 10, elapsedMs: role === "baseline" ? 20 : 10 }),
    random: createRandom(1),
    measuring: { ...measuring, warmUpMs: 0 },
    signal: new AbortController().signal,
  });
  for (const ratio of logRatios) assert.ok(Math.abs(Math.exp(ratio) - 2) < 1e-9);
});

Deno.test("an abort ends measuring before the next piece of work", async () => {
  const controller = new AbortController();
  let runs = 0;
  const work = measure({
    now: () => runs,
    run: () => {
      if (++runs === 7) controller.abort();
      return Promise.resolve({ units: 1 });
    },
    random: createRandom(1),
    measuring,
    signal: controller.signal,
  });
  await assert.rejects(work, { name: "AbortError" });
  assert.equal(runs, 7);
});
