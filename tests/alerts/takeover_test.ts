import assert from "node:assert/strict";
import { connectSql } from "../../db/connection.ts";
import { migrate } from "../../db/migrate.ts";
import { migrations } from "../../db/migrations/list.ts";
import { openRecords } from "../../db/records/records.ts";
import { createLogger } from "../../log.ts";
import { AlertState } from "../../services/alerts/evaluation/state.ts";
import { createDeliveries } from "../../services/alerts/notify/deliveries.ts";
import { sampleAlert } from "../../services/alerts/notify/sample.ts";
import { createSilences } from "../../services/alerts/notify/silences.ts";
import type { Rule } from "../../services/alerts/rules/rule.ts";
import { createAlerts } from "../../services/alerts/service.ts";
import { createLease } from "../../services/alerts/storage/lease.ts";
import { createAlertStore } from "../../services/alerts/storage/store.ts";
import { createWriteAccess } from "../../services/monitor/write_access/access.ts";
import { writable } from "../../services/monitor/write_access/state.ts";
import { setting } from "../helpers/alert_channel.ts";
import { startServer, type TestServer } from "../helpers/server.ts";

const log = createLogger({ level: "error", write: () => {} });
const hourMs = 3_600_000;
const rule: Rule = {
  name: "pool",
  title: "",
  metric: "m",
  unit: "ratio",
  direction: "above",
  warning: 0.8,
  critical: 0.95,
  clear: 0.7,
  for_seconds: 0,
  keep_firing_seconds: 0,
  cooldown_seconds: 0,
  enabled: true,
  phrase: "Connection pool utilization high",
  cause: "",
  cure: [],
};
const local: Rule = { ...rule, name: "own", metric: "own", local: true };
const slow: Rule = { ...local, name: "slow", metric: "slow", for_seconds: 300 };

const explain = { evidence: () => [], cure: () => [] };

let server: TestServer;
let sql: ReturnType<typeof connectSql>;
let records: ReturnType<typeof openRecords>;

Deno.test.beforeAll(async () => {
  server = await startServer();
  const connect = {
    target: server.target,
    applicationName: "test",
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 5_000,
    pooled: false,
  };
  sql = connectSql({ ...connect, max: 1 });
  records = openRecords({ ...connect, pooler: { pooled: false } });
  await migrate(sql, migrations);
});
Deno.test.afterAll(async () => {
  await records.end();
  await sql.end();
  await server.stop();
});

const forgetAll = () =>
  sql`
    truncate
      holdfast.alerts,
      holdfast.alert_states,
      holdfast.alert_lease,
      holdfast.alert_watchers,
      holdfast.alert_deliveries`;

/** The alerts of one Holdfast that has started, and the kinds of notices that its channel got. */
async function instance(
  name: string,
  { minSeverity = "warning", behindMs = 0, status = 200, rules = [rule, local, slow] }: {
    minSeverity?: "warning" | "critical";
    /** What its receiver answers. */
    status?: number;
    rules?: readonly Rule[];
    /** By how much its clock is behind. */
    behindMs?: number;
  } = {},
) {
  const clock = { now: () => new Date(Date.now() - behindMs) };
  const access = createWriteAccess({ clock, log });
  access.note(writable());
  const store = createAlertStore({ db: records.db, access, log });
  const got: string[] = [];
  const deliveries = createDeliveries({
    settings: [{ ...setting("webhook"), min_severity: minSeverity }],
    owner: name,
    sender: { instance: name, url: "http://127.0.0.1:8000/" },
    store,
    clock,
    log,
    fetch: (_, { body }) => {
      const { notices } = JSON.parse(String(body)) as { notices: { kind: string }[] };
      if (status === 200) got.push(...notices.map(({ kind }) => kind));
      return Promise.resolve(new Response(null, { status }));
    },
  });
  const alerts = createAlerts({
    rules,
    access,
    store,
    lease: createLease({ db: records.db, name, access }),
    silences: createSilences({ db: records.db, access, clock, log }),
    deliveries,
    sources: [],
    remindMs: hourMs,
    flapFirings: 0,
    hub: { publish: () => {} },
    clock,
    log,
  });
  await alerts.load();
  return {
    alerts,
    got,
    pass: (ms: number) => behindMs -= ms,
    /** Judges a value, and waits until what follows is saved. */
    async judge(metric: string, value: number | null) {
      alerts.evaluate([{ metric, scope: "", value }], explain);
      await alerts.load();
    },
    firing: () => alerts.firing().map((one) => `${one.rule} ${one.severity}`),
  };
}

