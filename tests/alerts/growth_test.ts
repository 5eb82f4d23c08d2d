import assert from "node:assert/strict";
import { defaultGrowth, growMetrics, simulateGrowth } from "../../bench/studies/growth/model.ts";
import { buildRules } from "../../services/alerts/rules/overrides.ts";

const rules = buildRules("production", []);
const calm = { day: 1, days: 0 };
const still = {
  ...defaultGrowth,
  days: 60,
  monthlyGrowth: 0,
  sequenceRowsPerDay: 1,
  cacheBytes: 2 ** 40,
  horizonHeld: calm,
  rotationStops: calm,
  backupsFail: calm,
  slotAbandoned: calm,
};
const fired = (growth: typeof defaultGrowth) =>
  simulateGrowth(growth, rules).filter(({ warningDay }) => warningDay !== undefined);

Deno.test("the same seed simulates the same year, and another one another", () => {
  const year = { ...defaultGrowth, days: 30 };
  assert.deepEqual(growMetrics(year), growMetrics({ ...year }));
  assert.notDeepEqual(growMetrics(year), growMetrics({ ...year, seed: 2 }));
  assert.deepEqual(simulateGrowth(year, rules), simulateGrowth({ ...year }, rules));
});

Deno.test("a database that neither grows nor breaks fires nothing", () => {
  assert.deepEqual(fired(still), []);
});

Deno.test("rotation that stops fires days before inserts fail", () => {
  const [runway, ...others] = fired({ ...still, rotationStops: { day: 10, days: 20 } });
  // Seven days are premade: inserts fail on day 17, the levels are three days and one.
  assert.deepEqual(
    [runway?.rule, runway?.warningDay, runway?.criticalDay],
    ["partition_runway", 14, 16],
  );
  assert.deepEqual(others, []);
});

Deno.test("clients that grow fire before the server's limit, and more of them earlier", () => {
  const connections = rules.filter(({ name }) => name === "connections");
  const dayOf = (clients: number) =>
    simulateGrowth({ ...still, days: 230, monthlyGrowth: 0.1, clients }, connections)[0]
      ?.warningDay ?? Infinity;
  // 40 clients of 100 reach 80 % when they have doubled: after log(2) / log(1.1) months of 30 days.
  const doubled = Math.log(2) / Math.log(1.1) * 30;
  assert.ok(Math.abs(dayOf(40) - doubled) < 3, `${dayOf(40)} beside ${doubled}`);
  assert.ok(dayOf(50) < dayOf(40));
});

Deno.test("a held snapshot lets the age of transaction ids grow until it ends", () => {
  const held = growMetrics({ ...still, horizonHeld: { day: 5, days: 40 }, ticksPerTransaction: 1 });
  const ages = held.get("xid_age")?.map(({ value }) => value ?? NaN) ?? [];
  assert.ok(Math.max(...ages) > 2e9, "nothing is frozen meanwhile");
  assert.ok((ages.at(-1) ?? Infinity) < 4e8);
});
