import assert from "node:assert/strict";
import type { ArmRole } from "../../services/benchmarks/case.ts";
import { findChanges } from "../../services/benchmarks/reporting/change_points.ts";
import { holdAgainst } from "../../services/benchmarks/reporting/gate.ts";
import { createLatencies } from "../../services/benchmarks/measuring/histogram.ts";
import { measure } from "../../services/benchmarks/measuring/measure.ts";
import { openLoop, poissonSchedule } from "../../services/benchmarks/measuring/open_loop.ts";
import { createRandom, type Random } from "../../services/benchmarks/measuring/random.ts";
import { planAnalyses, totalAlpha } from "../../services/benchmarks/measuring/sequential.ts";
import { failedResult, judge } from "../../services/benchmarks/running/run_case.ts";
import { compareWithin } from "../../services/benchmarks/statistics.ts";
import { cases } from "../../bench/cases/list.ts";

const near = (actual: number, expected: number, within: number) =>
  assert.ok(Math.abs(actual - expected) <= within, `${actual} is not ${expected} ± ${within}`);

Deno.test("all analyses together spend 5 % of error, the last one most of it", () => {
  for (const blocks of [[4], [8, 16], [16, 32, 48], [16, 32, 64, 96]]) {
    const alphas = planAnalyses(blocks).map(({ alpha }) => alpha);
    near(alphas.reduce((sum, alpha) => sum + alpha, 0), totalAlpha, 1e-12);
    assert.deepEqual(alphas, alphas.toSorted((a, b) => a - b));
  }
  // 0.05 · t^1.5 at half of the blocks (Kim and DeMets' power family).
  near(planAnalyses([8, 16])[0]!.alpha, 0.05 * 0.5 ** 1.5, 1e-12);
  assert.throws(() => planAnalyses([16, 8]), RangeError);
  assert.throws(() => planAnalyses([]), RangeError);
});

/** Two arms on a clock that only their work moves: noisy, with stalls, and slower all the time. */
function syntheticArms(seed: number, candidateSpeed: number) {
  const random = createRandom(seed);
  let ms = 0;
  return {
    now: () => ms,
    run(role: ArmRole) {
      const noise = Math.exp(0.3 * (random.next() + random.next() + random.next() - 1.5));
      const stall = random.next() < 0.01 ? 4 : 1;
      ms += 10 * noise * stall * (1 + ms / 20_000) / (role === "candidate" ? candidateSpeed : 1);
      return Promise.resolve({ units: 100 });
    },
  };
}

/** A whole adaptive run: analyses, early stopping, verdict. */
async function adaptive(seed: number, speed: number) {
  const analyses = planAnalyses([8, 16]);
  let judgement: ReturnType<typeof judge> | undefined;
  const measured = await measure({
    ...syntheticArms(seed + 5_000, speed),
    random: createRandom(seed),
    measuring: { analyses: [8, 16], slotMs: 20, warmUpMs: 20 },
    signal: new AbortController().signal,
    goOn(sofar, at) {
      judgement = judge({ category: "insert_performance" }, 0, sofar, analyses[at]!.alpha, seed);
      return judgement.verdict === "inconclusive";
    },
  });
  return { verdict: judgement!.verdict, blocks: measured.logRatios.length };
}

Deno.test("calibration: identical arms get a false verdict at most 5 times in 100, though runs stop early", async () => {
  let wrong = 0;
  for (let seed = 0; seed < 100; seed++) {
    if ((await adaptive(seed, 1)).verdict !== "inconclusive") wrong++;
  }
  assert.ok(wrong <= 5, `${wrong} of 100`);
});

Deno.test("calibration: a handicap of 30 % is found at least 95 times in 100, mostly at the first analysis", async () => {
  let right = 0;
  let early = 0;
  for (let seed = 0; seed < 100; seed++) {
    const { verdict, blocks } = await adaptive(seed, 0.7);
    if (verdict === "fail") right++;
    if (blocks === 8) early++;
  }
  assert.ok(right >= 95, `${right} of 100`);
  assert.ok(early >= 60, `${early} of 100 ended after 8 blocks`);
});

Deno.test("a disturbed block is measured again, but not for ever", async () => {
  const arms = syntheticArms(1, 1);
  let canaries = 0;
  const measured = await measure({
    ...arms,
    random: createRandom(1),
    measuring: { analyses: [8], slotMs: 20, warmUpMs: 20 },
    signal: new AbortController().signal,
    // One block of the eight is disturbed; from the twelfth canary on all are.
    canary: () => Promise.resolve(++canaries === 7 || canaries === 8 || canaries > 11 ? 100 : 1),
  });
  assert.equal(measured.logRatios.length, 8);
  assert.equal(measured.reruns, 2, "as many as a quarter of the blocks");
  assert.ok(measured.disturbed >= 0);
});

Deno.test("the change in the flow of the Nile is found where it is known to be", () => {
  // Annual flow at Aswan, 1871–1970 (Cobb, Biometrika 65, 1978): it fell with the dam, from 1899 on.
  // deno-fmt-ignore
  const nile = [1120,1160,963,1210,1160,1160,813,1230,1370,1140,995,935,1110,994,1020,960,1180,799,958,1140,1100,1210,
    1150,1250,1260,1220,1030,1100,774,840,874,694,940,833,701,916,692,1020,1050,969,831,726,456,824,702,1120,1100,832,
    764,821,768,845,864,862,698,845,744,796,1040,759,781,865,845,944,984,897,822,1010,771,676,649,846,812,742,801,1040,
    860,874,848,890,744,749,838,1050,918,986,797,923,975,815,1020,906,901,1170,912,746,919,718,714,740];
  const changes = findChanges(nile);
  assert.equal(changes.length, 1);
  assert.equal(1871 + changes[0]!.at, 1899);
  near(changes[0]!.before, 1097.75, 0.01);
  near(changes[0]!.after, 849.97, 0.01);
});

