import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

let app: TestApp;
/** The app's clock runs ahead of ours by this much. */
let aheadMs = 0;

Deno.test.beforeAll(async () => {
  app = await startApp({
    HOLDFAST_FAST_TIER_SECONDS: "1",
    HOLDFAST_BROADCAST_SECONDS: "1",
    HOLDFAST_SLOW_TIER_SECONDS: "5",
  }, { clock: { now: () => new Date(Date.now() + aheadMs) } });
  await app.sql`create table public.orders (id int primary key, note text)`;
  await app.sql`insert into public.orders values (1, 'x')`;
});

Deno.test.afterAll(() => app.stop());

interface Report {
  id: string;
  status: string;
  opened_at: string;
  from: string;
  to: string;
  alerts: { rule: string; severity: string; evidence: unknown[] }[];
  before: { status: string; statements: unknown[]; settings: unknown[] };
  after: { status: string } | null;
  sessions: { sessions: { pid: number; query: string; state: string }[] | null }[];
  blocking: { at: string; roots: { pid: number; query: string; blocked: { pid: number }[] }[] }[];
  changes: { kind: string; subject: string }[];
  maintenance: unknown[] | null;
  samples_every: number;
  samples: Record<string, [number, number][]>;
}

interface Listed {
  incidents: { id: string; status: string; alert_type: string; bytes: number | null }[];
  next_cursor: string | null;
}

const list = async () => (await app.json<Listed>("/api/incidents")).incidents;

Deno.test("a critical alert freezes who blocked whom, what ran, what changed and the figures around it", async () => {
  const rule = await app.request("/api/alerts/rules", {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      name: "lock_wait",
      warning: 0.2,
      critical: 0.5,
      clear: 0.1,
      for_seconds: 0,
    }),
  });
  assert.equal(rule.status, 200, await rule.text());
  // Its turn comes every 30 s: not waited for.
  const { monitor } = app.holdfast;
  await eventually(
    async () => {
      await monitor.runNow("stats");
      return monitor.history.names().includes("statement_load");
    },
    "statements are followed",
  );
  await app.sql`create index on public.orders (note) where note <> 'a secret of ours'`;
  const [blocker, waiter] = [await app.sql.reserve(), await app.sql.reserve()];
  let waiting: Promise<unknown> = Promise.resolve();
  try {
    const [{ pid }] = await blocker<[{ pid: number }]>`select pg_backend_pid() as pid`;
    await blocker`begin`;
    await blocker.unsafe("update public.orders set note = 'hunter2' where id = 1");
    waiting = waiter.unsafe("update public.orders set note = 'hunter3' where id = 1").execute()
      .catch(() => {});
    const [opened] = await eventually(async () => {
      const found = await list();
      return found.length > 0 && found;
    }, "an incident is recorded");
    assert.equal(opened?.status, "recording");
    assert.equal(opened.alert_type, "lock_wait_critical");
    await eventually(async () => {
      const now = await app.json<Report>(`/api/incidents/${opened.id}`);
      return now.sessions.length === 1 && now.blocking.length >= 2;
    }, "it can be read while it is recorded");
    await eventually(async () => {
      await monitor.runNow("stats");
      const { changes } = await app.json<Report>(`/api/incidents/${opened.id}`);
      return changes.some(({ kind }) => kind === "ddl");
    }, "the new index is seen");
    // Both connections of app.sql are held by the sessions above.
    const [draft] = await eventually(async () => {
      const rows = await app.admin<{ closed_at: Date | null; report: Report }[]>`
        select closed_at, report from holdfast.incidents where id = ${opened.id}`;
      return rows.length > 0 && rows;
    }, "what is recorded so far is kept: a killed process leaves it behind");
    assert.equal(draft?.closed_at, null);
    assert.equal(draft.report.alerts[0]?.rule, "lock_wait");
    await app.admin`
      insert into holdfast.incidents (id, alert_id, alert_type, scope, opened_at, closed_at, bytes, report)
      select '00000000-0000-4000-8000-000000000001', alert_id, 'left_behind', '', opened_at - interval '1 h', null,
        bytes, report || jsonb_build_object('opened_at', (now() - interval '1 h')::text)
      from holdfast.incidents where id = ${opened.id}`;
    const left = (await list()).find(({ alert_type }) => alert_type === "left_behind");
    assert.equal(left?.status, "interrupted", "of a process that is gone");
    const whole = await app.json<Report>(`/api/incidents/${left.id}`);
    assert.equal(whole.status, "interrupted");
    await app.admin`delete from holdfast.incidents where alert_type = 'left_behind'`;
    aheadMs += 4 * 60_000;
    await eventually(async () => (await list())[0]?.status === "complete", "it is closed");
    const report = await app.json<Report>(`/api/incidents/${opened.id}`);
    assert.equal(report.status, "complete");
    assert.deepEqual([report.alerts[0]?.rule, report.alerts[0]?.severity], [
      "lock_wait",
      "critical",
    ]);
    assert.equal(report.blocking[0]?.roots[0]?.pid, pid);
    assert.equal(report.blocking[0].roots[0].blocked.length, 1);
    assert.ok(report.sessions[0]?.sessions?.some((one) => one.pid === pid), "who held the lock");
    assert.ok(report.before.statements.length > 0 && report.before.settings.length > 10);
    assert.ok(report.samples.blocked_sessions?.some(([, value]) => value === 1));
    assert.ok(report.changes.some(({ kind }) => kind === "holdfast_start"));
    assert.ok(
      report.changes.some(({ kind, subject }) =>
        kind === "ddl" && subject === "create index on public.orders (note) where note <> ?"
      ),
      JSON.stringify(report.changes),
    );
    const text = JSON.stringify(report);
    assert.ok(!/hunter2|hunter3|a secret of ours/.test(text), "no literal of a statement");
    assert.ok(text.length <= 1024 * 1024);
  } finally {
    await blocker`rollback`;
    await waiting;
    blocker.release();
    waiter.release();
  }
  await eventually(
    async () => (await app.sql`select id from holdfast.incidents`).length === 1,
    "it is kept",
  );
  assert.equal((await app.request(`/api/incidents/${crypto.randomUUID()}`)).status, 404);
  assert.equal((await app.request("/api/incidents/one")).status, 400);
});

Deno.test("incidents are bounded in number, and pages of them go on where one ended", async () => {
  await app.sql`
    insert into holdfast.incidents (id, alert_id, alert_type, scope, opened_at, closed_at, bytes, report)
    select gen_random_uuid(), gen_random_uuid(), 'old', '', '2020-01-01'::timestamptz + n * interval '1 h', null, 2, '{}'
    from generate_series(1, 250) as n`;
  const first = await app.json<Listed>("/api/incidents?limit=3");
  const second = await app.json<Listed>(`/api/incidents?limit=3&cursor=${first.next_cursor}`);
  assert.equal(second.incidents.length, 3);
  assert.equal(new Set([...first.incidents, ...second.incidents].map(({ id }) => id)).size, 6);
});
