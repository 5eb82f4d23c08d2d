import assert from "node:assert/strict";
import { AlertList } from "../../routes/alerts/schemas.ts";
import { HealthResponse, Liveness } from "../../routes/health/schemas.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { eventually } from "../helpers/eventually.ts";
import { type House, startHouse } from "../helpers/house.ts";
import { startProcess } from "../helpers/process.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";

const quick = {
  HOLDFAST_FAST_TIER_SECONDS: "1",
  HOLDFAST_BROADCAST_SECONDS: "1",
  HOLDFAST_ALERT_WRITE_FAILING_COOLDOWN_SECONDS: "0",
  HOLDFAST_ALERT_WRITE_FAILING_KEEP_FIRING_SECONDS: "0",
};

const tick = (at: number) => ({
  ts: new Date(Date.now() - 60_000 - at * 1_000).toISOString(),
  symbol: "SPY",
  price: 170 + at / 100,
  size: 100,
  exchange: "P",
});

const upload = async (house: House, at: number) => {
  const answer = await house.post("/api/ticks?create=true", [tick(at)], {
    "idempotency-key": `read-only-${at}`,
  });
  const body = await answer.json() as { code?: string; detail?: string; accepted?: number };
  return { status: answer.status, retryAfter: answer.headers.get("retry-after"), body };
};

/** Sends an upload again and again until it is taken, as a client does; answers how often it was refused. */
async function uploadPatiently(house: House, at: number): Promise<number> {
  let refused = 0;
  await eventually(async () => {
    const { status, body } = await upload(house, at);
    if (status === 200) return true;
    assert.deepEqual([status, body.code], [503, "database_read_only"]);
    refused++;
    return false;
  }, `upload ${at} is taken`);
  return refused;
}

const ready = async (house: House) => {
  const answer = await house.request("/api/health/ready");
  return { status: answer.status, body: Liveness.parse(await answer.json()) };
};

const health = async (house: House) => {
  const answer = await house.request("/api/health");
  const body = HealthResponse.parse(await answer.json());
  return { status: answer.status, body, write: body.checks.find((c) => c.name === "write_access") };
};

const failing = async (house: House) =>
  AlertList.parse(await house.json("/api/alerts?state=firing")).alerts
    .find(({ rule }) => rule === "write_failing");

/** A fast tick is a second here; the rest is for a machine that has much else to do. */
const tickMs = 4_000;

async function assertReadOnly(house: House, cause: RegExp, remedy: RegExp): Promise<void> {
  const alert = await eventually(
    async () => {
      const found = await failing(house);
      assert.match(JSON.stringify(found?.evidence), cause);
      return found;
    },
    "write_failing fires, and names the cause",
    tickMs,
  );
  assert.equal(alert.severity, "critical");
  const { status, body } = await ready(house);
  assert.deepEqual([status, body.status, body.mode], [503, "unavailable", "read_only"]);
  assert.match(body.detail, cause);
  const overall = await health(house);
  assert.deepEqual([overall.status, overall.body.status], [503, "unhealthy"]);
  assert.deepEqual([overall.body.role, overall.body.mode], ["primary", "read_only"]);
  assert.match(overall.write?.detail ?? "", cause);
  assert.match(overall.write?.detail ?? "", remedy);
}

async function assertWriting(house: House): Promise<void> {
  await eventually(async () => (await ready(house)).status === 200, "it is ready", tickMs);
  await eventually(async () => !await failing(house), "write_failing is over", tickMs);
  assert.notEqual((await health(house)).body.status, "unhealthy");
}

/** Runs what changes a default, also in a session that began read-only. */
const change = (house: House, statement: string, by = house.admin) =>
  by.begin("read write", (sql) => sql.unsafe(statement));

const endSessions = (house: House) =>
  house.sql`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name like 'holdfast%' and pid <> pg_backend_pid()`;

