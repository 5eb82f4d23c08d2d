import assert from "node:assert/strict";
import fc from "fast-check";
import { chooseQuestion, versionAtLeast } from "../../db/collectors/choose.ts";
import { collectors } from "../../db/collectors/list.ts";
import type { ServerFacts } from "../../db/collectors/server/collectors.ts";
import type { StatementRow } from "../../db/collectors/statements/collectors.ts";
import type { IndexRow } from "../../db/collectors/tables/collectors.ts";
import type { Sql } from "../../db/connection.ts";
import type { Pool, RunOptions } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import { createLogger, type LogFields } from "../../log.ts";
import { collectorChecks } from "../../services/monitor/health/blind_spots.ts";
import { chargeTick, fullBudget, restTick } from "../../services/monitor/collect/budget.ts";
import { createChanges } from "../../services/monitor/diagnosis/changes.ts";
import { createCollection } from "../../services/monitor/collect/collection.ts";
import { judgeIndexes, judgeMissing } from "../../services/monitor/diagnosis/indexes.ts";
import { signals } from "../../services/monitor/signals/list.ts";
import { perSecond } from "../../services/monitor/observations/rates.ts";
import { farOffSeconds, secondsLeft } from "../../services/monitor/signals/durability.ts";
import type { Snapshot } from "../../services/monitor/snapshot.ts";
import { workBetween } from "../../services/monitor/diagnosis/statement_deltas.ts";
import { createTrend } from "../../services/monitor/observations/trend.ts";

const server: ServerFacts = {
  now_seconds: 0,
  version_number: 180_004,
  version: "18.4",
  uptime_seconds: 1,
  in_recovery: false,
  sees_all_sessions: true,
  statements_version: "1.12",
  engine: "postgres",
  timescale_version: null,
  statements_schema: 'odd "schema"',
};

const chosen = (name: string, facts: ServerFacts | undefined) =>
  chooseQuestion(collectors.find((one) => one.name === name)!, facts);

Deno.test("a question is chosen by the version of the server, or of pg_stat_statements", () => {
  assert.match((chosen("checkpoints", server) as { sql: string }).sql, /pg_stat_checkpointer/);
  const old = { ...server, version_number: 160_014, statements_version: "1.10" };
  assert.match((chosen("checkpoints", old) as { sql: string }).sql, /pg_stat_bgwriter/);
  assert.deepEqual(chosen("io", { ...server, version_number: 150_018 }), {
    missing: "needs Postgres 16",
  });
  // Upgraded to 18 without ALTER EXTENSION: the columns are still the old ones.
  const lagging = { ...server, statements_version: "1.10" };
  assert.doesNotMatch((chosen("statements", lagging) as { sql: string }).sql, /stats_since\)/);
  assert.match(
    (chosen("statements", server) as { sql: string }).sql,
    /from "odd ""schema"""\.pg_stat_statements\(false\)/,
  );
  assert.deepEqual(chosen("statements", { ...server, statements_version: null }), {
    missing: "pg_stat_statements is not installed in this database",
  });
  assert.ok("missing" in chosen("checkpoints", undefined));
  assert.ok("sql" in chosen("activity", undefined));
  assert.ok(versionAtLeast("1.11", "1.9") && !versionAtLeast("1.9", "1.11"));
});

Deno.test("a collector pauses after two overruns in a row, longer each time, and always runs again", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 400 }), (costs) => {
    let budget = fullBudget;
    let dearBefore = false;
    let rested = 0;
    for (const cost of costs) {
      if (budget.resting > 0) {
        budget = restTick(budget);
        assert.ok(++rested <= 64, "it is tried again");
        continue;
      }
      const first = budget.nextRest === 4;
      rested = 0;
      budget = chargeTick(budget, cost, 10);
      const dear = cost > 10;
      if (!dear) assert.deepEqual(budget, fullBudget);
      if (budget.resting > 0) assert.ok(dear && (dearBefore || !first));
      dearBefore = dear;
    }
  }));
  const twice = chargeTick(chargeTick(fullBudget, 20, 10), 20, 10);
  assert.equal(twice.resting, 4);
  assert.equal(chargeTick({ ...twice, resting: 0 }, 20, 10).resting, 8);
});

