import assert from "node:assert/strict";
import { budgetOf } from "../../services/monitor/collect/budget.ts";
import { connectSql } from "../../db/connection.ts";
import { tierOf } from "../../db/collectors/list.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { eventually, within } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";

const quick = {
  HOLDFAST_FAST_TIER_SECONDS: "1",
  HOLDFAST_BROADCAST_SECONDS: "1",
  HOLDFAST_SLOW_TIER_SECONDS: "5",
};

interface Health {
  status: string;
  age_ms: number;
  checks: { name: string; status: string; detail: string }[];
}

const healthOf = (app: TestApp) => app.json<Health>("/api/health");
const checkOf = async (app: TestApp, name: string) =>
  (await healthOf(app)).checks.find((check) => check.name === name);

Deno.test("locks on a leaf, on its parent and on own tables: nothing waits beyond its budget, over two connections at most", async (t) => {
  const app = await startApp(quick);
  const { monitor } = app.holdfast;
  try {
    await app.post("/api/ticks?create=true", [
      { ts: new Date().toISOString(), symbol: "SPY", price: 170.5, size: 100, exchange: "P" },
    ]);
    await eventually(async () => (await healthOf(app)).status === "healthy", "healthy");
    const [{ leaf }] = await app.sql<[{ leaf: string }]>`
      select tableoid::regclass::text as leaf from market.ticks limit 1`;
    const cases = [
      ["a leaf", [leaf]],
      ["the parent", ["market.ticks"]],
      ["own tables", ["holdfast.samples", "holdfast.partition_policies", "holdfast.alerts"]],
    ] as const;
    for (const [what, tables] of cases) {
      await t.step(what, async () => {
        const blocker = await app.sql.reserve();
        let most = 0;
        try {
          await blocker`begin`;
          for (const table of tables) {
            await blocker.unsafe(`lock table ${table} in access exclusive mode`);
          }
          for (const tier of ["fast", "stats", "slow", "hourly"] as const) {
            await within(3_000, `${tier} is done soon`, async () => {
              const started = performance.now();
              await monitor.runNow(tier);
              return performance.now() - started;
            });
            const [row] = await app.sql<{ count: number }[]>`
              select count(*)::int as count from pg_stat_activity where application_name = 'holdfast-monitor'`;
            most = Math.max(most, row?.count ?? 0);
          }
          // One that a busy machine holds up keeps to its budget when it is asked again; one that waits for the lock does not.
          await within(0, "beyond its budget", async () => {
            let beyond = -Infinity;
            for (const tier of ["fast", "stats", "slow", "hourly"] as const) {
              await monitor.runNow(tier);
            }
            const { readings } = monitor.snapshot();
            for (const [name, { durationMs, error }] of Object.entries(readings)) {
              const seconds = { fast: 1, stats: 1, slow: 5, hourly: 3600 }[
                tierOf(name as keyof typeof readings)
              ];
              beyond = Math.max(beyond, (durationMs ?? 0) - budgetOf(seconds * 1000));
              assert.equal(error, undefined, name);
            }
            return beyond;
          });
          assert.ok(most <= 2, `${most} connections`);
          await monitor.runNow("fast");
          const health = await healthOf(app);
          assert.ok(health.age_ms < 3_000, "health is of now");
          const stale = health.checks.filter(({ status }) => status !== "healthy");
          if (what === "own tables") {
            // What could not be read or written is named; nothing else suffers.
            assert.deepEqual(stale.map(({ name }) => name).sort(), ["history", "partitions"]);
            const lagging = stale.find(({ name }) => name === "partitions");
            assert.deepEqual([lagging?.status, /55P03/.test(lagging?.detail ?? "")], [
              "unknown",
              true,
            ]);
          } else assert.deepEqual(stale, []);
        } finally {
          await blocker`rollback`;
          blocker.release();
        }
        await eventually(
          async () => (await healthOf(app)).checks.every(({ status }) => status === "healthy"),
          "all is known again",
        );
      });
    }
  } finally {
    await app.stop();
  }
});

testWith(
  debianPostgres,
  "a role without pg_monitor and a server without pg_stat_statements: each shows as itself, by name",
  async () => {
    const server = await createDebianServer();
    await server.start();
    const admin = connectSql({
      target: { kind: "url", url: server.url },
      max: 1,
      applicationName: "test",
      statementTimeoutMs: 10_000,
      lockTimeoutMs: 5_000,
      pooled: false,
    });
    await admin`create role plain login`;
    await admin`grant create on database postgres to plain`;
    await admin.end();
    const url = server.url.replace("postgres@", "plain@");
    const app = await startApp({ DATABASE_URL: url, ...quick });
    try {
      const check = await eventually(
        async () => await checkOf(app, "pg_monitor") ?? false,
        "the missing grant is a check",
      );
      assert.equal(check.status, "unknown");
      const missing = await eventually(
        async () => await checkOf(app, "pg_stat_statements") ?? false,
        "and so is the missing extension",
      );
      assert.match(missing.detail, /not installed in this database/);
      const report = await app.json<{
        recommendations: { title: string; sql?: string }[];
        performance_metrics: Record<string, unknown>;
      }>("/api/health/database");
      assert.ok(report.recommendations.some(({ sql }) => /^grant pg_monitor to/.test(sql ?? "")));
      assert.ok(report.recommendations.some(({ title }) => title === "Install pg_stat_statements"));
      assert.equal(report.performance_metrics.longest_transaction_seconds, null);
      assert.equal(report.performance_metrics.blocked_sessions, null);
      const queries = await app.json<{ status: string; detail: string }>("/api/queries");
      assert.equal(queries.status, "unknown");
      assert.match(queries.detail, /pg_stat_statements/);
    } finally {
      await app.stop();
      await server.remove();
    }
  },
);

Deno.test("a collector that runs into its statement timeout is unknown by name, and its values with it", async () => {
  const app = await startApp(quick);
  try {
    await eventually(async () => (await healthOf(app)).status === "healthy", "healthy");
    // A function that waits in place of the server's makes the question as slow as a server in trouble.
    await app.sql`create table public.orders (id int primary key)`;
    await app.admin.unsafe(`
      alter function pg_catalog.pg_blocking_pids(int) rename to pg_blocking_pids_in_time;
      create function pg_catalog.pg_blocking_pids(int) returns int[] language sql
        as 'select array[1] from pg_sleep(30)'`).simple();
    const [blocker, waiter] = [await app.sql.reserve(), await app.sql.reserve()];
    await blocker`begin`;
    await blocker`lock table public.orders`;
    const waiting = waiter`select from public.orders`.execute().catch(() => {});
    const check = await eventually(
      async () => await checkOf(app, "collector:locks") ?? false,
      "it is named",
      20_000,
    );
    await blocker`rollback`;
    await waiting;
    blocker.release();
    waiter.release();
    assert.equal(check.status, "unknown");
    assert.match(check.detail, /^57014: /);
    assert.equal((await healthOf(app)).status, "healthy", "the rest goes on");
  } finally {
    await app.stop();
  }
});