async function behaves(t: Deno.TestContext, house: House): Promise<void> {
  const [{ name }] = await house.sql`select current_database() as name` as unknown as [
    { name: string },
  ];
  const setting = "default_transaction_read_only";
  assert.equal((await upload(house, 0)).status, 200);
  await eventually(async () => (await ready(house)).body.mode === "writing", "it is ready");

  await t.step("a database made read-only is said within a tick, and so is its end", async () => {
    await house.admin.unsafe(`alter database ${name} set ${setting} = on`);
    await endSessions(house);
    const first = await eventually(async () => {
      const answer = await upload(house, 1);
      return answer.status === 200 ? false : answer;
    }, "an upload is refused");
    await assertReadOnly(house, /is on for database/, new RegExp(`alter database .* reset`));
    const refused = await upload(house, 1);
    for (const { status, body } of [first, refused]) {
      assert.equal(status, 503);
      assert.ok(["database_read_only", "database_unavailable"].includes(body.code ?? ""));
    }
    assert.equal(refused.body.code, "database_read_only");
    assert.ok(Number(refused.retryAfter) > 0);
    assert.match(refused.body.detail ?? "", /takes no writes: default_transaction_read_only/);
    const silence = await house.post("/api/alerts/silences", {
      rule: "rollbacks",
      reason: "while read-only",
      duration_seconds: 3_600,
    });
    assert.equal(silence.status, 201, "a silence is kept in memory");
    await silence.body?.cancel();
    const rules = await house.request("/api/alerts/rules", {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ rules: [{ name: "rollbacks", warning: 0.3 }] }),
    });
    assert.deepEqual([rules.status, (await rules.json()).code], [503, "database_read_only"]);
    const stored = await house.json<{ ticks: unknown[] }>("/api/ticks?symbol=SPY");
    assert.ok(stored.ticks.length >= 1, "what reads is served");
    // The sessions that began read-only stay so by themselves: Holdfast begins new ones.
    const waiting = uploadPatiently(house, 1);
    await change(house, `alter database ${name} reset ${setting}`);
    await waiting;
    await assertWriting(house);
    assert.equal((await upload(house, 2)).status, 200);
    const kept = await eventually(
      async () =>
        (await house.sql`select reason from holdfast.alert_silences`).find((row) =>
          row.reason === "while read-only"
        ),
      "the silence is written once that is possible",
    );
    assert.ok(kept);
  });

  await t.step(
    "a role whose new sessions are read-only is warned of while ours write",
    async () => {
      await house.sql.unsafe(`alter role current_user set ${setting} = on`);
      const warned = await eventually(
        async () => (await health(house)).write,
        "it is said",
        tickMs,
      );
      assert.equal(warned.status, "degraded");
      assert.match(warned.detail, /Sessions that begin now cannot write: .* is on for role/);
      assert.equal((await ready(house)).status, 200);
      assert.equal((await upload(house, 3)).status, 200);
      await endSessions(house);
      await assertReadOnly(house, /is on for role/, /alter role .* reset/);
      await change(house, `alter role current_user reset ${setting}`, house.sql);
      await assertWriting(house);
    },
  );

  await t.step("a whole server set read-only, with no session ended", async () => {
    await house.admin.unsafe(`alter system set ${setting} = on`);
    await house.admin`select pg_reload_conf()`;
    await assertReadOnly(house, /is on for the whole server/, /alter system reset/);
    const waiting = uploadPatiently(house, 4);
    await house.admin.unsafe(`alter system reset ${setting}`);
    await house.admin`select pg_reload_conf()`;
    assert.ok(await waiting > 0, "it was refused meanwhile");
    await assertWriting(house);
  });

  await t.step("nothing is lost or doubled", async () => {
    const rows = await house.sql`select count(*)::int4 as n, count(distinct ts)::int4 as times
      from market.ticks`;
    assert.deepEqual({ ...rows[0] }, { n: 5, times: 5 });
  });
}

Deno.test("a read-only embedded server is an outage of writing, and ends by itself", async (t) => {
  const house = await startHouse(quick);
  try {
    await behaves(t, house);
  } finally {
    await house.stop();
  }
});

testWith(
  debianPostgres,
  "a read-only Debian server is an outage of writing, and ends by itself",
  async (t) => {
    const server = await createDebianServer();
    await server.start();
    let house = await startHouse({ DATABASE_URL: server.url, ...quick });
    const doctor = async () => {
      const command = startProcess({ env: { DATABASE_URL: server.url }, args: ["doctor"] });
      return { code: await command.exited, output: command.output() };
    };
    try {
      await behaves(t, house);
      await t.step(
        "a start beside it serves what reads, and begins to write by itself",
        async () => {
          await change(house, "alter database postgres set default_transaction_read_only = on");
          await house.stop();
          house = await startHouse({ DATABASE_URL: server.url, ...quick });
          await assertReadOnly(
            house,
            /is on for database postgres/,
            /alter database "postgres" reset/,
          );
          const { ticks } = await house.json<{ ticks: unknown[] }>("/api/ticks?symbol=SPY");
          assert.equal(ticks.length, 5);
          const ill = await doctor();
          assert.equal(ill.code, 1);
          assert.match(
            ill.output,
            /✗ {2}The database takes no writes: .* is on for database postgres/,
          );
          assert.match(ill.output, /alter database "postgres" reset default_transaction_read_only/);
          await change(house, "alter database postgres reset default_transaction_read_only");
          await assertWriting(house);
          assert.match((await doctor()).output, /✓ {2}it takes writes/);
          const [left] = await house.sql`select to_regclass('holdfast.write_trial') as trial`;
          assert.equal(left?.trial, null, "the doctor leaves nothing");
        },
      );
    } finally {
      await house.stop();
      await server.remove();
    }
  },
);
