import assert from "node:assert/strict";
import { AlertList } from "../../routes/alerts/schemas.ts";
import { HealthResponse, Liveness } from "../../routes/health/schemas.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { eventually, withinRounds } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { startProcess } from "../helpers/process.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";

const quick = {
  HOLDFAST_FAST_TIER_SECONDS: "1",
  HOLDFAST_BROADCAST_SECONDS: "1",
  HOLDFAST_ALERT_WRITE_FAILING_COOLDOWN_SECONDS: "0",
  HOLDFAST_ALERT_WRITE_FAILING_KEEP_FIRING_SECONDS: "0",
};

/** Times are counted from here: two ticks never share one, whenever each is sent. */
const firstTime = Date.now() - 600_000;

const tick = (at: number) => ({
  ts: new Date(firstTime + at * 1_000).toISOString(),
  symbol: "SPY",
  price: 170 + at / 100,
  size: 100,
  exchange: "P",
});

const upload = async (app: TestApp, at: number) => {
  const answer = await app.post("/api/ticks?create=true", [tick(at)], {
    "idempotency-key": `read-only-${at}`,
  });
  const body = await answer.json() as { code?: string; detail?: string; accepted?: number };
  return { status: answer.status, retryAfter: answer.headers.get("retry-after"), body };
};

/** Sends an upload again and again until it is taken, as a client does; answers how often it was refused. */
async function uploadPatiently(app: TestApp, at: number): Promise<number> {
  let refused = 0;
  await eventually(async () => {
    const { status, body } = await upload(app, at);
    if (status === 200) return true;
    assert.deepEqual([status, body.code], [503, "database_read_only"]);
    refused++;
    return false;
  }, `upload ${at} is taken`);
  return refused;
}

const ready = async (app: TestApp) => {
  const answer = await app.request("/api/health/ready");
  return { status: answer.status, body: Liveness.parse(await answer.json()) };
};

const health = async (app: TestApp) => {
  const answer = await app.request("/api/health");
  const body = HealthResponse.parse(await answer.json());
  return { status: answer.status, body, write: body.checks.find((c) => c.name === "write_access") };
};

const failing = async (app: TestApp) =>
  AlertList.parse(await app.json("/api/alerts?state=firing")).alerts
    .find(({ rule }) => rule === "write_failing");

/** Waits for what the next fast tick brings: the one under way when it begins has begun before it. */
const atNextTick = <T>(app: TestApp, what: string, probe: () => Promise<T | undefined | false>) =>
  withinRounds(4, what, () => app.holdfast.monitor.snapshot().readings.activity.at, probe);

async function assertReadOnly(app: TestApp, cause: RegExp, remedy: RegExp): Promise<void> {
  const alert = await atNextTick(app, "write_failing fires, and names the cause", async () => {
    const found = await failing(app);
    assert.match(JSON.stringify(found?.evidence), cause);
    return found;
  });
  assert.equal(alert.severity, "critical");
  const { status, body } = await ready(app);
  assert.deepEqual([status, body.status, body.mode], [503, "unavailable", "read_only"]);
  assert.match(body.detail, cause);
  const overall = await health(app);
  assert.deepEqual([overall.status, overall.body.status], [503, "unhealthy"]);
  assert.deepEqual([overall.body.role, overall.body.mode], ["primary", "read_only"]);
  assert.match(overall.write?.detail ?? "", cause);
  assert.match(overall.write?.detail ?? "", remedy);
}

async function assertWriting(app: TestApp): Promise<void> {
  await atNextTick(app, "it is ready", async () => (await ready(app)).status === 200);
  await atNextTick(app, "write_failing is over", async () => !await failing(app));
  assert.notEqual((await health(app)).body.status, "unhealthy");
}

/** Runs what changes a default, also in a session that began read-only. */
const change = (app: TestApp, statement: string, by = app.admin) =>
  by.begin("read write", (sql) => sql.unsafe(statement));

const endSessions = (app: TestApp) =>
  app.sql`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name like 'holdfast%' and pid <> pg_backend_pid()`;

