import assert from "node:assert/strict";
import fc from "fast-check";
import type { DatabaseCounters } from "../../db/collectors/server/collectors.ts";
import { blockingTree } from "../../services/monitor/diagnosis/locks.ts";
import { ratesBetween } from "../../services/monitor/observations/rates.ts";
import { emptyReading, freshValue } from "../../services/monitor/collect/reading.ts";

const zero: DatabaseCounters = {
  taken_at: 1_000,
  commits: 0,
  rollbacks: 0,
  blocks_hit: 0,
  blocks_read: 0,
  rows_inserted: 0,
  rows_updated: 0,
  rows_deleted: 0,
  deadlocks: 0,
  temp_files: 0,
  temp_bytes: 0,
  checksum_failures: 0,
  stats_reset: 5,
};

Deno.test("rates are differences over the server's own seconds", () => {
  const rates = ratesBetween(zero, {
    ...zero,
    taken_at: 1_010,
    commits: 90,
    rollbacks: 10,
    blocks_hit: 990,
    blocks_read: 10,
    rows_inserted: 5_000,
    deadlocks: 1,
  });
  assert.equal(rates?.transactions_per_second, 10);
  assert.equal(rates?.rollback_ratio, 0.1);
  assert.equal(rates?.inserts_per_second, 500);
  assert.equal(rates?.cache_hit_ratio, 0.99);
  assert.equal(rates?.deadlocks_per_minute, 6);
});

Deno.test("no sequence of readings gives a negative rate: after a reset there is none", () => {
  const counter = fc.nat(1_000_000);
  const reading = fc.record({
    taken_at: fc.nat(10_000),
    commits: counter,
    rollbacks: counter,
    blocks_hit: counter,
    blocks_read: counter,
    rows_inserted: counter,
    deadlocks: counter,
    temp_files: counter,
    temp_bytes: counter,
    stats_reset: fc.constantFrom(null, 1, 2),
  }).map((some): DatabaseCounters => ({ ...zero, ...some }));
  fc.assert(fc.property(reading, reading, (before, after) => {
    const rates = ratesBetween(before, after);
    if (!rates) return;
    for (const value of Object.values(rates)) assert.ok(value === null || value >= 0);
  }));
  assert.equal(ratesBetween(zero, { ...zero, taken_at: 1_010, stats_reset: 6 }), undefined);
  assert.equal(ratesBetween(undefined, zero), undefined);
});

Deno.test("too few block reads give no cache hit ratio", () => {
  assert.equal(
    ratesBetween(zero, { ...zero, taken_at: 1_010, blocks_read: 3 })?.cache_hit_ratio,
    null,
  );
});

Deno.test("a stale reading has no value", () => {
  const reading = { ...emptyReading<number>(), value: 7, at: 1_000 };
  assert.equal(freshValue(reading, 1_500, 500), 7);
  assert.equal(freshValue(reading, 1_501, 500), undefined);
  assert.equal(freshValue(emptyReading<number>(), 0, 500), undefined);
});

Deno.test("the blocking tree has each waiter once, under roots that nobody blocks", () => {
  const row = (pid: number, blockers: number[]) => ({
    pid,
    state: "active",
    query: `query of ${pid}`,
    age_seconds: 1,
    waited_seconds: blockers.length > 0 ? 1 : null,
    user: null,
    application: null,
    backend_start: null,
    wanted_mode: null,
    wanted: null,
    blockers,
  });
  const tree = blockingTree([row(1, []), row(2, [1]), row(3, [1, 2]), row(4, [3])]);
  assert.equal(tree.length, 1);
  assert.equal(tree[0]?.pid, 1);
  const pids = (nodes: readonly { pid: number; blocked: readonly { pid: number }[] }[]): number[] =>
    nodes.flatMap((node) => [node.pid, ...pids(node.blocked as typeof nodes)]);
  assert.deepEqual(pids(tree).sort(), [1, 2, 3, 4]);
  // Until deadlock_timeout nobody is the root of a circle: it is shown all the same, once.
  const circle = blockingTree([row(5, [6]), row(6, [7]), row(7, [5]), row(8, [6]), row(9, [])]);
  assert.deepEqual(circle.map(({ pid }) => pid), [9, 5]);
  assert.deepEqual(pids(circle).sort(), [5, 6, 7, 8, 9]);
});

Deno.test("a lock held by a prepared transaction has a root without a session", () => {
  const waiter = {
    pid: 7,
    state: "active",
    query: "select 1",
    user: null,
    application: null,
    backend_start: null,
    age_seconds: 2,
    waited_seconds: 2,
    wanted_mode: "ShareLock",
    wanted: "public.t",
    blockers: [0],
  };
  const [root] = blockingTree([waiter]);
  assert.deepEqual([root?.pid, root?.state], [0, "prepared transaction"]);
  assert.equal(root?.blocked[0]?.waits_for, "ShareLock on public.t");
});
