import assert from "node:assert/strict";
import { HoldfastError } from "../../errors.ts";
import { compareRows } from "../../services/backups/verify/rows.ts";
import { createCandleRebuild, rangesOfChunks } from "../../services/market/candle_rebuild.ts";
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

const chunkOf = async (table: string, place: number) => {
  const [row] = await guarded.sql<{ name: string }[]>`
    select inhrelid::regclass::text as name
    from pg_inherits
    where inhparent = ${table}::regclass
    order by inhrelid
    offset ${place - 1}
    limit 1`;
  return row?.name ?? assert.fail(`${table} has no chunk ${place}`);
};

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

Deno.test("candles are rebuilt from the chunks that are there, and older candles stay", async () => {
  await using guardian = guarded.at(now);
  const chunk = await chunkOf("market.ticks", 1);
  await guarded.sql.unsafe(`
    insert into ${chunk} (ts, price, size, instrument_id)
      select timestamptz '2026-03-13 10:00Z' + g * interval '30 s', g, 1, i.id
      from generate_series(0, 9) as g, market.instruments as i where i.symbol = 'HYPER';
    insert into market.candles_1m
      (instrument_id, ts, open, high, low, close, volume, trades, open_ts, open_seq, close_ts, close_seq)
      select id, at, 1, 1, 1, 1, 1, 1, at, 1, at, 1
      from market.instruments, unnest(array[timestamptz '2026-01-01 10:00Z', '2026-03-14 10:00Z']) as at
      where symbol = 'HYPER'`).simple();
  const { rebuild } = createCandleRebuild({ pool: guardian.pool, catalogue: createCatalogue() });
  const request = { symbol: "HYPER", dryRun: false, force: false, whole: true };
  const answer = await rebuild(request);
  assert.deepEqual([answer.minutes_checked, answer.changed, answer.removed], [6, 5, 1]);
  const candles = await guarded.sql<{ at: string; trades: string }[]>`
    select to_char(ts at time zone 'UTC', 'MM-DD HH24:MI') as at, trades::text
    from market.candles_1m
    order by ts`;
  assert.deepEqual(candles.map(({ at, trades }) => `${at} ${trades}`), [
    "01-01 10:00 1",
    ...["00", "01", "02", "03", "04"].map((minute) => `03-13 10:${minute} 2`),
  ]);
  assert.equal((await rebuild(request)).changed, 0);

  await guarded.sql`
    update _timescaledb_config.seen_hypertables set num_dimensions = 2 where hypertable_name = 'ticks'`;
  await assert.rejects(rebuild(request), isRefusal("conflict", /a hypertable with 2 dimensions/));
});

Deno.test("a chunk's range reads the hypertable, where compressed rows are rows", () => {
  const chunk = { schema: "_timescaledb_internal", table: "c", from_us: 0, to_us: 86_400_000_000 };
  assert.deepEqual(rangesOfChunks({ dimensions: 1, chunks: [chunk] }), [{
    leaf: { schema: "_timescaledb_internal", table: "c" },
    source: { schema: "market", table: "ticks" },
    fromUs: 0,
    toUs: 86_400_000_000,
  }]);
  for (const dimensions of [0, 2]) {
    assert.throws(() => rangesOfChunks({ dimensions, chunks: [] }), /candles are rebuilt where/);
  }
});

Deno.test("the drill compares the rows of hypertables as they are stored", async () => {
  const { sql } = guarded;
  const [first] = await sql<{ xid: string }[]>`select pg_current_xact_id()::text as xid`;
  const compare = () =>
    compareRows({
      restored: sql,
      production: (work) => work(sql),
      firstXid: first?.xid ?? null,
      deadline: Infinity,
    });
  const same = await compare();
  assert.deepEqual(same.problems, []);
  // Two chunks each of shop.metrics and market.ticks, one of shop.ticks, and the compressed rows of the other.
  assert.equal(same.leaves, 6);
  assert.equal(same.rows, 11n);
  assert.match(same.notes.join(), /1 compressed chunk\(s\) of hypertables: their compressed rows/);

  // The restored cluster lacks rows that production has.
  const lost = await compareRows({
    restored: new Proxy(sql, {
      get: (target, key) =>
        key === "unsafe"
          ? (text: string) =>
            target.unsafe(text.replace(/^(select count\(\*\) as n from .*)$/, "$1 where false"))
          : Reflect.get(target, key),
    }),
    production: (work) => work(sql),
    firstXid: first?.xid ?? null,
    deadline: Infinity,
  });
  assert.match(lost.problems.join(), /_hyper_\d+_1_chunk has 0 rows, the server had 10/);

  await sql`update pg_extension set extversion = '2.14.2' where extname = 'timescaledb'`;
  const old = await compare();
  assert.equal(old.leaves, 0);
  assert.match(
    old.notes.join(),
    /rows of hypertables were not compared: TimescaleDB 2\.14\.2 is too old, it needs 2\.19/,
  );
});
