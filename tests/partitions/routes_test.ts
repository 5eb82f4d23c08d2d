import assert from "node:assert/strict";
import { PartitionHealthResponse } from "../../routes/health/schemas.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

let app: TestApp;
const day = 86_400_000;
/** Far enough from midnight that the tests' minutes stay within one day, and plans stay the same. */
const lastStart = (Math.floor(Date.now() / day) + 1) * day - 900_000;
const clock = { time: Math.min(Date.now(), lastStart), now: () => new Date(clock.time) };

interface Plan {
  digest: string;
  statements: { table: string; action: string; sql: string; lock: string; reason: string }[];
  warnings: string[];
}

Deno.test.beforeAll(async () => {
  app = await startApp(
    { HOLDFAST_FAST_TIER_SECONDS: "300", HOLDFAST_BROADCAST_SECONDS: "300" },
    {
      clock,
    },
  );
  await app.sql.unsafe(`
    create schema app;
    create table app.orders (id bigint primary key, body text) partition by range (id);
    create table app.events (at timestamptz not null, id int) partition by range (at);
    create table app.plain (at timestamptz);
    create table app."odd.name" (at date not null) partition by range (at);
  `).simple();
});
Deno.test.afterAll(() => app.stop());

const json = { "content-type": "application/json" };
const policyPath = (table: string) => `/api/partitions/policies/${encodeURIComponent(table)}`;
async function put(table: string, body: unknown) {
  const answer = await app.request(policyPath(table), {
    method: "PUT",
    headers: json,
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}
async function post<T>(path: string, body: unknown): Promise<{ status: number; body: T }> {
  const answer = await app.post(path, body);
  return { status: answer.status, body: await answer.json() };
}
async function report(table: string) {
  app.holdfast.monitor.refreshPartitions();
  await app.holdfast.monitor.checkNow();
  const found = PartitionHealthResponse.parse(await app.json("/api/health/partitions"));
  return found.tables.find((one) => one.table === table);
}

Deno.test("a policy set is read back as Postgres writes its intervals, listed, changed and taken away", async () => {
  const set = await put("app.events", {
    interval: "P1M",
    time_zone: "Asia/Kathmandu",
    key: "timestamptz",
    premake: 2,
    retention: { keep: "1 year 6 months", action: "archive_then_drop" },
    cooldown: "36 hours",
    seal: true,
  });
  const expected = {
    table: "app.events",
    interval: "1 mon",
    time_zone: "Asia/Kathmandu",
    key: "timestamptz",
    premake: 2,
    retention: { keep: "1 year 6 mons", action: "archive-then-drop" },
    cooldown: "36:00:00",
    seal: true,
    enabled: true,
  };
  assert.deepEqual(set, { status: 200, body: expected });
  assert.deepEqual(await app.json(policyPath("app.events")), expected);
  assert.deepEqual(await put("app.events", expected), set, "an answer may be sent back");
  const { policies } = await app.json<{ policies: { table: string }[] }>(
    "/api/partitions/policies",
  );
  assert.deepEqual(policies.map(({ table }) => table), ["app.events", "market.ticks"]);
  assert.equal(
    (await put("app.odd.name", { interval: "week", key: "date" })).body.interval,
    "7 days",
  );
  for (const table of ["app.odd.name", "app.events"]) {
    const gone = await app.request(policyPath(table), { method: "DELETE" });
    assert.equal(gone.status, 204);
    assert.equal((await app.request(policyPath(table), { method: "DELETE" })).status, 404);
  }
});

Deno.test("an alert about a table ends with its policy, and spells out a bounded cure", async () => {
  await app.sql`create table app.hours (at timestamptz not null) partition by range (at)`;
  const open = async () => {
    await app.holdfast.monitor.runNow("stats");
    const { alerts } = await app.json<{ alerts: { scope: string; cure: { sql: string }[] }[] }>(
      "/api/alerts?state=firing",
    );
    return alerts.filter(({ scope }) => scope === "app.hours");
  };
  await put("app.hours", {
    interval: "month",
    sub_interval: "hour",
    key: "timestamptz",
    premake: 3,
  });
  // A look under way may have begun before the policy was there.
  const alert = await eventually(async () => (await open())[0], "it fires");
  await (await app.request(policyPath("app.hours"), { method: "DELETE" })).body?.cancel();
  assert.match(
    alert?.cure[0]?.sql ?? "",
    /^-- \d{4} statements in one transaction: POST \/api\/partitions\/plan/,
  );
  assert.ok(JSON.stringify(alert).length < 10_000);
  await eventually(async () => {
    clock.time += 60_000;
    return (await open()).length === 0;
  }, "it ends");
});

Deno.test("what is wrong with a policy is said, field by field, and nothing of it is kept", async () => {
  const good = { interval: "1 day", key: "timestamptz" };
  const cases: [string, object, number, string][] = [
    ["app.events", { ...good, interval: "sometimes" }, 400, "interval"],
    ["app.events", { ...good, interval: "-1 day" }, 400, "interval"],
    ["app.events", { ...good, interval: "0" }, 400, "interval"],
    ["app.events", { ...good, key: "epoch_s" }, 400, "key"],
    ["app.events", { ...good, key: "moon" }, 400, "key"],
    ["app.events", { ...good, time_zone: "Mars/Olympus" }, 400, "time_zone"],
    ["app.events", { ...good, premake: -1 }, 400, "premake"],
    [
      "app.events",
      { ...good, retention: { keep: "1 day", action: "burn" } },
      400,
      "retention.action",
    ],
    ["app.events", { ...good, retention: { keep: "x", action: "drop" } }, 400, "retention.keep"],
    [
      "app.events",
      { ...good, retention: { keep: "1 day", action: "move" } },
      400,
      "retention.schema",
    ],
    [
      "app.events",
      { ...good, retention: { keep: "1 day", action: "move", schema: "nowhere" } },
      400,
      "retention.schema",
    ],
    ["app.events", { ...good, cooldown: "-1 day" }, 400, "cooldown"],
    ["app.events", { ...good, sub_interval: "2 days" }, 400, "sub_interval"],
    ["app.events", { ...good, sub_interval: "1 hour", seal: true }, 400, "seal"],
    ["app.events", { ...good, windows: [{ from: "25:00", to: "06:00" }] }, 400, "windows.0.from"],
    ["app.events", { ...good, colour: "red" }, 400, "colour"],
    ["app.events", { interval: "1 day" }, 400, "key"],
    ["app.orders", { interval: "1 day", key: "id" }, 400, "interval"],
    ["app.plain", good, 400, "table"],
    ["app.events", { ...good, table: "app.orders" }, 400, "table"],
  ];
  for (const [table, body, status, path] of cases) {
    const answer = await put(table, body);
    assert.equal(answer.status, status, JSON.stringify([body, answer.body]));
    assert.equal(answer.body.errors?.[0]?.path, path, JSON.stringify([body, answer.body]));
  }
  assert.equal((await put("app.none", good)).status, 404);
  assert.equal((await put("nodot", good)).status, 400);
  const { policies } = await app.json<{ policies: unknown[] }>("/api/partitions/policies");
  assert.equal(policies.length, 1);
});

Deno.test("plan, apply, plan again: what was due is done once, logged, and reported", async () => {
  await put("app.events", { interval: "1 day", key: "timestamptz", premake: 1 });
  const plan = await post<Plan>("/api/partitions/plan", { table: "app.events" });
  assert.equal(plan.status, 200);
  assert.match(plan.body.digest, /^[0-9a-f]{64}$/);
  assert.equal(plan.body.statements.length, 3 * 4);
  for (const { table, sql, lock, reason } of plan.body.statements) {
    assert.equal(table, "app.events");
    assert.ok(sql.length > 0 && lock.length > 0 && reason.length > 0);
  }
  const wrong = await post<{ code: string }>("/api/partitions/apply", { digest: "0".repeat(64) });
  assert.deepEqual([wrong.status, wrong.body.code], [409, "catalogue_changed"]);
  const body = { digest: plan.body.digest, table: "app.events" };
  assert.deepEqual(await post("/api/partitions/apply", body), {
    status: 200,
    body: { applied: 12, skipped: [] },
  });
  assert.equal((await post("/api/partitions/apply", body)).status, 409);
  const empty = await app.request("/api/partitions/plan", { method: "POST" });
  assert.deepEqual((await empty.json()).statements, []);
  const { entries } = await app.json<{ entries: { action: string; sql: string }[] }>(
    "/api/partitions/log?table=app.events&limit=2",
  );
  assert.deepEqual(entries.map(({ action }) => action), ["attach", "attach"]);
  assert.match(entries[0]?.sql ?? "", /^create table "app"\."events_p\d{8}"/);
  const found = await eventually(async () => {
    const one = await report("app.events");
    return one?.partitions === 3 && one;
  }, "it is reported");
  assert.ok(found.runway_seconds! > 86_400 && found.runway_seconds! <= 2 * 86_400);
  assert.deepEqual(found.problems, []);
  for (const bad of [{ digest: "x" }, {}, { digest: plan.body.digest, force: true }]) {
    assert.equal((await post("/api/partitions/apply", bad)).status, 400);
  }
  assert.equal((await post("/api/partitions/plan", { table: "app.none" })).status, 404);
  assert.equal((await post("/api/partitions/plan", { tabel: "app.none" })).status, 400);
});

Deno.test("ids have a runway in time, from the rate at which they grow; before it is known it is unknown", async () => {
  await put("app.orders", { interval: "1000", key: "id", premake: 1 });
  await app
    .sql`insert into holdfast.partition_policies (schema_name, table_name, "interval", key, premake)
    values ('app', 'gone', '1 day', 'timestamptz', 1)`;
  await app.holdfast.everyHour();
  await app.sql`insert into app.orders select generate_series(1, 100)`;
  await app.holdfast.everyHour();
  assert.equal((await report("app.orders"))?.runway_seconds, null);
  clock.time += 100_000;
  await app.sql`insert into app.orders select generate_series(101, 200)`;
  const found = await eventually(async () => {
    const one = await report("app.orders");
    return one?.runway_seconds !== null && one;
  }, "the rate is known");
  // One a second, 1,800 are left of the two leaves.
  assert.equal(found?.runway_seconds, 1_800);
  assert.deepEqual(found?.children.map(({ from, to, state }) => [from, to, state]), [
    ["0", "1000", "hot"],
    ["1000", "2000", "planned"],
  ]);
  const gone = await report("app.gone");
  assert.deepEqual(gone?.problems, ["there is no such table"]);
  assert.equal(gone?.runway_seconds, null);
  await app.sql`delete from holdfast.partition_policies where table_name = 'gone'`;
});

Deno.test("a table that runs out within two hours is rotated each minute, not each hour", async () => {
  await app.sql`create table app.fast (at timestamptz not null) partition by range (at)`;
  await put("app.fast", { interval: "10 minutes", key: "timestamptz", premake: 3 });
  await app.holdfast.everyHour();
  const reaches = (partitions: number) =>
    eventually(async () => (await report("app.fast"))?.partitions === partitions, `${partitions}`);
  await reaches(5);
  clock.time += 20 * 60_000;
  await reaches(5);
  await app.holdfast.everyMinute();
  await reaches(7);
  await app.request(policyPath("app.fast"), { method: "DELETE" });
  await put("app.events", { interval: "1 day", key: "timestamptz", enabled: false });
  const plan = await post<Plan>("/api/partitions/plan", { table: "app.events" });
  assert.deepEqual(plan.body.warnings, ["app.events: its policy is disabled"]);
});

Deno.test("with rotation off, the alert fires days before inserts fail, and its statements fix it", async () => {
  await put("market.ticks", { interval: "1 day", key: "timestamptz", premake: 7, enabled: false });
  clock.time += 5 * day;
  await app.holdfast.everyHour();
  interface Found {
    alerts: { rule: string; scope: string; cure: { sql: string; lock: string }[] }[];
  }
  const fired = async () => {
    await report("market.ticks");
    const { alerts } = await app.json<Found>("/api/alerts?state=firing");
    return alerts.find(({ rule, scope }) =>
      rule === "partition_runway" && scope === "market.ticks"
    );
  };
  const alert = await eventually(fired, "the alert fires");
  assert.ok((await report("market.ticks"))!.runway_seconds! > day / 1000, "long before");
  assert.equal(alert.cure.length, 5);
  assert.match(alert.cure[0]?.lock ?? "", /SHARE UPDATE EXCLUSIVE on market\.ticks/);
  const session = await app.sql.reserve();
  for (const { sql } of alert.cure) await session.unsafe(sql).simple();
  session.release();
  assert.equal((await report("market.ticks"))?.policy?.enabled, false);
  await eventually(async () => {
    clock.time += 60_000;
    return await fired() === undefined;
  }, "it resolves");
});