const stored = () =>
  sql<{ rule: string; state: string; open: boolean }[]>`
    select rule, state, resolved_at is null as open
    from holdfast.alerts
    order by started_at`;

Deno.test("an alert that ended just before a takeover is over for the next leader too, and stays over", async () => {
  await forgetAll();
  const [one, two] = [await instance("one"), await instance("two")];
  await one.judge("m", 0.9);
  await two.alerts.load();
  assert.deepEqual(two.firing(), ["pool warning"], "it follows");
  await one.judge("m", 0.1);
  await one.alerts.stop();
  await two.alerts.load();
  assert.deepEqual(two.firing(), []);
  two.pass(2 * hourMs);
  await two.judge("m", 0.1);
  assert.deepEqual(two.got, [], "nothing reminds of it");
  assert.deepEqual([...await stored()], [{ rule: "pool", state: "resolved", open: false }]);
  await two.alerts.stop();
});

Deno.test("an alert that grew critical just before a takeover is not notified again, and its end reaches who got it", async () => {
  await forgetAll();
  const one = await instance("one");
  const two = await instance("two", { minSeverity: "critical" });
  await one.judge("m", 0.9);
  await two.alerts.load();
  await one.judge("m", 0.99);
  await one.alerts.stop();
  await two.alerts.load();
  await two.judge("m", 0.99);
  assert.deepEqual(two.firing(), ["pool critical"]);
  await two.judge("m", 0.1);
  await two.alerts.stop();
  assert.deepEqual(two.got, ["resolved"]);
});

Deno.test("values that come during a takeover do not fire anew what is open", async () => {
  await forgetAll();
  const [one, two] = [await instance("one"), await instance("two")];
  await one.judge("m", 0.9);
  await two.alerts.load();
  await one.alerts.stop();
  const loaded = two.alerts.load();
  for (let count = 0; count < 30; count++) {
    two.alerts.evaluate([{ metric: "m", scope: "", value: 0.9 }], explain);
    await new Promise((done) => setTimeout(done, 1));
  }
  await loaded;
  await two.judge("m", 0.9);
  await two.alerts.stop();
  assert.deepEqual(two.firing(), ["pool warning"]);
  assert.deepEqual(two.got, [], "it is not notified again");
});

Deno.test("the time in which an instance was stopped does not count as bad, though another led meanwhile", async () => {
  await forgetAll();
  const one = await instance("one");
  const two = await instance("two", { behindMs: hourMs });
  await two.judge("slow", 0.9);
  await two.alerts.stop();
  await sql`
    update holdfast.alert_watchers set seen_at = now() - interval '1 hour' where name = 'two'`;
  await one.alerts.load();
  const again = await instance("two");
  await again.judge("slow", 0.9);
  assert.deepEqual(again.firing(), []);
  again.pass(600_000);
  await again.judge("slow", 0.9);
  assert.deepEqual(again.firing(), ["slow warning"]);
  await Promise.all([one.alerts.stop(), again.alerts.stop()]);
});

Deno.test("an end that the database lost, as a failover may, does not keep later alerts from being saved", async () => {
  await forgetAll();
  const one = await instance("one");
  await one.judge("own", 0.9);
  await one.judge("own", 0.1);
  await sql`update holdfast.alerts set state = 'firing', resolved_at = null`;
  await one.judge("own", 0.9);
  await one.alerts.load();
  assert.deepEqual([...await stored()], [{ rule: "own", state: "firing", open: true }]);
  await one.judge("own", 0.1);
  assert.deepEqual([...await stored()], [{ rule: "own", state: "resolved", open: false }]);
  await one.alerts.stop();
});

const isGone = (name: string, since = "1 minute") =>
  sql`
    update holdfast.alert_watchers set seen_at = now() - ${since}::interval where name = ${name}`;

