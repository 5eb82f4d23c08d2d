import assert from "node:assert/strict";
import { connectSql, type Sql } from "../../db/connection.ts";
import { AlertList } from "../../routes/alerts/schemas.ts";
import { HealthResponse, Liveness, PartitionHealthResponse } from "../../routes/health/schemas.ts";
import { type Cluster, createCluster, embeddedBin } from "../helpers/cluster.ts";
import { eventually, withinRounds } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { startProcess } from "../helpers/process.ts";
import { startProxy } from "../helpers/proxy.ts";
import { debianPostgres, slowTests, testWith } from "../helpers/skip.ts";
import { watch } from "../helpers/watched.ts";

const began = Date.now();
const quick = {
  HOLDFAST_FAST_TIER_SECONDS: "1",
  HOLDFAST_BROADCAST_SECONDS: "1",
  HOLDFAST_ALERT_WRITE_FAILING_COOLDOWN_SECONDS: "0",
  HOLDFAST_ALERT_WRITE_FAILING_KEEP_FIRING_SECONDS: "0",
};
/** Waits for what one of the next fast ticks brings, in which writing may be tried once more. */
const atNextTicks = <T>(app: TestApp, what: string, probe: () => Promise<T | undefined | false>) =>
  withinRounds(5, what, () => app.holdfast.monitor.snapshot().readings.activity.at, probe);

const beside = (cluster: Cluster) => startApp({ DATABASE_URL: cluster.url(), ...quick });

