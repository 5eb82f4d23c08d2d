import assert from "node:assert/strict";
import { Alert, AlertList, RuleList } from "../../routes/alerts/schemas.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { connectLive } from "../helpers/live.ts";

const env: Record<string, string> = {
  HOLDFAST_FAST_TIER_SECONDS: "1",
  HOLDFAST_BROADCAST_SECONDS: "1",
  HOLDFAST_POOL_SIZE: "8",
};
let app: TestApp;

Deno.test.beforeAll(async () => {
  env.HOLDFAST_DATA_DIR = await Deno.makeTempDir({ prefix: "holdfast-alerts-" });
  await Deno.chmod(env.HOLDFAST_DATA_DIR, 0o755);
  app = await startApp(env);
});

Deno.test.afterAll(async () => {
  await app.stop();
  await Deno.remove(env.HOLDFAST_DATA_DIR!, { recursive: true });
});

async function changeRule(name: string, changes: Record<string, unknown>) {
  const answer = await app.request("/api/alerts/rules", {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ rules: [{ name, ...changes }] }),
  });
  assert.equal(answer.status, 200);
  const { rules } = RuleList.parse(await answer.json());
  return rules.find((rule) => rule.name === name)!;
}

const list = async (query = "") => AlertList.parse(await app.json(`/api/alerts${query}`)).alerts;
/** Rules that a machine may break which is busy with other things, or slow enough to take longer than their levels allow. */
const ofMachine = new Set([
  "collector_failing",
  "lock_wait",
  "pool_wait",
  "watching_cost",
  "watching_sheds",
  "write_slow",
]);
/** What fires, but for what the machine that the tests run on may cause. */
const firingHere = async () =>
  (await list("?state=firing")).filter(({ rule }) => !ofMachine.has(rule));

const firing = (rule: string, what = "it fires") =>
  eventually(async () => (await list("?state=firing")).find((one) => one.rule === rule), what);

const over = (id: string) =>
  eventually(
    async () => (await list()).find((one) => one.id === id && one.state === "resolved"),
    "it resolves",
  );

/** Makes `count` requests wait inside the application's pool until `release`. */
async function holdPool(count: number) {
  const blocker = await app.sql.reserve();
  await blocker`begin`;
  await blocker`lock table market.ticks in access exclusive mode`;
  let released = false;
  // One that the lock's timeout ends is sent again: on a busy machine they are needed for longer.
  const requests = Array.from({ length: count }, async () => {
    do {
      await (await app.request("/api/ticks?symbol=SPY")).text();
    } while (!released);
  });
  const release = async () => {
    held.delete(release);
    released = true;
    await blocker`commit`;
    blocker.release();
    await Promise.all(requests);
  };
  held.add(release);
  const busy = Math.min(count, Number(env.HOLDFAST_POOL_SIZE));
  await eventually(
    () => app.holdfast.monitor.snapshot().pool.active === busy,
    "the requests wait in the pool",
  );
  return { release };
}

/** What a step that failed still holds: the next ones, and the end, would wait for it. */
const held = new Set<() => Promise<void>>();
Deno.test.afterEach(async () => {
  for (const release of held) await release();
});

const calm = { for_seconds: 0, keep_firing_seconds: 0, cooldown_seconds: 0 };

