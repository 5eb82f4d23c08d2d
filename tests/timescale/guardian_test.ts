import assert from "node:assert/strict";
import { HoldfastError } from "../../errors.ts";
import { createCatalogue } from "../../services/partitions/catalogue.ts";
import { createEnsure } from "../../services/partitions/ensure.ts";
import { createLogger } from "../../log.ts";
import { hypertableProblem } from "../../services/partitions/hypertable.ts";
import { partitionValues } from "../../services/partitions/report/metrics.ts";
import { readTables } from "../../services/partitions/report/reading.ts";
import { reportTable } from "../../services/partitions/report/report.ts";
import { type Guarded, someDays, startGuarded } from "../helpers/guardian.ts";
import { imitateHypertable, imitateTimescale } from "../helpers/timescale.ts";

/** Hypertables are TimescaleDB's: the guardian refuses them with what to use instead, and never changes a chunk. */
let guarded: Guarded;
const now = "2026-03-15T12:00:00Z";

Deno.test.beforeAll(async () => {
  guarded = await startGuarded();
});
Deno.test.afterAll(() => guarded.stop());

const isRefusal = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof HoldfastError && error.code === code && message.test(error.message);

const advice =
  /TimescaleDB partitions it.*set_chunk_time_interval, add_retention_policy and add_columnstore_policy/;

async function reportOf(table: string) {
  await using guardian = guarded.at(now);
  const config = { HOLDFAST_PREMAKE_DAYS: 1, HOLDFAST_RETENTION_DAYS: 0 };
  const nowMs = Date.parse(now);
  const readings = await guardian.pool.run((sql) =>
    readTables(sql, { catalogue: createCatalogue(), config, nowMs })
  );
  const found = readings.map((reading) => reportTable(reading, nowMs * 1_000, 7))
    .find((report) => report.table === table);
  assert.ok(found);
  return found;
}

Deno.test("the sentence names the hypertable of a chunk", () => {
  const part = { oid: 1, hypertable: "shop.metrics", is_chunk: false };
  assert.match(hypertableProblem(part), /^it is a hypertable: TimescaleDB/);
  assert.match(
    hypertableProblem({ ...part, is_chunk: true }),
    /^it is a chunk of the hypertable shop\.metrics: TimescaleDB/,
  );
});

Deno.test("a table is judged as before while TimescaleDB is not installed, whatever its schemas are called", async () => {
  await guarded.sql.unsafe(`
    create schema _timescaledb_catalog;
    create table _timescaledb_catalog.hypertable (schema_name name, table_name name);
    create schema plain;
    create table plain.t (ts timestamptz not null primary key);
    insert into _timescaledb_catalog.hypertable values ('plain', 't')`).simple();
  await using guardian = guarded.at(now);
  await assert.rejects(
    guardian.put("plain.t"),
    isRefusal("invalid_request", /table: it is not partitioned/),
  );
  const plan = await guardian.conversions.plan({
    table: "plain.t",
    keyColumn: "ts",
    widenKeys: false,
    policy: someDays,
  });
  assert.deepEqual(plan.refusals, []);
  await guarded.sql.unsafe(`drop schema _timescaledb_catalog cascade`).simple();
});

Deno.test("a policy and a conversion of a hypertable, or of a chunk, are refused with what to use instead", async () => {
  await imitateTimescale(guarded.sql);
  await guarded.sql.unsafe(`
    create schema shop;
    create table shop.metrics (ts timestamptz not null primary key, price float8)`).simple();
  await imitateHypertable(guarded.sql, "shop.metrics", [{ day: "2026-03-14" }, {
    day: "2026-03-15",
  }]);
  await using guardian = guarded.at(now);
  for (const table of ["shop.metrics", "_timescaledb_internal._hyper_1_1_chunk"]) {
    await assert.rejects(guardian.put(table), isRefusal("invalid_request", advice));
    const input = { table, keyColumn: "ts", widenKeys: false, policy: someDays };
    const plan = await guardian.conversions.plan(input);
    assert.equal(plan.refusals.length, 1);
    assert.match(plan.refusals[0] ?? "", advice);
    await assert.rejects(
      guardian.conversions.start(input, plan.digest),
      isRefusal("conflict", advice),
    );
  }
});