Deno.test("a trend is the mean rate; a counter that falls, or another epoch, starts it over", () => {
  const trend = createTrend({ windowMs: 60_000, minSpanMs: 5_000, counter: true });
  trend.add(0, 100);
  trend.add(1_000, 110);
  assert.equal(trend.perSecond(), undefined, "too near");
  trend.add(10_000, 200);
  assert.equal(trend.perSecond(), 10);
  trend.add(20_000, 5);
  assert.equal(trend.perSecond(), undefined, "a reset");
  trend.add(30_000, 25);
  assert.equal(trend.perSecond(), 2);
  trend.add(31_000, 30, "another epoch");
  assert.equal(trend.perSecond(), undefined);
});

Deno.test("no sequence of counter values gives a trend below zero, and points stay bounded", () => {
  const step = fc.tuple(fc.integer({ min: 1, max: 5_000 }), fc.nat(1_000_000));
  fc.assert(fc.property(fc.array(step, { maxLength: 500 }), (steps) => {
    const trend = createTrend({ windowMs: 60_000, minSpanMs: 1, counter: true });
    let at = 0;
    for (const [after, value] of steps) {
      trend.add(at += after, value);
      assert.ok((trend.perSecond() ?? 0) >= 0);
    }
  }));
});

Deno.test("counters give no rate across a reset, nor when one is missing", () => {
  const reading = (taken_at: number, bytes: number | null, stats_reset = 1) => ({
    taken_at,
    stats_reset,
    bytes,
  });
  assert.deepEqual(perSecond(reading(0, 10), reading(10, 60), ["bytes"]), { bytes: 5 });
  assert.equal(perSecond(reading(0, 60), reading(10, 10), ["bytes"]), undefined);
  assert.equal(perSecond(reading(0, 10), reading(10, 60, 2), ["bytes"]), undefined);
  assert.equal(perSecond(reading(10, 10), reading(10, 60), ["bytes"]), undefined);
});

Deno.test("time left is at most a century, and 0 when nothing is left", () => {
  assert.equal(secondsLeft(1_000, 10), 100);
  assert.equal(secondsLeft(1_000, 0), farOffSeconds);
  assert.equal(secondsLeft(1_000, undefined), null);
  assert.equal(secondsLeft(-5, 0), 0);
});

const statement = (some: Partial<StatementRow>): StatementRow => ({
  taken_at: 0,
  query_id: "1",
  user_id: "10",
  toplevel: true,
  calls: 0,
  total_ms: 0,
  rows: 0,
  blocks_hit: 0,
  blocks_read: 0,
  temp_blocks: 0,
  wal_bytes: 0,
  stats_since: 1,
  ...some,
});

Deno.test("statements: work between two readings is never negative, and never includes old work", () => {
  const row = fc.record({
    query_id: fc.constantFrom("1", "2"),
    user_id: fc.constantFrom("10", "11"),
    calls: fc.nat(1_000),
    total_ms: fc.nat(100_000),
    stats_since: fc.constantFrom(null, 1, 2),
  }).map(statement);
  const look = fc.uniqueArray(row, { selector: (one) => `${one.query_id}/${one.user_id}` });
  fc.assert(fc.property(look, look, fc.boolean(), (before, after, complete) => {
    for (const [id, work] of workBetween(before, after, complete)) {
      for (const value of Object.values(work)) assert.ok(value >= 0);
      const most = after.filter((one) => one.query_id === id)
        .reduce((sum, { calls }) => sum + calls, 0);
      assert.ok(work.calls <= most);
    }
  }));
  const [before, after] = [[statement({ calls: 5 })], [statement({ calls: 9 })]];
  assert.equal(workBetween(before, after, true).get("1")?.calls, 4);
  const anew = [statement({ calls: 9, stats_since: 2 })];
  assert.equal(workBetween(before, anew, true).get("1")?.calls, 9, "evicted and made anew");
  assert.equal(workBetween([], after, true).get("1")?.calls, 9);
  assert.equal(workBetween([], after, false).size, 0, "it may have been there before");
});