async function onServer<T>(cluster: Cluster, work: (sql: Sql) => Promise<T>): Promise<T> {
  const sql = connectSql({
    target: { kind: "url", url: cluster.url() },
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 20_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

async function upload(app: TestApp, at: number) {
  const answer = await app.post("/api/ticks?create=true", [{
    ts: new Date(began - 60_000).toISOString(),
    symbol: "SPY",
    price: 170 + at,
    size: 100,
    exchange: "P",
  }], { "idempotency-key": `standby-${at}` });
  const body = await answer.json() as { code?: string; detail?: string };
  return { status: answer.status, body };
}

/** Sends an upload again and again until it is taken, as a client does. */
const uploadPatiently = (app: TestApp, at: number) =>
  eventually(async () => (await upload(app, at)).status === 200, `upload ${at} is taken`, 30_000);

async function health(app: TestApp) {
  const answer = await app.request("/api/health");
  const text = await answer.text();
  assert.doesNotMatch(text, /secret/, "no password is shown");
  const body = HealthResponse.parse(JSON.parse(text));
  return { status: answer.status, body, write: body.checks.find((c) => c.name === "write_access") };
}

async function ready(app: TestApp) {
  const answer = await app.request("/api/health/ready");
  return { status: answer.status, body: Liveness.parse(await answer.json()) };
}

const firing = async (app: TestApp) =>
  AlertList.parse(await app.json("/api/alerts?state=firing")).alerts;

async function assertWatches(app: TestApp, primary: string): Promise<void> {
  const { status, body } = await ready(app);
  assert.deepEqual([status, body.status, body.mode], [200, "ready", "watch_only"]);
  const overall = await eventually(async () => {
    const found = await health(app);
    return found.body.status === "healthy" ? found : false;
  }, "a standby is no fault by itself");
  assert.deepEqual([overall.status, overall.body.role], [200, "standby"]);
  assert.equal(overall.write?.status, "healthy");
  assert.match(overall.write?.detail ?? "", new RegExp(primary));
  const refused = await upload(app, 0);
  assert.deepEqual([refused.status, refused.body.code], [503, "database_read_only"]);
  assert.match(refused.body.detail ?? "", new RegExp(`is a standby.*${primary}`));
  assert.deepEqual((await firing(app)).map(({ rule }) => rule), []);
  for (
    const path of [
      "/metrics",
      "/api/locks",
      "/api/indexes",
      "/api/alerts",
      "/api/alerts/deliveries",
      "/api/incidents",
      "/api/metrics",
      "/api/health/database",
      "/api/health/performance",
      "/api/backups",
    ]
  ) {
    const answer = await app.request(path);
    await answer.body?.cancel();
    assert.equal(answer.status, 200, path);
  }
  const made = await app.post("/api/alerts/silences", {
    rule: "rollbacks",
    reason: "beside a standby",
    duration_seconds: 3_600,
  });
  assert.equal(made.status, 201);
  await made.body?.cancel();
  const { silences } = await app.json<{ silences: { reason: string }[] }>("/api/alerts/silences");
  assert.deepEqual(silences.map(({ reason }) => reason), ["beside a standby"]);
  await eventually(async () => {
    const { points } = await app.json<{ points: unknown[] }>("/api/metrics/xid_age");
    return points.length > 1;
  }, "history is in memory");
  const errors = app.logs.filter(({ event }) =>
    /not_saved|not_written|cron_failed/.test(`${event}`)
  );
  assert.deepEqual(errors, []);
}

async function assertWrites(app: TestApp): Promise<void> {
  await atNextTicks(app, "it writes", async () => {
    const { status, body } = await ready(app);
    return status === 200 && body.mode === "writing";
  });
  await atNextTicks(
    app,
    "write_failing is over",
    async () => !(await firing(app)).some(({ rule }) => rule === "write_failing"),
  );
  assert.equal((await health(app)).body.role, "primary");
}

async function assertDemoted(app: TestApp): Promise<void> {
  await eventually(
    async () => (await health(app)).body.mode === "watch_only",
    "it sees a standby",
    20_000,
  );
  // One that was open before, for another cause, tells of this one at the next tick.
  const alert = await atNextTicks(app, "write_failing fires, and names the standby", async () => {
    const found = (await firing(app)).find(({ rule }) => rule === "write_failing");
    assert.match(JSON.stringify(found?.evidence), /"mode":"watch_only","cause":"standby"/);
    return found;
  });
  assert.equal(alert.severity, "critical");
  const unready = await ready(app);
  assert.deepEqual([unready.status, unready.body.mode], [503, "watch_only"]);
  assert.match(unready.body.detail, /is a standby/);
  const overall = await health(app);
  assert.deepEqual([overall.status, overall.body.status], [503, "unhealthy"]);
  const refused = await upload(app, 2);
  assert.deepEqual([refused.status, refused.body.code], [503, "database_read_only"]);
}

async function behaves(t: Deno.TestContext, bin: string): Promise<void> {
  const primary = await createCluster(bin);
  const clusters: Cluster[] = [primary];
  let app: TestApp | undefined;
  try {
    await primary.start();
    await primary.stop();
    const [streaming, archived] = [await primary.copy(), await primary.copy()];
    clusters.push(streaming, archived);
    await streaming.follow({ port: primary.port });
    await archived.follow({ archive: primary.archive });
    for (const cluster of clusters) await cluster.start();

    await t.step("a standby that has no holdfast schema is watched", async () => {
      const watching = app = await beside(streaming);
      await assertWatches(watching, `127.0.0.1:${primary.port}`);
      const { status, body } = await (async () => {
        const answer = await watching.request("/api/ticks?symbol=SPY");
        return { status: answer.status, body: await answer.json() as { code: string } };
      })();
      assert.deepEqual([status, body.code], [503, "database_read_only"]);
      if (!slowTests.present) return;
      const doctor = startProcess({ env: { DATABASE_URL: streaming.url() }, args: ["doctor"] });
      await doctor.exited;
      assert.match(doctor.output(), /– {2}The server is a standby of 127.0.0.1:\d+.*watch-only/);
    });

    await t.step("tables that come by replication are read as they come", async () => {
      const first = await beside(primary);
      assert.equal((await upload(first, 1)).status, 200);
      await first.stop();
      await eventually(async () => {
        const answer = await app!.request("/api/ticks?symbol=SPY");
        const { ticks } = await answer.json() as { ticks?: unknown[] };
        return ticks?.length === 1;
      }, "the tick is read from the standby");
      await eventually(async () => {
        const { tables } = PartitionHealthResponse.parse(
          await app!.json("/api/health/partitions"),
        );
        return tables.some(({ table, partitions }) => table === "market.ticks" && partitions > 0);
      }, "its partitions are reported");
      for (
        const path of [
          "/api/candles?symbol=SPY&interval=1m",
          "/api/instruments",
          "/api/quarantine",
          "/api/partitions",
          "/api/partitions/policies",
          "/api/benchmarks/runs",
          "/api/exactness",
        ]
      ) {
        const answer = await app!.request(path);
        const text = await answer.text();
        assert.ok([200, 400].includes(answer.status), `${path}: ${answer.status} ${text}`);
      }
      const plan = await app!.post("/api/partitions/plan", {});
      assert.equal(plan.status, 200, await plan.text());
      const { signals } = app!.holdfast.monitor.snapshot();
      const value = (name: string) => signals.find((one) => one.name === name)?.value;
      assert.equal(value("standby_receiving"), 1);
    });

    await t.step("from an archive: all replayed is no lag, held up is", async () => {
      const watched = watch({ kind: "url", url: archived.url() });
      const delay = async () => {
        await watched.collection.collect("stats");
        return watched.value("standby_replay_delay_seconds");
      };
      try {
        await onServer(primary, (sql) => sql`select pg_switch_wal()`);
        await eventually(async () => await delay() === 0, "it has replayed all");
        assert.equal(watched.value("standby_receiving"), null);
        assert.equal(watched.value("standby_paused"), 0);
        await onServer(archived, async (sql) => {
          await sql`alter system set recovery_min_apply_delay = '1h'`;
          await sql`select pg_reload_conf()`;
        });
        await onServer(primary, async (sql) => {
          await sql`create table public.late as select 1 as one`;
          await sql`select pg_switch_wal()`;
        });
        await eventually(async () => ((await delay()) ?? 0) > 0.5, "it is late");
        await onServer(archived, async (sql) => {
          await sql`alter system reset recovery_min_apply_delay`;
          await sql`select pg_reload_conf()`;
        });
        await eventually(async () => await delay() === 0, "it has caught up");
      } finally {
        await watched.end();
      }
      const beneath = await beside(archived);
      try {
        await assertWatches(beneath, "archive");
      } finally {
        await beneath.stop();
      }
    });

    await t.step(
      "a promoted server that cannot be prepared is an outage until it can",
      async () => {
        await onServer(primary, async (sql) => {
          await sql`create role narrow login in role pg_monitor, pg_read_all_data`;
          await sql`select pg_switch_wal()`;
        });
        await eventually(
          () =>
            onServer(archived, async (sql) => (await sql`select 'narrow'::regrole`).length === 1)
              .catch(() => false),
          "the role is there",
        );
        const url = archived.url().replace("postgres@", "narrow@");
        const narrow = await startApp({ DATABASE_URL: url, ...quick });
        try {
          await eventually(
            async () => (await ready(narrow)).body.mode === "watch_only",
            "it watches",
          );
          await onServer(archived, (sql) => sql`select pg_promote()`);
          await atNextTicks(
            narrow,
            "it is not ready",
            async () => (await ready(narrow)).status === 503,
          );
          assert.match(
            (await ready(narrow)).body.detail,
            /cannot be prepared: 42501: permission denied/,
          );
          const { status, write } = await health(narrow);
          assert.deepEqual([status, write?.status], [503, "unhealthy"]);
          await atNextTicks(
            narrow,
            "write_failing fires",
            async () => (await firing(narrow)).some(({ rule }) => rule === "write_failing"),
          );
          await onServer(archived, (sql) => sql`alter role narrow superuser`);
          await assertWrites(narrow);
        } finally {
          await narrow.stop();
        }
      },
    );

    await t.step("once it is promoted Holdfast goes on by itself", async () => {
      await onServer(streaming, (sql) => sql`select pg_promote()`);
      await assertWrites(app!);
      assert.equal((await upload(app!, 1)).status, 200, "replayed: it was taken by the primary");
      await eventually(async () => {
        const silences = await app!.sql`select reason from holdfast.alert_silences`;
        assert.deepEqual(silences.map(({ reason }) => reason), ["beside a standby"]);
        return true;
      }, "the silence made meanwhile is written");
    });

    await t.step("a switch-over is an outage of writing, each time it comes", async () => {
      await streaming.follow({ archive: streaming.archive });
      for (let round = 0; round < 2; round++) {
        await streaming.stop();
        if (round > 0) await streaming.follow({ archive: streaming.archive });
        await streaming.start();
        await assertDemoted(app!);
        const waiting = uploadPatiently(app!, 2 + round);
        await onServer(streaming, (sql) => sql`select pg_promote()`);
        await waiting;
        await assertWrites(app!);
      }
      const [counted] = await onServer(
        streaming,
        (sql) =>
          sql<{ n: number; prices: number }[]>`
          select count(*)::int4 as n, count(distinct price)::int4 as prices from market.ticks`,
      );
      assert.deepEqual({ ...counted }, { n: 3, prices: 3 }, "nothing is lost or doubled");
      await eventually(async () => {
        const [told] = await app!.sql`select count(*)::int4 as n from holdfast.alerts
          where rule = 'write_failing' and state = 'resolved'`;
        return told?.n === 2;
      }, "both outages of writing are on record");
      await eventually(async () => {
        const [samples] = await app!.sql`select count(*)::int4 as n from holdfast.samples`;
        return samples?.n > 0;
      }, "its own records are written again");
    });
  } finally {
    await app?.stop();
    for (const cluster of clusters.reverse()) await cluster.remove();
  }
}

/** Uploads of several clients through everything that ends writing; each retries until it is taken. */
async function losesNothing(bin: string): Promise<void> {
  const primary = await createCluster(bin);
  const clusters: Cluster[] = [primary];
  const proxy = startProxy(primary.port);
  let app: TestApp | undefined;
  try {
    await primary.start();
    await primary.stop();
    const standby = await primary.copy();
    clusters.push(standby);
    await standby.follow({ port: primary.port });
    for (const cluster of clusters) await cluster.start();
    const watching = app = await startApp({
      DATABASE_URL: `postgres://postgres@127.0.0.1:${proxy.port}/postgres`,
      ...quick,
      HOLDFAST_ALERTS_FLAP_FIRINGS: "0",
    });
    let ended = false;
    let sent = 0;
    const refusals = new Set<string>();
    const client = async (first: number) => {
      for (let at = first; !ended; at += 1_000) {
        await eventually(
          async () => {
            const { status, body } = await upload(watching, at);
            if (status !== 200) refusals.add(body.code ?? String(status));
            return status === 200;
          },
          `upload ${at} is taken`,
          60_000,
        );
        sent++;
      }
    };
    const clients = Array.from({ length: 8 }, (_, at) => client(1_000 + at));
    const setting = "default_transaction_read_only";
    const onPrimary = (statement: string) =>
      onServer(primary, (sql) => sql.begin("read write", (tx) => tx.unsafe(statement)));
    for (let round = 0; round < 3; round++) {
      proxy.leadTo(standby.port);
      proxy.cut();
      await assertDemoted(watching);
      proxy.leadTo(primary.port);
      proxy.cut();
      await assertWrites(watching);
      await onPrimary(`alter database postgres set ${setting} = on`);
      await onServer(
        primary,
        (sql) =>
          sql`select pg_terminate_backend(pid) from pg_stat_activity
          where application_name like 'holdfast%'`,
      );
      await atNextTicks(
        watching,
        "it is read-only",
        async () => (await health(watching)).body.mode === "read_only",
      );
      await onPrimary(`alter database postgres reset ${setting}`);
      await assertWrites(watching);
    }
    ended = true;
    await Promise.all(clients);
    const [counted] = await onServer(
      primary,
      (sql) =>
        sql<{ n: number; prices: number }[]>`
        select count(*)::int4 as n, count(distinct price)::int4 as prices from market.ticks`,
    );
    assert.deepEqual({ ...counted }, { n: sent, prices: sent });
    assert.ok(refusals.has("database_read_only"), "they were refused meanwhile");
    const known = ["database_read_only", "database_unavailable", "idempotency_in_flight"];
    assert.deepEqual([...refusals].filter((code) => !known.includes(code)), []);
  } finally {
    await app?.stop();
    await proxy.stop();
    for (const cluster of clusters.reverse()) await cluster.remove();
  }
}

for (
  const [server, binOf] of [
    ["the embedded server", embeddedBin],
    ["Debian's server", () => Promise.resolve(debianPostgres.bin)],
  ] as const
) {
  testWith(
    slowTests,
    `eight clients lose and double nothing over switch-overs and read-only times of ${server}`,
    async () => await losesNothing(await binOf()),
  );
}

Deno.test("beside a standby of the embedded server", async (t) => {
  await behaves(t, await embeddedBin());
});

testWith(
  slowTests.present ? debianPostgres : slowTests,
  "beside a standby of Debian's server",
  async (t) => await behaves(t, debianPostgres.bin),
);
