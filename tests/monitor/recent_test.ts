import assert from "node:assert/strict";
import fc from "fast-check";
import { createRecent, type Point } from "../../services/monitor/history/recent.ts";

const start = Date.parse("2026-01-31T09:30:00Z");

Deno.test("the recent points of a metric are the last ones added, whatever their values and however many", () => {
  const value = fc.oneof(fc.integer(), fc.double({ noNaN: true }), fc.constantFrom(0, 0.5, 1e-9));
  const steps = fc.array(fc.record({ after: fc.integer({ min: 0, max: 40_000 }), value }));
  fc.assert(fc.property(steps, fc.integer({ min: 1, max: 40 }), (added, maxPoints) => {
    const recent = createRecent({ maxPoints });
    const points: Point[] = [];
    let ts = start;
    for (const { after, value } of added) {
      ts += after;
      points.push({ ts, value });
      recent.add("blocked_sessions", ts, value);
    }
    const last = points.slice(-maxPoints);
    const all = recent.read("blocked_sessions", -Infinity, Infinity);
    assert.deepEqual(all ?? [], last);
    const from = start + 20_000;
    assert.deepEqual(
      recent.read("blocked_sessions", from, ts) ?? [],
      last.filter((point) => point.ts >= from),
    );
  }));
});

Deno.test("recent points keep their times when the clock is set back, and after weeks", () => {
  const recent = createRecent({ maxPoints: 4 });
  const weeks = start + 60 * 86_400_000;
  for (const ts of [start, start - 5_000, start + 1_000]) recent.add("xid_age", ts, 0.1);
  assert.deepEqual(
    recent.read("xid_age", 0, Infinity)?.map(({ ts }) => ts - start),
    [0, -5_000, 1_000],
  );
  recent.add("xid_age", weeks, 7);
  assert.deepEqual(recent.read("xid_age", 0, Infinity), [{ ts: weeks, value: 7 }]);
  assert.equal(recent.read("unknown", 0, Infinity), undefined);
  assert.deepEqual(recent.names(), ["xid_age"]);
});
