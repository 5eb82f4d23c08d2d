import assert from "node:assert/strict";
import { connectSql, type Sql, type Target } from "../../db/connection.ts";
import { migrate } from "../../db/migrate.ts";
import { migrations } from "../../db/migrations/list.ts";
import { listStoredTables } from "../../db/timescale/stored_rows.ts";
import { HoldfastError } from "../../errors.ts";
import { compareRows } from "../../services/backups/verify/rows.ts";
import { createCandleRebuild } from "../../services/market/candle_rebuild.ts";
import { createCatalogue } from "../../services/partitions/catalogue.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { eventually } from "../helpers/eventually.ts";
import { someDays, startGuardedOn } from "../helpers/guardian.ts";
import { testWith } from "../helpers/skip.ts";
import { watch } from "../helpers/watched.ts";

/** A directory of server programs that have TimescaleDB; the test fails where it is named and does not start. */
const bin = Deno.env.get("HOLDFAST_TEST_TIMESCALE_BIN") ?? "";
const real = { what: "HOLDFAST_TEST_TIMESCALE_BIN", present: bin !== "" };

const open = (target: Target, max = 2): Sql =>
  connectSql({
    target,
    max,
    applicationName: "test",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });

/** A hypertable with a compressed chunk, a continuous aggregate and a job that fails; ticks in another hypertable. */
async function furnish(sql: Sql): Promise<void> {
  for (
    const statement of [
      "create extension timescaledb",
      "create table public.metrics (ts timestamptz not null, price float8, note text)",
      "create index metrics_price on public.metrics (price)",
      "select create_hypertable('public.metrics', 'ts', chunk_time_interval => interval '1 day')",
      `insert into public.metrics select '2026-01-01 00:00Z'::timestamptz + g * interval '30 s', g % 100, repeat('x', 50)
        from generate_series(0, 8639) as g`,
      "alter table public.metrics set (timescaledb.compress, timescaledb.compress_orderby = 'ts')",
      "select compress_chunk(c) from show_chunks('public.metrics', older_than => '2026-01-02 00:00Z'::timestamptz) as c",
      `create materialized view public.by_hour with (timescaledb.continuous) as
        select time_bucket('1 hour', ts) as hour, avg(price) from public.metrics group by 1 with no data`,
      "create procedure public.fails(job_id int, config jsonb) language plpgsql as $$ begin raise exception 'no'; end $$",
      "select add_job('public.fails', interval '1 hour', initial_start => now())",
      "alter sequence market.tick_seq owned by none",
      "drop table market.ticks",
      `create table market.ticks (ts timestamptz not null, price float8 not null, size float8 not null,
        seq bigint not null default nextval('market.tick_seq'), instrument_id int4 not null, exchange text, side text,
        trade_id text)`,
      "select create_hypertable('market.ticks', 'ts', chunk_time_interval => interval '1 day')",
      "alter table market.ticks set (timescaledb.compress, timescaledb.compress_segmentby = 'instrument_id')",
      "insert into market.instruments (symbol) values ('HYPER')",
      `insert into market.ticks (ts, price, size, instrument_id)
        select '2026-01-01 10:00Z'::timestamptz + g * interval '30 s', g, 1, id
        from generate_series(0, 9) as g, market.instruments where symbol = 'HYPER'`,
      "select compress_chunk(c) from show_chunks('market.ticks') as c",
      "analyze",
    ]
  ) await sql.unsafe(statement);
}

async function collectorsMean(t: Deno.TestContext, target: Target, sql: Sql): Promise<void> {
  const watched = watch(target);
  try {
    await watched.look();
    await watched.look();
    const rows = <T>(name: string) => {
      const reading = watched.collection.readings[name as "tables"];
      assert.equal(reading.error, undefined, name);
      return (reading.value ?? []) as T[];
    };
    await t.step("tables and indexes are rolled up", () => {
      const tables = rows<{ table: string; leaves: number; rows_estimate: number }>("tables");
      const metrics = tables.find(({ table }) => table === "public.metrics");
      assert.equal(metrics?.leaves, 3);
      assert.ok(Math.abs(metrics.rows_estimate - 8_640) < 900, `${metrics.rows_estimate}`);
      assert.deepEqual(
        tables.filter(({ table }) => /_chunk|compress|timescaledb_catalog/.test(table)),
        [],
      );
      const { all } = watched.collection.view(null as never).indexes!;
      assert.deepEqual(
        all.filter(({ table }) => table === "public.metrics")
          .map(({ name, partitions }) => `${name} ${partitions}`).sort(),
        ["public.metrics_price 3", "public.metrics_ts_idx 3"],
      );
      assert.deepEqual(all.filter(({ name }) => /timescaledb_catalog|_chunk/.test(name)), []);
    });
    await t.step("bloat, foreign keys and sizes are read", () => {
      for (const name of ["bloat", "missing_indexes", "sizes"]) rows(name);
    });
    await t.step("the job that fails is failing", async () => {
      await eventually(async () => {
        await watched.look();
        return watched.signals().some(({ name, scope, value }) =>
          name === "timescale_job_failing" && scope.startsWith("fails [") && value === 1
        );
      }, "the job has failed");
      assert.ok((await sql`select 1 from timescaledb_information.job_errors`).length > 0);
    });
  } finally {
    await watched.end();
  }
}

testWith(real, "hypertables on a server with TimescaleDB", async (t) => {
  const server = await createDebianServer({
    bin,
    settings: ["shared_preload_libraries=timescaledb", "timescaledb.telemetry_level=off"],
  });
  const target: Target = { kind: "url", url: server.url };
  const sql = open(target);
  try {
    await server.start();
    const one = open(target, 1);
    await migrate(one, migrations);
    await one.end();
    await furnish(sql);
    await collectorsMean(t, target, sql);

    await using guardian = startGuardedOn(target, "2026-01-03T12:00:00Z", {});
    await t.step("a policy and a conversion are refused", async () => {
      const refused = (error: unknown) =>
        error instanceof HoldfastError && /TimescaleDB partitions it/.test(error.message);
      await assert.rejects(guardian.put("public.metrics"), refused);
      const plan = await guardian.conversions.plan({
        table: "public.metrics",
        keyColumn: "ts",
        widenKeys: false,
        policy: someDays,
      });
      assert.match(plan.refusals.join(), /TimescaleDB partitions it/);
    });
    await t.step("candles are rebuilt from a compressed chunk", async () => {
      const catalogue = createCatalogue();
      const { rebuild } = createCandleRebuild({ pool: guardian.pool, catalogue });
      const answer = await rebuild({ symbol: "HYPER", dryRun: false, force: false, whole: true });
      assert.deepEqual([answer.minutes_checked, answer.changed], [5, 5]);
    });
    await t.step("the drill compares the rows as they are stored", async () => {
      const { tables } = await listStoredTables(sql);
      const [now] = await sql<{ xid: string }[]>`select pg_current_xact_id()::text as xid`;
      const { problems, leaves } = await compareRows({
        restored: sql,
        production: (work) => work(sql),
        firstXid: now?.xid ?? null,
        deadline: Infinity,
      });
      assert.deepEqual(problems, []);
      assert.equal(leaves, tables.length);
    });
  } finally {
    await sql.end({ timeout: 2 });
    await server.remove();
  }
});
