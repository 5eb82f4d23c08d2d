import assert from "node:assert/strict";
import fc from "fast-check";
import {
  coveredUntil,
  dayRange,
  findHoles,
  parseBound,
  type Range,
} from "../services/partitions/bounds.ts";
import { expiredRanges, leafName, planDays, premadeDays } from "../services/partitions/plan.ts";

const day = fc.integer({ min: 0, max: 80_000 });
const days = fc.array(day, { maxLength: 40 });
const rangesOfDays = (list: readonly number[]): Range[] => [...new Set(list)].map(dayRange);
const overlap = (a: Range, b: Range) => a.fromUs < b.toUs && b.fromUs < a.toUs;

Deno.test("a plan covers every wanted day that was free, touches nothing that exists, and repeats nothing", () => {
  fc.assert(fc.property(days, days, (wanted, present) => {
    const existing = rangesOfDays(present);
    const planned = planDays("ticks", wanted, existing).map((one) => dayRange(one.day));
    for (const range of planned) assert.ok(!existing.some((other) => overlap(range, other)));
    const cover = new Set([...existing, ...planned].map(({ fromUs }) => fromUs));
    for (const one of wanted) assert.ok(cover.has(dayRange(one).fromUs));
    assert.equal(cover.size, existing.length + planned.length);
    assert.deepEqual(
      planDays("ticks", wanted, [...existing, ...planned]),
      [],
      "planning again plans nothing",
    );
  }));
});

Deno.test("a day that a wider partition already touches gets none of its own", () => {
  const month = { fromUs: dayRange(10).fromUs, toUs: dayRange(40).toUs };
  assert.deepEqual(planDays("ticks", [9, 10, 25, 40, 41], [month]).map((one) => one.day), [9, 41]);
});

Deno.test("leaves are named for their UTC day, and bounds are written with their offset", () => {
  const [planned] = planDays("ticks", [15_985], []);
  assert.deepEqual(planned, {
    day: 15_985,
    name: "ticks_p20131007",
    from: "2013-10-07 00:00:00+00",
    to: "2013-10-08 00:00:00+00",
  });
  assert.equal(leafName("ticks", 0), "ticks_p19700101");
});

Deno.test("yesterday, today and the days ahead are made ready", () => {
  assert.deepEqual(premadeDays(100, 2), [99, 100, 101, 102]);
});

Deno.test("a bound is read as Postgres writes it; what is not one timestamp has no range", () => {
  const bound = "FOR VALUES FROM ('2013-10-07 00:00:00+00') TO ('2013-10-08 00:00:00+00')";
  assert.deepEqual(parseBound(bound), dayRange(15_985));
  assert.deepEqual(parseBound("FOR VALUES FROM (MINVALUE) TO ('1970-01-02 00:00:00+00')"), {
    fromUs: -Infinity,
    toUs: dayRange(0).toUs,
  });
  for (
    const other of [
      "DEFAULT",
      null,
      "FOR VALUES IN ('a')",
      "FOR VALUES FROM ('1', '2') TO ('3', '4')",
    ]
  ) {
    assert.equal(parseBound(other), undefined, String(other));
  }
});

Deno.test("holes and cover complete each other: filling the holes leaves none, and covers to the last end", () => {
  fc.assert(fc.property(fc.array(day, { minLength: 1, maxLength: 40 }), (list) => {
    const ranges = rangesOfDays(list);
    const holes = findHoles(ranges);
    for (const hole of holes) assert.ok(!ranges.some((range) => overlap(range, hole)));
    assert.deepEqual(findHoles([...ranges, ...holes]), []);
    const first = Math.min(...ranges.map(({ fromUs }) => fromUs));
    const last = Math.max(...ranges.map(({ toUs }) => toUs));
    assert.equal(coveredUntil([...ranges, ...holes], first), last);
  }));
});

Deno.test("the runway ends at the first gap, and is nothing when now has no partition", () => {
  const ranges = rangesOfDays([10, 11, 13]);
  assert.equal(coveredUntil(ranges, dayRange(10).fromUs + 5), dayRange(12).fromUs);
  assert.equal(coveredUntil(ranges, dayRange(12).fromUs + 5), dayRange(12).fromUs + 5);
});

Deno.test("a partition expires only when its last moment is older than what is kept", () => {
  fc.assert(fc.property(days, day, fc.integer({ min: 1, max: 400 }), (list, today, keep) => {
    const expired = expiredRanges(rangesOfDays(list), today, keep);
    for (const { toUs } of expired) assert.ok(toUs <= dayRange(today - keep).fromUs);
    assert.deepEqual(expiredRanges(rangesOfDays(list), today, 0), [], "0 keeps everything");
  }));
});