const index = (some: Partial<IndexRow>): IndexRow => ({
  schema: "public",
  name: "a",
  table: "public.t",
  is_partitioned: false,
  method: "btree",
  leaves: 1,
  bytes: 8_192,
  scans: 5,
  invalid_leaves: 0,
  invalid_name: null,
  is_unique: false,
  is_immediate: true,
  nulls_not_distinct: false,
  by_constraint: false,
  by_foreign_key: false,
  by_replica_identity: false,
  by_cluster: false,
  by_extension: false,
  serves_foreign_key: false,
  is_mixed: false,
  index_oid: 1,
  table_oid: 1,
  keys: [1],
  key_count: 1,
  classes: ["1"],
  collations: ["0"],
  options: [0],
  column_options: [""],
  method_options: [],
  expressions: null,
  predicate: null,
  ...some,
});

const problemsOf = (rows: IndexRow[], seconds = 30 * 86_400) =>
  Object.fromEntries(
    judgeIndexes(rows, () => seconds).map(({ name, problems }) => [name, problems]),
  );

Deno.test("indexes: the one that something needs is kept, the other is the duplicate", () => {
  const primary = index({
    name: "pkey",
    is_unique: true,
    by_constraint: true,
  });
  assert.deepEqual(problemsOf([primary, index({ name: "twin", scans: 99 })]), {
    "public.pkey": [],
    "public.twin": ["duplicate"],
  });
  // A unique index enforces what a plain one does not.
  assert.deepEqual(
    problemsOf([index({ name: "plain" }), index({ name: "one", is_unique: true, scans: 0 })]),
    {
      "public.plain": ["duplicate"],
      "public.one": [],
    },
  );
  // An invalid index covers nothing.
  assert.deepEqual(problemsOf([index({ name: "x" }), index({ name: "y", invalid_leaves: 1 })]), {
    "public.x": [],
    "public.y": ["invalid"],
  });
});

Deno.test("indexes: never two duplicates of each other, so that dropping all of them loses nothing", () => {
  const some = fc.record({
    name: fc.constantFrom("a", "b", "c", "d", "e"),
    is_unique: fc.boolean(),
    by_constraint: fc.boolean(),
    by_replica_identity: fc.boolean(),
    by_foreign_key: fc.boolean(),
    scans: fc.nat(2),
    wide: fc.boolean(),
  }).map(({ wide, ...rest }) =>
    index({
      ...rest,
      ...(wide
        ? {
          keys: [1, 2],
          key_count: 2,
          classes: ["1", "1"],
          collations: ["0", "0"],
          options: [0, 0],
          column_options: ["", ""],
        }
        : {}),
    })
  );
  fc.assert(fc.property(fc.uniqueArray(some, { selector: ({ name }) => name }), (rows) => {
    const reports = judgeIndexes(rows, () => 30 * 86_400);
    const dropped = new Set(
      reports.filter(({ cure }) => cure?.sql.startsWith("drop")).map(({ name }) => name),
    );
    for (const row of rows) {
      const stays = rows.some((other) =>
        !dropped.has(`public.${other.name}`) && other.keys.length >= row.keys.length
      );
      assert.ok(stays || row.scans === 0, "for one that is read, one with these first keys stays");
      if (row.is_unique && dropped.has(`public.${row.name}`)) {
        assert.ok(
          rows.some((other) =>
            other.is_unique && other.key_count === row.key_count &&
            !dropped.has(`public.${other.name}`)
          ),
          "what was unique stays unique",
        );
      }
    }
  }));
});

