import assert from "node:assert/strict";
import { connectSql } from "../../db/connection.ts";
import { createEmbeddedServer, type EmbeddedServer } from "../../db/embedded/server.ts";
import { createLogger } from "../../log.ts";
import { PerformanceImprovementMetrics } from "../../routes/benchmarks/schemas.ts";
import {
  DatabaseHealthResponse,
  HealthResponse,
  Liveness,
  PartitionHealthResponse,
} from "../../routes/health/schemas.ts";
import { embeddedUrl } from "../helpers/embedded_url.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

const silent = createLogger({ level: "error", write: () => {} });
const quick = {
  HOLDFAST_FAST_TIER_SECONDS: "1",
  HOLDFAST_BROADCAST_SECONDS: "1",
  HOLDFAST_SLOW_TIER_SECONDS: "5",
};
let folder = "";
let server: EmbeddedServer;
let app: TestApp;

/** The server's address as a DATABASE_URL: what Holdfast is given, it does not start or stop. */
function urlFor(user: string, database = "holdfast"): string {
  return embeddedUrl(server.target, { user, database });
}

const began = Date.now();

Deno.test.beforeAll(async () => {
  folder = await Deno.makeTempDir({ prefix: "holdfast-health-" });
  await Deno.chmod(folder, 0o755);
  server = await createEmbeddedServer({ dataDir: `${folder}/given`, log: silent });
  await server.start();
  app = await startApp({ DATABASE_URL: urlFor("postgres"), ...quick });
});

Deno.test.afterAll(async () => {
  await app.stop();
  await server.stop();
  await Deno.remove(folder, { recursive: true });
});

const database = async () => DatabaseHealthResponse.parse(await app.json("/api/health/database"));
const partitions = async () =>
  PartitionHealthResponse.parse(await app.json("/api/health/partitions"));

async function leaves() {
  return await app.sql<{ name: string; bytes: number }[]>`
    select inhrelid::regclass::text as name, pg_total_relation_size(inhrelid)::float8 as bytes
    from pg_inherits where inhparent = 'market.ticks'::regclass order by 1`;
}

Deno.test("the overall report has the status and the checks behind it", async () => {
  await eventually(async () => (await database()).partition_health.checked_at !== null, "read");
  // A busy machine may hold up the event loop, or a reading, for a moment: then that is a check too.
  const health = await eventually(async () => {
    const answer = await app.request("/api/health");
    const found = HealthResponse.parse(await answer.json());
    if (found.checks.some(({ status }) => status !== "healthy") || found.age_ms! >= 3_000) {
      throw new Error(JSON.stringify(found));
    }
    assert.equal(answer.status, 200);
    return found;
  }, "it is healthy");
  assert.equal(health.status, "healthy");
  assert.equal(health.version, "0.0.0-test");
  assert.ok(health.uptime_seconds > 0 && health.age_ms !== null && health.age_ms < 3_000);
  assert.deepEqual(health.checks.map(({ name, status }) => [name, status]), [
    ["database", "healthy"],
    ["partitions", "healthy"],
  ]);
  for (const [path, status] of [["live", "alive"], ["ready", "ready"]]) {
    const probe = await app.request(`/api/health/${path}`);
    assert.equal(probe.status, 200);
    assert.equal(Liveness.parse(await probe.json()).status, status);
  }
});

Deno.test("asked for application/health+json, it answers in the health draft's form", async () => {
  const answer = await app.request("/api/health", {
    headers: { accept: "application/health+json" },
  });
  assert.equal(answer.headers.get("content-type"), "application/health+json");
  const body = await answer.json();
  assert.equal(body.status, "pass");
  assert.equal(body.checks["database:status"][0].status, "pass");
  assert.ok(Date.parse(body.checks["database:status"][0].time) > 0);
  // Media types do not depend on case (RFC 9110).
  const shouted = await app.request("/api/health", {
    headers: { accept: "Application/Health+JSON" },
  });
  assert.equal((await shouted.json()).status, "pass");
});

