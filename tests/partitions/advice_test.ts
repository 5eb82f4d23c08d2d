import assert from "node:assert/strict";
import { adviseInterval } from "../../services/partitions/report/interval_advice.ts";
import { readTable } from "../../services/partitions/planning/cover.ts";
import type { TableFacts } from "../../services/partitions/planning/facts.ts";
import type { Policy } from "../../services/partitions/policy.ts";

const GiB = 1024 ** 3;
const now = Date.parse("2026-03-15T12:00:00Z");
const nowUs = BigInt(now) * 1_000n;

/** `count` leaves of `hours` each, up to the present, all of the same size. */
function advise(count: number, hours: number, bytes: number, more: Partial<Policy> = {}) {
  const policy: Policy = {
    schema: "s",
    table: "t",
    interval: `${hours} hours`,
    time_zone: "UTC",
    key: "timestamptz",
    premake: 3,
    retention: { keep: "1 year", action: "drop" },
    cooldown: "7 days",
    seal: false,
    enabled: true,
    windows: null,
    sub_interval: null,
    ...more,
  };
  const at = (back: number) => new Date(now - back * hours * 3_600_000).toISOString();
  const ends = (index: number) =>
    policy.key === "id"
      ? [`'${(count - index - 1) * 1_000_000}'`, `'${(count - index) * 1_000_000}'`]
      : [`'${at(index + 1)}'`, `'${at(index)}'`].map((end) =>
        end.replace("T", " ").replace("Z", "+00")
      );
  const facts: TableFacts = {
    policy,
    parent: undefined,
    problem: undefined,
    leaves: Array.from({ length: count }, (_, index) => ({
      oid: index + 1,
      schema: "s",
      name: `l${index}`,
      bound: `FOR VALUES FROM (${ends(index)[0]}) TO (${ends(index)[1]})`,
      pending: false,
      partitioned: false,
      subs: 0,
      rows_estimate: 1,
      bytes,
      options: [],
      unlogged: false,
    })),
    detached: [],
    taken: new Map(),
    blockers: new Map(),
    defaultRows: new Map(),
    highestId: policy.key === "id" ? BigInt(count) * 1_000_000n : null,
  };
  return adviseInterval(facts, readTable(facts, nowUs), 0.25 * GiB);
}

Deno.test("partitions larger than the cache call for shorter ones, with the figures", () => {
  const [advice] = advise(10, 24 * 30, 60 * GiB, { interval: "1 mon" });
  assert.equal(advice?.title, "Use shorter partitions for s.t: 1 day");
  assert.equal(
    advice?.detail,
    "A partition has 60 GB (1 mon; 2 GB a day), more than the 2 GB that should stay in cache while it is written. With 1 day it would have 2 GB, and there would be about 370; the change holds for partitions made from then on",
  );
  assert.deepEqual([advice?.expected_partitions, advice?.partitions], [370, 10]);
});

Deno.test("very many, and many tiny partitions call for longer ones", () => {
  const [many] = advise(2_000, 1, 20 * 1024 ** 2, { retention: null });
  assert.match(many?.detail ?? "", /2000 of them cost a query that prunes none about 90 ms/);
  assert.equal(many?.interval, "1 day");
  const [tiny] = advise(150, 1, 64 * 1024, { retention: null });
  assert.match(tiny?.title ?? "", /^Use longer partitions for s\.t: /);
});

Deno.test("an id table is advised in round numbers of ids", () => {
  const [advice] = advise(5, 1, 20 * GiB, { key: "id", interval: "1000000", retention: null });
  assert.deepEqual([advice?.interval, advice?.expected_bytes_per_partition], ["100000", 2 * GiB]);
});

Deno.test("sizes that are near enough, too few partitions, and empty ones call for nothing", () => {
  assert.deepEqual(advise(30, 24, GiB), []);
  assert.deepEqual(advise(30, 24, 2.5 * GiB), [], "half a day is no step worth a change");
  assert.deepEqual(advise(2, 24, 500 * GiB), []);
  assert.deepEqual(advise(200, 24, 0), []);
  assert.deepEqual(advise(0, 24, 0), []);
});