Deno.test("indexes: an index is unused only after its use has been counted for a week", () => {
  const never = [index({ scans: 0 })];
  assert.deepEqual(problemsOf(never, 86_400), { "public.a": [] });
  assert.deepEqual(problemsOf(never), { "public.a": ["unused"] });
  assert.deepEqual(problemsOf([index({ scans: 0, is_unique: true })]), { "public.a": [] });
});

Deno.test("indexes: TimescaleDB builds all indexes of a hypertable again, not one, and none concurrently", () => {
  const row = index({ invalid_leaves: 1, is_partitioned: true, is_hypertable: true });
  const [judged] = judgeIndexes([row], () => null);
  assert.match(judged?.cure?.sql ?? "", /^reindex table "public"\."[^"]+"$/);
  const [missing] = judgeMissing([{
    schema: "public",
    name: "metrics",
    is_partitioned: true,
    is_hypertable: true,
    constraint: "metrics_owner_fkey",
    referenced: "public.owners",
    columns: ["owner"],
    rows_estimate: 1,
  }]);
  assert.equal(missing?.cure.sql, 'create index on "public"."metrics" ("owner")');
  assert.match(missing?.cure.risk ?? "", /timescaledb\.transaction_per_chunk/);
});

Deno.test("indexes: no index is unused on a standby, or within a week of its promotion", async () => {
  const day = 86_400_000;
  let at = 100 * day;
  let in_recovery = true;
  const answers = new Map<string, () => unknown>([
    ["server", () => ({ ...server, in_recovery, uptime_seconds: at / 1_000 })],
    ["indexes", () => index({ scans: 0 })],
  ]);
  const unsafe = (sql: string) => {
    const { name } = collectors.find(({ questions }) => questions.some((one) => one.sql === sql)) ??
      {};
    return Promise.resolve([answers.get(name ?? "")?.()].filter((row) => row !== undefined));
  };
  const pool = { run: (work: (sql: Sql) => unknown) => work({ unsafe } as unknown as Sql) } as Pool;
  const times = { fast: day, stats: day, slow: day, hourly: day };
  const collection = createCollection({
    changes: createChanges({ now: () => at }),
    fastPool: pool,
    slowPool: pool,
    everyMs: times,
    maxAgeMs: times,
    clock: { now: () => new Date(at) },
    log: createLogger({ level: "error", write: () => {} }),
  });
  async function unusedAt(days: number) {
    at = days * day;
    await collection.collect("stats");
    await collection.collect("hourly");
    const view = collection.view({} as never);
    const bytes = signals.find(({ name }) => name === "unused_index_bytes")!.read(view);
    return [view.indexes?.all[0]?.problems, view.indexes?.all[0]?.cure?.sql, bytes];
  }
  assert.deepEqual(await unusedAt(100), [[], undefined, null]);
  assert.deepEqual(await unusedAt(130), [[], undefined, null]);
  in_recovery = false;
  assert.deepEqual(await unusedAt(131), [[], undefined, null]);
  assert.deepEqual(await unusedAt(137), [[], undefined, null]);
  assert.deepEqual(await unusedAt(138), [
    ["unused"],
    'drop index concurrently "public"."a"',
    8_192,
  ]);
});