Deno.test("the database's figures are the server's own", async () => {
  const post = app.post("/api/ticks?create=true", [
    { ts: new Date().toISOString(), symbol: "IBM", price: 181.2, size: 300, exchange: "N" },
  ]);
  assert.equal((await post).status, 200);
  const report = await eventually(async () => {
    const found = await database();
    return (found.performance_metrics.inserts_per_second ?? 0) > 0 && found;
  }, "inserts are counted");
  const [real] = await app.sql`
    select
      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as "limit",
      current_setting('server_version') as version,
      pg_database_size(current_database())::float8 as bytes,
      (select age(datfrozenxid) from pg_database where datname = current_database()) as xid_age`;
  assert.ok(real);
  const metrics = report.performance_metrics;
  assert.equal(metrics.connections_limit, real.limit);
  assert.equal(metrics.connections_utilization, metrics.connections_used! / real.limit);
  assert.equal(metrics.server_version, real.version);
  assert.ok(Math.abs(metrics.database_size_bytes! / real.bytes - 1) < 0.1, "size");
  assert.ok(Math.abs(metrics.xid_age! - real.xid_age) < 100, "xid age");
  assert.equal(metrics.blocked_sessions, 0);
  assert.equal(metrics.checksum_failures, 0);
  assert.ok(metrics.transactions_per_second! > 0);
  // Sessions come and go: the two readings are compared until they are of the same moment.
  await eventually(async () => {
    const found = await database();
    const [present] = await app.sql`
      select count(*)::int as used from pg_stat_activity where backend_type = 'client backend'`;
    const used = found.performance_metrics.connections_used ?? -9;
    return found.overall_status === "healthy" && Math.abs(used - present!.used) <= 2;
  }, "it is healthy, and the sessions are those of the server");
  assert.equal(report.connection_pool.size, app.config.HOLDFAST_POOL_SIZE);
  assert.equal(report.connection_pool.utilization, 0);
  assert.equal(report.ingest.accepted, 1);
  assert.deepEqual(report.alerts, []);
});

Deno.test("partitions are those of the catalogue, with their bounds, sizes and runway", async () => {
  const real = await leaves();
  const report = await partitions();
  const [table] = report.tables;
  assert.equal(report.overall_status, "healthy");
  assert.equal(table?.table, "market.ticks");
  assert.equal(table.partitions, real.length);
  assert.deepEqual(table.children.map(({ partition }) => partition), real.map(({ name }) => name));
  const bytes = real.reduce((sum, leaf) => sum + leaf.bytes, 0);
  await eventually(async () => (await partitions()).tables[0]?.bytes === bytes, "sizes are exact");
  for (const { partition, from, to } of table.children) {
    const day = partition.slice(-8).replace(/(....)(..)(..)/, "$1-$2-$3");
    assert.equal(from, `${day}T00:00:00.000Z`.replace(".000", from?.includes(".") ? ".000" : ""));
    assert.equal(Date.parse(to!) - Date.parse(from!), 86_400_000);
  }
  const last = Date.parse(table.children.at(-1)!.to!);
  const asked = Date.now();
  const runway = (await partitions()).tables[0]?.runway_seconds;
  assert.ok(
    runway! >= (last - Date.now()) / 1000 - 1 && runway! <= (last - asked) / 1000 + 1,
    "runway",
  );
  assert.equal(table.policy?.interval, "1 day");
  const rotated = Date.parse(table.last_rotation_at!);
  assert.ok(rotated >= began && rotated <= Date.now(), "the rotation at the start");
  await eventually(async () => (await partitions()).tables[0]?.rows_estimate === 1, "rows");
  const { partition_health } = await database();
  assert.equal(partition_health.partitions, real.length);
  assert.equal(partition_health.tables_managed, 1);
});