const normal = (random: Random) =>
  Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next());

Deno.test("a series without a change has none, nearly always; too short a one never", () => {
  const random = createRandom(4);
  let found = 0;
  for (let series = 0; series < 60; series++) {
    const values = Array.from({ length: 40 }, () => normal(random));
    found += findChanges(values, { permutations: 199, alpha: 0.01 }).length;
  }
  assert.ok(found <= 3, `${found} in 60 series`);
  assert.deepEqual(findChanges([1, 1, 1, 9, 9, 9, 9]), []);
  assert.deepEqual(findChanges(new Array<number>(20).fill(5)), []);
});

Deno.test("a histogram keeps three digits of every latency, also of the largest", () => {
  const latencies = createLatencies();
  for (let ms = 1; ms <= 10_000; ms++) latencies.record(ms);
  for (const share of [0.5, 0.95, 0.99, 0.999]) {
    near(latencies.quantile(share) / (share * 10_000), 1, 0.002);
  }
  near(latencies.summary().max, 10_000, 10);
  const other = createLatencies();
  other.record(60_000);
  latencies.add(other);
  assert.equal(latencies.count, 10_001);
  near(latencies.summary().max, 60_000, 60);
});

Deno.test("open loop: a stall of 2 s counts for all who were due meanwhile", async () => {
  let ms = 0;
  const queue: (() => void)[] = [];
  const schedule = poissonSchedule(createRandom(1), 500, 8_000);
  assert.ok(Math.abs(schedule.length - 4_000) < 200);
  const { latencies, completed, dropped } = await openLoop({
    schedule,
    now: () => ms,
    sleep: (rest) => {
      ms += Math.max(rest, 0.5);
      const stalled = ms > 3_000 && ms < 5_000;
      if (!stalled) { for (const end of queue.splice(0)) end(); }
      return Promise.resolve();
    },
    begin(from, to, ended) {
      for (let at = from; at < to; at++) queue.push(() => ended(at));
    },
    giveUpAfterMs: 5_000,
    signal: new AbortController().signal,
  });
  assert.equal(completed, schedule.length);
  assert.equal(dropped, 0);
  assert.ok(latencies.quantile(0.5) < 5);
  near(latencies.quantile(0.99), 1_940, 60);
});

Deno.test("open loop gives up on a server that never answers, and says what it never began", async () => {
  let ms = 0;
  const { completed, dropped } = await openLoop({
    schedule: [0, 1, 2],
    now: () => ms,
    sleep: () => Promise.resolve(void (ms += 400)),
    begin: () => {},
    giveUpAfterMs: 500,
    signal: new AbortController().signal,
  });
  assert.deepEqual([completed, dropped], [0, 0]);
});

Deno.test("an interval is equivalent only when all of it lies inside the band", () => {
  assert.equal(compareWithin({ low: -0.01, high: 0.02 }, 0.05), "equivalent");
  assert.equal(compareWithin({ low: -0.2, high: -0.06 }, 0.05), "slower");
  assert.equal(compareWithin({ low: 0.06, high: 0.2 }, 0.05), "faster");
  assert.equal(compareWithin({ low: -0.06, high: 0.2 }, 0.05), "unclear");
});

const bench = cases[0]!;

/** What a run of three cases leaves, with candidates of the given speeds. */
async function resultsOf(seed: number, speeds: readonly number[]) {
  return await Promise.all(speeds.map(async (speed, at) => {
    const measured = await measure({
      ...syntheticArms(seed * 10 + at, speed),
      random: createRandom(seed),
      measuring: { analyses: [16], slotMs: 80, warmUpMs: 20 },
      signal: new AbortController().signal,
    });
    return {
      ...failedResult(bench, 0, ""),
      case: `case_${at}`,
      log_ratios: measured.logRatios,
    };
  }));
}

Deno.test("the gate finds a planted slow-down of 25 % five times in five, and nothing where nothing is", async () => {
  const stored = await resultsOf(100, [1, 2, 1.5]);
  const slower = (results: Awaited<ReturnType<typeof resultsOf>>) =>
    holdAgainst(stored, results, { tolerance: 0.1 })
      .filter(({ judgement }) => judgement === "slower").map(({ case: id }) => id);
  for (let round = 0; round < 5; round++) {
    assert.deepEqual(slower(await resultsOf(round + 1, [1, 2, 1.5])), [], `round ${round}`);
    const planted = slower(await resultsOf(round + 21, [1, 1.5, 1.5]));
    assert.deepEqual(planted, ["case_1"], `round ${round}`);
  }
});

Deno.test("the gate says which cases it cannot judge", async () => {
  const stored = await resultsOf(1, [1]);
  const [known] = stored;
  const findings = holdAgainst(stored, [
    { ...known!, case: "new" },
    { ...known!, log_ratios: [], why: "Did not finish: x." },
  ], { tolerance: 0.1 });
  assert.match(findings[0]!.problem!, /no stored baseline/);
  assert.match(findings[1]!.problem!, /did not finish/);
});