Deno.test("what the last leader could not deliver is delivered by the next, unless that has notified of the alert since", async () => {
  for (const isLate of [false, true]) {
    await forgetAll();
    const one = await instance("one", { status: 503 });
    await one.judge("m", 0.9);
    await one.alerts.stop();
    const two = await instance("two");
    await isGone("one");
    if (!isLate) await two.alerts.deliveries.adoptAbandoned();
    await two.judge("m", 0.1);
    await two.alerts.deliveries.adoptAbandoned();
    await two.alerts.stop();
    assert.deepEqual(two.got, isLate ? ["resolved"] : ["fired", "resolved"]);
    const states = await sql<{ state: string; error: string | null }[]>`
      select state, error from holdfast.alert_deliveries order by created_at`;
    const late = { state: "dead", error: "a later notification of the alert was made meanwhile" };
    const fine = { state: "delivered", error: null };
    assert.deepEqual([...states], [isLate ? late : fine, fine]);
  }
});

Deno.test("the alert of an instance that is gone for a day ends, and who was notified of it is notified of its end", async () => {
  await forgetAll();
  const one = await instance("one");
  await one.judge("own", 0.9);
  await one.alerts.stop();
  assert.deepEqual(one.got, ["fired"]);
  await isGone("one", "2 days");
  const two = await instance("two");
  await two.alerts.stop();
  assert.deepEqual(two.got, ["resolved"]);
  assert.deepEqual([...await stored()], [{ rule: "own", state: "resolved", open: false }]);
});

Deno.test("alerts of rules that another version had end at a start, and who was notified of them is notified of their end", async () => {
  await forgetAll();
  const one = await instance("one");
  await one.judge("m", 0.9);
  await one.judge("own", 0.9);
  await one.alerts.stop();
  const again = await instance("one", { rules: [slow] });
  assert.deepEqual(again.firing(), []);
  await again.alerts.stop();
  assert.deepEqual(again.got, ["resolved", "resolved"]);
  assert.deepEqual((await stored()).map(({ open }) => open), [false, false]);
});

Deno.test("of more deliveries than may wait for a channel, the oldest fail permanently at a takeover, and none is forgotten", async () => {
  await forgetAll();
  const one = await instance("one", { status: 503 });
  const alert = { ...sampleAlert("", new Date(0).toISOString()), notified_at: null };
  await sql`
    insert into holdfast.alert_deliveries (
      id,
      channel,
      owner,
      state,
      summary,
      notices,
      attempts,
      created_at
    )
    select
      gen_random_uuid(),
      channel,
      'gone',
      'queued',
      '',
      ${JSON.stringify([{ kind: "fired", alert }])}::text::jsonb,
      0,
      now() - interval '1 hour' + interval '1 second' * place
    from (values ('ops', 1003), ('removed', 600)) as v (channel, most)
    cross join generate_series(1, most) as place`;
  await one.alerts.deliveries.adoptAbandoned();
  assert.equal(one.alerts.deliveries.channels()[0]?.waiting, 1_000);
  await one.alerts.stop();
  const counts = await sql<{ channel: string; state: string; error: string; count: number }[]>`
    select channel, state, coalesce(error, '') as error, count(*)::int4
    from holdfast.alert_deliveries
    where attempts = 0
    group by channel, state, error
    order by channel, state`;
  assert.deepEqual([...counts], [
    { channel: "ops", state: "dead", error: "more than 1000 deliveries waited", count: 3 },
    { channel: "ops", state: "queued", error: "", count: 999 },
    { channel: "removed", state: "dead", error: "no channel has this name any more", count: 600 },
  ]);
});

Deno.test("an alert that fires anew before the open one is read stays acknowledged, with its worst severity", () => {
  const state = new AlertState({ instance: "one" });
  const values = [{ metric: "m", scope: "", value: 0.9 }];
  state.judge([rule], values, { now: hourMs, complete: new Set(), explain });
  const acknowledged_at = new Date(0).toISOString();
  const open = {
    ...sampleAlert("", acknowledged_at),
    rule: rule.name,
    state: "firing" as const,
    resolved_at: null,
    acknowledged_at,
    acknowledged_by: "marta, admin",
  };
  state.adopt([rule], [open], [], hourMs);
  const [one, ...others] = state.open();
  assert.equal(others.length, 0);
  assert.deepEqual(
    [one?.id, one?.severity, one?.peak_severity, one?.acknowledged_at, one?.acknowledged_by],
    [open.id, "warning", "critical", acknowledged_at, "marta, admin"],
  );
});