Deno.test("a collector that waited in our own queue was not refused, and a refusal stays until the next answer", async () => {
  let busy = false;
  let broken = "";
  let at = 0;
  const unsafe = (sql: string) =>
    broken !== "" && sql.includes(broken)
      ? Promise.reject(Object.assign(new Error("no"), { code: "42501", severity: "ERROR" }))
      : Promise.resolve([]);
  const pool = {
    run(work: (sql: Sql) => unknown, options: RunOptions) {
      assert.equal(options.workMs, 12_000, "a question has all its time, however long it waited");
      return busy
        ? Promise.reject(new HoldfastError("overloaded", "No turn came in time"))
        : work({ unsafe } as unknown as Sql);
    },
  } as Pool;
  const hour = 3_600_000;
  const times = { fast: hour, stats: hour, slow: hour, hourly: hour };
  const collection = createCollection({
    changes: createChanges({ now: () => 0 }),
    fastPool: pool,
    slowPool: pool,
    everyMs: times,
    maxAgeMs: times,
    clock: { now: () => new Date(at += 1_000) },
    log: createLogger({ level: "error", write: () => {} }),
  });
  const { readings } = collection;
  readings.server.value = [server];
  const failing = () => collection.view(null as never).failing;
  const checks = () =>
    collectorChecks({ readings, unreachable: undefined } as unknown as Snapshot)
      .map(({ name, status, detail }) => [name, status, /for (.*);/.exec(detail)?.[1] ?? detail]);

  busy = true;
  assert.deepEqual(await collection.collect("hourly"), { kind: "unasked", missed: true });
  assert.deepEqual(failing(), []);
  const hourly = collectors.filter(({ tier }) => tier === "hourly").map(({ name }) => name);
  const unasked = [["collectors_not_asked", "unknown", hourly.join(", ")]];
  assert.deepEqual(checks(), unasked);

  [busy, broken] = [false, "pg_stats"];
  const read = { kind: "answered", missed: false, reconnected: false };
  assert.deepEqual(await collection.collect("hourly"), read);
  assert.deepEqual(failing(), ["bloat"]);
  assert.deepEqual(checks(), [["collector:bloat", "unknown", "42501: no"]]);

  busy = true;
  await collection.collect("hourly");
  assert.deepEqual(failing(), ["bloat"], "nothing was learnt since");
  assert.deepEqual(checks(), unasked);

  [busy, broken] = [false, ""];
  await collection.collect("hourly");
  assert.deepEqual([failing(), checks()], [[], []]);
});

/** A pool whose questions take as long as `costMs` says, and answer one row of nothing. */
function slowPool(costMs: (sql: string) => number): Pool {
  const unsafe = async (sql: string) => {
    await new Promise((done) => setTimeout(done, costMs(sql)));
    return [];
  };
  return { run: (work: (sql: Sql) => unknown) => work({ unsafe } as unknown as Sql) } as Pool;
}

Deno.test("a collector with two overruns pauses, is logged, is unknown, and runs again within its budget", async () => {
  let dear = true;
  const logs: LogFields[] = [];
  const pool = slowPool((sql) => dear && sql.includes("pg_stats") ? 520 : 0);
  let at = 0;
  const hour = 3_600_000;
  const collection = createCollection({
    changes: createChanges({ now: () => 0 }),
    fastPool: pool,
    slowPool: pool,
    everyMs: { fast: 1_000, stats: 1_000, slow: 1_000, hourly: 1_000 },
    maxAgeMs: { fast: hour, stats: hour, slow: hour, hourly: 3 * hour },
    clock: { now: () => new Date(at) },
    log: createLogger({ level: "debug", write: (line) => logs.push(JSON.parse(line)) }),
  });
  collection.readings.server.value = [server];
  const { bloat } = collection.readings;
  const turn = async () => {
    at += hour;
    await collection.collect("hourly");
  };
  await turn();
  assert.equal(bloat.budget.resting, 0, "once may be chance");
  await turn();
  assert.equal(bloat.budget.resting, 4);
  assert.deepEqual(logs.map(({ event, collector, turns }) => [event, collector, turns]), [
    ["collector_rests", "bloat", 4],
  ]);
  dear = false;
  const readAt = bloat.at;
  for (let rest = 0; rest < 4; rest++) {
    assert.equal(collection.view(null as never).ownCost.resting, 1);
    await turn();
  }
  assert.equal(bloat.at, readAt, "it was not asked");
  assert.equal(collection.view(null as never).rows("bloat"), undefined, "and is unknown by now");
  assert.notEqual(collection.view(null as never).rows("indexes"), undefined, "the others went on");
  await turn();
  assert.deepEqual(bloat.budget, fullBudget);
  assert.notEqual(collection.view(null as never).rows("bloat"), undefined);
});