Deno.test("a lowered level turns the pool's load into an alert on the WebSocket, and back", async () => {
  const stored = await app.post("/api/ticks?create=true", [
    { ts: new Date().toISOString(), symbol: "SPY", price: 170.5, size: 100, exchange: "P" },
  ]);
  assert.equal(stored.status, 200);
  const client = await connectLive(app.url);
  const held = await holdPool(4);
  const rule = await changeRule("connection_pool", { warning: 0.1, ...calm });
  assert.equal(rule.warning, 0.1);
  assert.ok(rule.clear < 0.1, "the clear level is moved below");

  const message = await client.sees(
    "the alert",
    ({ type, data }) => type === "performance_alert" && data.rule === "connection_pool",
  );
  const alert = Alert.parse(message.data);
  assert.equal(alert.alert_type, "connection_pool_warning");
  assert.equal(alert.message, "Connection pool utilization high: 50%");
  assert.deepEqual([alert.severity, alert.state], ["warning", "firing"]);
  assert.deepEqual([alert.value, alert.threshold, alert.scope], [0.5, 0.1, ""]);
  assert.ok(alert.cause && alert.evidence.length > 0);
  await client.sees(
    "the change of the verdict, at once",
    ({ type, data }) => type === "database_performance" && data.overall_status === "degraded",
  );
  assert.deepEqual((await firingHere()).map(({ id }) => id), [alert.id]);
  const health = await app.json<{ overall_status: string; alerts: { id: string }[] }>(
    "/api/health/database",
  );
  assert.equal(health.overall_status, "degraded");
  assert.ok(health.alerts.some(({ id }) => id === alert.id));

  const nul = await app.post(`/api/alerts/${alert.id}/acknowledge`, { by: "a\0" });
  assert.equal(nul.status, 400, await nul.text());
  const acknowledged = await app.post(`/api/alerts/${alert.id}/acknowledge`, { by: "marta" });
  const by = Alert.parse(await acknowledged.json());
  assert.ok(by.acknowledged_at);
  assert.equal(by.acknowledged_by, "marta, open");
  await held.release();
  const restored = await changeRule("connection_pool", { warning: 0.8 });
  assert.equal(restored.clear, 0.7, "the clear level comes back with it");
  const resolved = await over(alert.id);
  assert.ok(resolved.resolved_at! > resolved.started_at && resolved.acknowledged_at);
  await client.sees(
    "the end",
    ({ type, data }) =>
      type === "performance_alert" && data.id === alert.id && data.state === "resolved",
  );
  await client.sees(
    "the verdict again",
    ({ type, data, seq }) =>
      type === "database_performance" && data.overall_status === "healthy" && seq > message.seq,
  );
  await client.close();
});

Deno.test("a session idle in a transaction fires, and its end resolves", async () => {
  const session = await app.sql.reserve();
  await session`begin`;
  await session`select 1`;
  await changeRule("idle_in_transaction", { warning: 0.5, clear: 0.1, ...calm });
  const alert = await firing("idle_in_transaction");
  assert.equal(alert.alert_type, "idle_in_transaction_warning");
  assert.match(alert.message, /^Session idle in transaction: \d+ s$/);
  assert.match(alert.cure[0]!.sql, /pg_stat_activity/);
  await session`rollback`;
  session.release();
  await over(alert.id);
});