Deno.test("a missing day is a hole with its bounds, and degrades the verdict", async () => {
  const names = (await leaves()).map(({ name }) => name);
  const gone = names.at(-3)!;
  await app.sql.unsafe(`alter table market.ticks detach partition ${gone}`);
  const report = await eventually(async () => {
    const found = await partitions();
    return found.tables[0]?.holes.length === 1 && found;
  }, "the hole is seen");
  assert.equal(report.overall_status, "degraded");
  assert.equal(report.tables[0]?.partitions, names.length - 1);
  const day = gone.slice(-8).replace(/(....)(..)(..)/, "$1-$2-$3");
  assert.equal(Date.parse(report.tables[0]!.holes[0]!.from), Date.parse(`${day}T00:00:00Z`));
  await app.sql.unsafe(`drop table ${gone}`);
  await app.holdfast.everyHour();
  await eventually(
    async () => (await partitions()).overall_status === "healthy",
    "rotation fills it",
  );
});

Deno.test("performance has a result for every category, measured or not", async () => {
  const report = PerformanceImprovementMetrics.parse(await app.json("/api/health/performance"));
  assert.ok(report.categories.length >= 2);
  for (const { verdict } of report.categories) assert.equal(verdict, "not_measured");
});

Deno.test("a role without pg_monitor sees unknown values, not healthy ones", async () => {
  await app.sql`create role plain login password 'plain'`;
  await app.sql`create database plain owner plain`;
  const plain = await startApp({ DATABASE_URL: urlFor("plain:plain", "plain"), ...quick });
  try {
    const report = await eventually(async () => {
      const found = DatabaseHealthResponse.parse(await plain.json("/api/health/database"));
      return found.performance_metrics.server_version !== null && found;
    }, "it is read");
    const { performance_metrics: metrics, recommendations } = report;
    assert.equal(metrics.longest_transaction_seconds, null);
    assert.equal(metrics.longest_idle_in_transaction_seconds, null);
    assert.equal(metrics.longest_lock_wait_seconds, null);
    assert.equal(metrics.blocked_sessions, null);
    assert.ok(metrics.connections_by_state!.unknown! > 0);
    const [real] = await app.sql`
      select count(*)::int as used from pg_stat_activity where backend_type = 'client backend'`;
    assert.ok(Math.abs(metrics.connections_used! - real!.used) <= 4, "sessions of others count");
    assert.ok(recommendations.some(({ sql }) => sql?.startsWith("grant pg_monitor")));

    // What does show is judged all the same: it is at least as bad as that.
    const levels = { name: "lock_wait", warning: 0.2, critical: null, clear: 0.1, for_seconds: 0 };
    await plain.json("/api/alerts/rules", {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ rules: [{ ...levels, keep_firing_seconds: 0 }] }),
    });
    const firing = async () => {
      await plain.holdfast.monitor.checkNow();
      const { alerts } = await plain.json<{ alerts: { rule: string }[] }>(
        "/api/alerts?state=firing",
      );
      return alerts.some(({ rule }) => rule === "lock_wait");
    };
    const client = () =>
      connectSql({
        target: { kind: "url", url: urlFor("plain:plain", "plain") },
        max: 1,
        applicationName: "test",
        statementTimeoutMs: 30_000,
        lockTimeoutMs: 30_000,
        pooled: false,
      });
    const [holder, waiter] = [client(), client()];
    await holder`create table held ()`;
    await holder`begin`;
    await holder`lock table held`;
    const waiting = waiter`table held`.execute();
    await eventually(firing, "a wait that shows fires");
    const now = DatabaseHealthResponse.parse(await plain.json("/api/health/database"));
    assert.equal(now.performance_metrics.longest_lock_wait_seconds, null, "others may wait longer");
    await holder`commit`;
    await waiting;
    await eventually(async () => !await firing(), "and ends");
    await Promise.all([holder.end(), waiter.end()]);
  } finally {
    await plain.stop();
  }
});