async function behaves(t: Deno.TestContext, app: TestApp): Promise<void> {
  const [{ name }] = await app.sql`select current_database() as name` as unknown as [
    { name: string },
  ];
  const setting = "default_transaction_read_only";
  assert.equal((await upload(app, 0)).status, 200);
  await eventually(async () => (await ready(app)).body.mode === "writing", "it is ready");

  await t.step("a database made read-only is said within a tick, and so is its end", async () => {
    await app.admin.unsafe(`alter database ${name} set ${setting} = on`);
    await endSessions(app);
    const first = await eventually(async () => {
      const answer = await upload(app, 1);
      return answer.status === 200 ? false : answer;
    }, "an upload is refused");
    await assertReadOnly(app, /is on for database/, new RegExp(`alter database .* reset`));
    const refused = await upload(app, 1);
    for (const { status, body } of [first, refused]) {
      assert.equal(status, 503);
      assert.ok(["database_read_only", "database_unavailable"].includes(body.code ?? ""));
    }
    assert.equal(refused.body.code, "database_read_only");
    assert.ok(Number(refused.retryAfter) > 0);
    assert.match(refused.body.detail ?? "", /takes no writes: default_transaction_read_only/);
    const silence = await app.post("/api/alerts/silences", {
      rule: "rollbacks",
      reason: "while read-only",
      duration_seconds: 3_600,
    });
    assert.equal(silence.status, 201, "a silence is kept in memory");
    await silence.body?.cancel();
    const rules = await app.request("/api/alerts/rules", {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ rules: [{ name: "rollbacks", warning: 0.3 }] }),
    });
    assert.deepEqual([rules.status, (await rules.json()).code], [503, "database_read_only"]);
    const stored = await app.json<{ ticks: unknown[] }>("/api/ticks?symbol=SPY");
    assert.ok(stored.ticks.length >= 1, "what reads is served");
    // The sessions that began read-only stay so by themselves: Holdfast begins new ones.
    const waiting = uploadPatiently(app, 1);
    await change(app, `alter database ${name} reset ${setting}`);
    await waiting;
    await assertWriting(app);
    assert.equal((await upload(app, 2)).status, 200);
    const kept = await eventually(
      async () =>
        (await app.sql`select reason from holdfast.alert_silences`).find((row) =>
          row.reason === "while read-only"
        ),
      "the silence is written once that is possible",
    );
    assert.ok(kept);
  });

  await t.step(
    "a role whose new sessions are read-only is warned of while ours write",
    async () => {
      await app.sql.unsafe(`alter role current_user set ${setting} = on`);
      const warned = await atNextTick(app, "it is said", async () => (await health(app)).write);
      assert.equal(warned.status, "degraded");
      assert.match(warned.detail, /Sessions that begin now cannot write: .* is on for role/);
      assert.equal((await ready(app)).status, 200);
      assert.equal((await upload(app, 3)).status, 200);
      await endSessions(app);
      await assertReadOnly(app, /is on for role/, /alter role .* reset/);
      await change(app, `alter role current_user reset ${setting}`, app.sql);
      await assertWriting(app);
    },
  );

  await t.step("a whole server set read-only, with no session ended", async () => {
    await app.admin.unsafe(`alter system set ${setting} = on`);
    await app.admin`select pg_reload_conf()`;
    await assertReadOnly(app, /is on for the whole server/, /alter system reset/);
    const waiting = uploadPatiently(app, 4);
    await app.admin.unsafe(`alter system reset ${setting}`);
    await app.admin`select pg_reload_conf()`;
    assert.ok(await waiting > 0, "it was refused meanwhile");
    await assertWriting(app);
  });

  await t.step("nothing is lost or doubled", async () => {
    const rows = await app.sql`select count(*)::int4 as n, count(distinct ts)::int4 as times
      from market.ticks`;
    assert.deepEqual({ ...rows[0] }, { n: 5, times: 5 });
  });
}

Deno.test("a read-only embedded server is an outage of writing, and ends by itself", async (t) => {
  const app = await startApp(quick);
  try {
    await behaves(t, app);
  } finally {
    await app.stop();
  }
});

testWith(
  debianPostgres,
  "a read-only Debian server is an outage of writing, and ends by itself",
  async (t) => {
    const server = await createDebianServer();
    await server.start();
    let app = await startApp({ DATABASE_URL: server.url, ...quick });
    const doctor = async () => {
      const command = startProcess({ env: { DATABASE_URL: server.url }, args: ["doctor"] });
      return { code: await command.exited, output: command.output() };
    };
    try {
      await behaves(t, app);
      await t.step(
        "a start beside it serves what reads, and begins to write by itself",
        async () => {
          await change(app, "alter database postgres set default_transaction_read_only = on");
          await app.stop();
          app = await startApp({ DATABASE_URL: server.url, ...quick });
          await assertReadOnly(
            app,
            /is on for database postgres/,
            /alter database "postgres" reset/,
          );
          const { ticks } = await app.json<{ ticks: unknown[] }>("/api/ticks?symbol=SPY");
          assert.equal(ticks.length, 5);
          const ill = await doctor();
          assert.equal(ill.code, 1);
          assert.match(
            ill.output,
            /✗ {2}The database takes no writes: .* is on for database postgres/,
          );
          assert.match(ill.output, /alter database "postgres" reset default_transaction_read_only/);
          await change(app, "alter database postgres reset default_transaction_read_only");
          await assertWriting(app);
          assert.match((await doctor()).output, /✓ {2}it takes writes/);
          const [left] = await app.sql`select to_regclass('holdfast.write_trial') as trial`;
          assert.equal(left?.trial, null, "the doctor leaves nothing");
        },
      );
    } finally {
      await app.stop();
      await server.remove();
    }
  },
);