Deno.test("a wait for a lock fires with the blocking tree as evidence, and escalates", async () => {
  await changeRule("lock_wait", { warning: 0.2, critical: 2.5, clear: 0.1, ...calm });
  const client = await connectLive(app.url);
  const held = await holdPool(1);
  const alert = await firing("lock_wait");
  assert.match(alert.message, /^Waiting for a lock: \d+ s$/);
  const evidence = await eventually(async () => {
    const now = (await list("?state=firing")).find(({ id }) => id === alert.id);
    return now?.severity === "critical" && now.evidence[0];
  }, "it escalates");
  assert.equal(evidence.name, "blocking_tree");
  assert.match(JSON.stringify(evidence.value), /"blocked":\[\{"pid":\d+/);
  await client.sees(
    "the escalation",
    ({ data }) => data.change === "escalated" && data.alert_type === "lock_wait_critical",
  );
  await held.release();
  await over(alert.id);
  await client.close();
});

Deno.test("open alerts, acknowledgements and changed rules survive a restart", async () => {
  const session = await app.sql.reserve();
  await session`begin`;
  await session`select 1`;
  const before = await firing("idle_in_transaction");
  await app.request(`/api/alerts/${before.id}/acknowledge`, { method: "POST" });
  await eventually(async () => {
    const [row] = await app
      .sql`select acknowledged_at from holdfast.alerts where id = ${before.id}`;
    return row?.acknowledged_at !== null;
  }, "it is kept");
  // However long the restart takes.
  await changeRule("idle_in_transaction", { keep_firing_seconds: 3_600 });
  await session`rollback`;
  session.release();
  await app.stop();
  app = await startApp(env);

  const open = await firingHere();
  assert.deepEqual(open.map(({ id }) => id), [before.id]);
  assert.ok(open[0]?.acknowledged_at);
  const { rules } = RuleList.parse(await app.json("/api/alerts/rules"));
  assert.equal(rules.find(({ name }) => name === "idle_in_transaction")?.warning, 0.5);
  await changeRule("idle_in_transaction", { keep_firing_seconds: 0 });
  await over(before.id);
  const twice = (await list()).filter(({ rule, state }) =>
    rule === before.rule && state === "firing"
  );
  assert.deepEqual(twice, []);
});

Deno.test("what no rule or alert is named, and levels of a wrong kind, are refused", async () => {
  const put = (body: unknown) =>
    app.request("/api/alerts/rules", {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  for (
    const [body, status] of [
      [{ name: "no_such_rule", warning: 1 }, 404],
      [{ name: "connections", warning: "high" }, 400],
      [{ rules: [] }, 400],
    ] as const
  ) {
    const answer = await put(body);
    assert.equal(answer.status, status);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
    await answer.body?.cancel();
  }
  const gone = await app.request(`/api/alerts/${crypto.randomUUID()}/acknowledge`, {
    method: "POST",
  });
  assert.equal((await gone.json()).code, "not_found");
});

Deno.test("an exhausted pool, and the wait for a connection, fire at their shipped levels", async () => {
  const levels = { warning: 0.8, critical: 0.95, clear: 0.7, ...calm };
  await changeRule("connection_pool", levels);
  await changeRule("pool_wait", calm);
  const held = await holdPool(20);
  // Judged while the requests came in, it may have begun below that.
  const exhausted = await eventually(
    async () =>
      (await list("?state=firing")).find(({ rule, severity }) =>
        rule === "connection_pool" && severity === "critical"
      ),
    "it fires",
  );
  assert.equal(exhausted.message, "Connection pool utilization high: 100%");
  assert.equal(exhausted.severity, "critical");
  const pending = await list("?state=pending");
  assert.ok(pending.every(({ state, value }) => state === "pending" && value === null));
  await held.release();
  const wait = await firing("pool_wait");
  assert.match(wait.message, /^Wait for a pool connection high \(p95\): \d+ ms$/);
  await over(exhausted.id);
});

Deno.test("several rules are changed all or not at all, and a refusal names each that is wrong", async () => {
  const levels = async () => {
    const { rules } = RuleList.parse(await app.json("/api/alerts/rules"));
    return Object.fromEntries(rules.map(({ name, for_seconds }) => [name, for_seconds]));
  };
  const put = (rules: unknown[]) =>
    app.request("/api/alerts/rules", {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ rules }),
    });
  const kept = async () =>
    (await app.sql`select name, changes from holdfast.alert_rules order by name`).map((row) => ({
      ...row,
    }));
  const [before, keptBefore] = [await levels(), await kept()];

  const refused = await put([
    { name: "wraparound", for_seconds: 77 },
    { name: "archiver", warning: 2, critical: 1 },
    { name: "no_such_rule", for_seconds: 1 },
    { name: "deadlocks", for_seconds: 77 },
  ]);
  assert.equal(refused.status, 400);
  const problem = await refused.json();
  assert.match(problem.detail, /^Nothing was changed: 2 of 4 changes cannot be made/);
  assert.deepEqual(
    problem.errors.map(({ path, message }: { path: string; message: string }) => [
      path,
      message.split(":")[0],
    ]),
    [["rules.1.critical", "archiver"], ["rules.2.name", "no_such_rule"]],
  );
  assert.deepEqual([await levels(), await kept()], [before, keptBefore]);

  // The database fails at the second of three.
  await app.sql.unsafe(`
    create function public.refuse() returns trigger language plpgsql as
      $$ begin raise exception 'no' using errcode = '53100'; end $$;
    create trigger refuse before insert or update on holdfast.alert_rules
      for each row when (new.name = 'deadlocks') execute function public.refuse();
  `).simple();
  const three = ["wraparound", "deadlocks", "rollbacks"].map((name) => ({ name, for_seconds: 78 }));
  const failed = await put(three);
  assert.ok(failed.status >= 500, `${failed.status}`);
  await failed.body?.cancel();
  assert.deepEqual([await levels(), await kept()], [before, keptBefore]);

  await app.sql`drop trigger refuse on holdfast.alert_rules`;
  const made = await put(three);
  assert.equal(made.status, 200, await made.text());
  const after = await levels();
  assert.deepEqual(three.map(({ name }) => after[name]), [78, 78, 78]);
  const back = await put(three.map(({ name }) => ({ name, reset: true })));
  assert.equal(back.status, 200, await back.text());
  assert.deepEqual(await levels(), before);
});