Deno.test("a policy from before does nothing to a hypertable, says so, and may be turned off", async () => {
  await guarded.sql.unsafe(`
    create table shop.ticks (ts timestamptz not null) partition by range (ts)`);
  await using guardian = guarded.at(now);
  const policy = {
    retention: { keep: "1 day", action: "drop" as const },
    cooldown: "0",
    seal: true,
  };
  await guardian.put("shop.ticks", policy);
  await guarded.sql.unsafe(`
    drop table shop.ticks;
    create table shop.ticks (ts timestamptz not null)`).simple();
  await imitateHypertable(guarded.sql, "shop.ticks", [{ day: "2026-01-01" }, {
    day: "2026-01-02",
    compressed: true,
  }]);
  const tables = async () =>
    (await guarded.sql`select oid from pg_class where relkind in ('r', 'p') order by oid`).length;
  const before = await tables();
  await guardian.rotation.rotate("test");
  assert.equal(await tables(), before, "nothing was created, detached or dropped");

  const report = await reportOf("shop.ticks");
  assert.match(report.problems.join(), advice);
  assert.match(report.problems.join(), /Set enabled to false in its policy/);
  assert.deepEqual([report.partitions, report.runway_seconds, report.holes], [2, null, []]);
  const values = (tables: (typeof report)[]) =>
    Object.fromEntries(
      partitionValues({ tables, tablesFresh: true, unreachable: undefined })
        .map(({ metric, value }) => [metric, value]),
    );
  assert.equal(values([report]).partition_holes, 0);
  assert.equal("partition_cover_seconds" in values([report]), false, "it does not run out");

  await guardian.put("shop.ticks", { ...policy, enabled: false });
  assert.deepEqual((await reportOf("shop.ticks")).problems, []);
  await assert.rejects(guardian.put("shop.ticks", policy), isRefusal("invalid_request", advice));
});

/** Makes market.ticks a hypertable of two days, with one instrument. */
async function ticksInHypertable(): Promise<void> {
  await guarded.sql.unsafe(`
    alter sequence market.tick_seq owned by none;
    drop table market.ticks;
    create table market.ticks (
      ts timestamptz not null, price float8 not null, size float8 not null,
      seq bigint not null default nextval('market.tick_seq'), instrument_id int4 not null,
      exchange text, side text, trade_id text);
    create index ticks_instrument_ts on market.ticks (instrument_id, ts);
    insert into market.instruments (symbol) values ('HYPER')`).simple();
  await imitateHypertable(guarded.sql, "market.ticks", [{ day: "2026-03-13" }, {
    day: "2026-03-14",
  }]);
}

Deno.test("uploads of ticks for a hypertable make no partition, and are not refused", async () => {
  await ticksInHypertable();
  await using guardian = guarded.at(now);
  const ensure = createEnsure({
    pool: guardian.pool,
    catalogue: createCatalogue(),
    config: {
      HOLDFAST_PREMAKE_DAYS: 1,
      HOLDFAST_RETENTION_DAYS: 0,
      HOLDFAST_MAX_PARTITIONS: 100,
    },
    execution: { run: () => assert.fail("nothing is to be done") } as never,
    context: () => ({
      nowUs: BigInt(Date.parse(now)) * 1_000n,
      maxPartitions: 100,
      horizonDays: 7,
    }),
    log: createLogger({ level: "error", write: () => {} }),
    onChange: () => assert.fail("nothing has changed"),
  });
  await ensure.days([20_526, 20_600]);
  assert.ok(ensure.has([20_526, 20_600]));
});
