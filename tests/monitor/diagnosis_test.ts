import assert from "node:assert/strict";
import { connectSql, type Sql, type Target } from "../../db/connection.ts";
import { codeOf } from "../../db/errors.ts";
import { IndexList, LockTree, QueryList } from "../../routes/monitor/diagnosis_schemas.ts";
import { embeddedUrl } from "../helpers/embedded_url.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

const quick = {
  HOLDFAST_FAST_TIER_SECONDS: "1",
  HOLDFAST_BROADCAST_SECONDS: "1",
  HOLDFAST_SLOW_TIER_SECONDS: "5",
  HOLDFAST_TOKEN: "the-admin-token",
  HOLDFAST_READ_TOKEN: "the-read-token",
};
const admin = { headers: { authorization: "Bearer the-admin-token" } };
let app: TestApp;

Deno.test.beforeAll(async () => {
  app = await startApp(quick);
});
Deno.test.afterAll(() => app.stop());

const session = (target: Target = app.holdfast.target): Sql =>
  connectSql({
    target,
    max: 1,
    applicationName: "trader",
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 30_000,
    pooled: false,
  });

const locks = async () => LockTree.parse(await app.json("/api/locks", admin));
const post = (path: string, token = "the-admin-token") =>
  app.request(path, { method: "POST", headers: { authorization: `Bearer ${token}` } });
const pidOf = async (sql: Sql) => (await sql`select pg_backend_pid() as pid`)[0]?.pid as number;

Deno.test("the blocking tree, a waiter cancelled, its root ended, each with an audit line", async () => {
  await app.sql`create table public.book (id int primary key, price float8)`;
  await app.sql`insert into public.book values (1, 10)`;
  const [holder, first, second] = [session(), session(), session()];
  const pids = await Promise.all([holder, first, second].map(pidOf));
  await holder`begin`;
  await holder`update public.book set price = 11 where id = 1`;
  const failed = (waiting: Promise<unknown>) => waiting.then(() => undefined, (error) => error);
  const firstEnd = failed(first`update public.book set price = 12 where id = 1`);
  await eventually(async () => {
    const [row] = await app.sql`
      select 1 from pg_stat_activity where pid = ${pids[1]!} and wait_event_type = 'Lock'`;
    return row !== undefined;
  }, "the first waits");
  const secondEnd = failed(second`alter table public.book add column note text`);
  try {
    const tree = await eventually(async () => {
      const found = await locks();
      const blocked = found.roots[0]?.blocked ?? [];
      const all = JSON.stringify(blocked);
      const seesBoth = pids.slice(1).every((pid) => all.includes(`"pid":${pid},`));
      return seesBoth && found.age_ms! < 5_000 && found;
    }, "both waiters are seen, in a tree of now");
    assert.equal(tree.status, "known");
    const [root] = tree.roots;
    assert.equal(tree.roots.length, 1);
    assert.ok(root);
    assert.equal(root.pid, pids[0]);
    assert.equal(root.state, "idle in transaction");
    assert.match(root.query!, /^update public\.book/);
    assert.ok(root.age_seconds! > 0);
    assert.equal(root.application, "trader");
    assert.match(JSON.stringify(root.blocked), /AccessExclusiveLock on public\.book/);

    for (const action of ["cancel", "terminate"]) {
      const refused = await post(`/api/locks/${pids[0]}/${action}`, "the-read-token");
      assert.deepEqual([refused.status, (await refused.json()).code], [403, "forbidden"]);
    }
    const other = await post(
      `/api/locks/${pids[0]}/terminate?backend_start=2020-01-01T00:00:00Z`,
    );
    assert.deepEqual([other.status, (await other.json()).code], [409, "conflict"]);

    const cancelled = await post(`/api/locks/${pids[2]}/cancel`);
    assert.deepEqual(await cancelled.json(), { pid: pids[2], action: "cancel" });
    assert.equal(codeOf(await secondEnd), "57014");
    const start = encodeURIComponent(root.backend_start!);
    const ended = await post(`/api/locks/${pids[0]}/terminate?backend_start=${start}`);
    assert.equal(ended.status, 200);
    assert.equal(await firstEnd, undefined, "the first waiter goes on");
    await eventually(async () => (await locks()).roots.length === 0, "the tree is empty again");

    const gone = await post(`/api/locks/${pids[0]}/cancel`);
    assert.deepEqual([gone.status, (await gone.json()).code], [404, "not_found"]);
    const audited = app.logs.filter(({ event }) =>
      event === "session_cancel" || event === "session_terminate"
    );
    assert.deepEqual(
      audited.map(({ event, pid, by, application, done }) => [event, pid, by, application, done]),
      [
        ["session_cancel", pids[2], "admin", "trader", true],
        ["session_terminate", pids[0], "admin", "trader", true],
      ],
    );
    assert.ok(audited.every(({ request_id }) => typeof request_id === "string"));
  } finally {
    await Promise.all([holder, first, second].map((sql) => sql.end({ timeout: 1 })));
  }
});

Deno.test("a session of another role is ended; where the server refuses that, the answer names the way", async () => {
  await app.admin`create role clerk login password 'clerk'`;
  const url = embeddedUrl(app.holdfast.target, { user: "clerk:clerk" });
  const clerk = session({ kind: "url", url });
  try {
    const pid = await pidOf(clerk);
    await app.admin`revoke pg_signal_backend from holdfast`;
    const refused = await post(`/api/locks/${pid}/terminate`);
    assert.equal(refused.status, 403);
    assert.match((await refused.json()).detail, /run: grant pg_signal_backend to "holdfast"$/);
    await app.admin`grant pg_signal_backend to holdfast`;
    assert.equal((await post(`/api/locks/${pid}/terminate`)).status, 200);
    const superuser = await post(`/api/locks/${await pidOf(app.admin)}/terminate`);
    assert.equal(superuser.status, 403);
    assert.match((await superuser.json()).detail, /Only a superuser may/);
  } finally {
    await clerk.end({ timeout: 1 });
  }
});

Deno.test("Holdfast's own sessions and the server's workers cannot be terminated", async () => {
  const rows = await app.sql<{ pid: number }[]>`
    select min(pid) as pid from pg_stat_activity where application_name = 'holdfast-monitor'
    union all
    select pid from pg_stat_activity where backend_type = 'checkpointer'`;
  assert.equal(rows.length, 2);
  for (const { pid } of rows) {
    const answer = await post(`/api/locks/${pid}/terminate`);
    assert.deepEqual([answer.status, (await answer.json()).code], [403, "forbidden"]);
  }
  for (const pid of ["0", "-1", "x", "99999999999"]) {
    const answer = await post(`/api/locks/${pid}/cancel`);
    assert.deepEqual([answer.status, (await answer.json()).code], [400, "invalid_request"]);
  }
});

Deno.test("statements have text, calls and time, recent and in total", async () => {
  await app.admin`select pg_stat_statements_reset()`;
  const list = async (query = "") =>
    QueryList.parse(await app.json(`/api/queries?limit=1000${query}`, admin));
  const find = async (query?: string) =>
    (await list(query)).queries.find((one) => one.query?.includes("as marked_column"));
  await eventually(async () => (await list()).queries.some(({ recent }) => recent), "two looks");
  for (let call = 0; call < 9; call++) {
    await app.sql`select ${call}::int + 1 as marked_column, pg_sleep(0.002)`;
  }
  const found = await eventually(async () => {
    const one = await find();
    return one?.recent?.calls === 9 && one;
  }, "it is counted");
  assert.equal(found.calls, 9);
  assert.ok(found.mean_ms >= 2 && Math.abs(found.total_ms - found.mean_ms * 9) < 0.001);
  assert.ok(found.share > 0 && found.share <= 1 && found.recent!.share <= 1);
  assert.doesNotMatch(found.query!, /\+ 1 as/, "constants are taken out");
  const byTotal = (await list("&order=total")).queries.map(({ total_ms }) => total_ms);
  assert.deepEqual(byTotal, [...byTotal].sort((a, b) => b - a));
  assert.equal((await list()).status, "known");
  const answer = await app.request("/api/queries?order=luck", admin);
  assert.deepEqual([answer.status, (await answer.json()).code], [400, "invalid_request"]);
});

Deno.test("indexes are listed with their problems and cures", async () => {
  await app.sql`create index book_price on public.book (price)`;
  await app.sql`create index book_price_again on public.book (price)`;
  await app.holdfast.monitor.runNow("hourly");
  const list = IndexList.parse(await app.json("/api/indexes", admin));
  assert.equal(list.status, "known");
  const twins = list.indexes.filter(({ name }) => name.startsWith("public.book_price"));
  assert.equal(twins.length, 2);
  const [spare, ...more] = twins.filter(({ duplicate_of }) => duplicate_of);
  assert.ok(spare && more.length === 0);
  assert.match(spare.cure!.sql, /^drop index concurrently "public"\."book_price(_again)?"$/);
  assert.equal(spare.cure!.lock, "SHARE UPDATE EXCLUSIVE");
  const { recommendations } = await app.json<
    { recommendations: { title: string; sql: string }[] }
  >(
    "/api/health/database",
    admin,
  );
  assert.deepEqual(recommendations.map(({ title, sql }) => [title, sql]), [
    [`Drop ${spare.name}`, spare.cure!.sql],
  ]);
  await app.sql.unsafe(spare.cure!.sql);
  const ticks = list.indexes.find(({ name }) => name === "market.ticks_instrument_ts");
  assert.ok(ticks && ticks.partitions >= 8 && ticks.valid, "partitions are in one sum");
  assert.deepEqual(ticks.problems, [], "young statistics call nothing unused");
  assert.deepEqual(list.missing, []);
});

Deno.test("each metric is known, bad by an enabled rule, or unknown", async () => {
  interface Listed {
    metrics: { name: string; scope: string; unit: string; value: number | null; status: string }[];
  }
  const find = async (name: string, scope = "") => {
    const { metrics } = await app.json<Listed>("/api/metrics", admin);
    return metrics.find((one) => one.name === name && one.scope === scope);
  };
  const used = await find("connections_utilization");
  assert.deepEqual([used?.unit, used?.status], ["ratio", "known"]);
  assert.ok(used!.value! > 0);
  assert.deepEqual(await find("standby_replay_delay_seconds"), {
    name: "standby_replay_delay_seconds",
    database: "default",
    scope: "",
    unit: "seconds",
    value: null,
    status: "unknown",
  });
  assert.equal((await find("table_heap_bytes", "market.ticks"))?.status, "known");
  assert.equal((await find("ticks_per_second"))?.status, "known");
  await app.request("/api/alerts/rules", {
    method: "PUT",
    headers: { ...admin.headers, "content-type": "application/json" },
    body: JSON.stringify({ name: "connections", warning: 0.001, critical: 0.99, clear: 0 }),
  });
  assert.equal((await find("connections_utilization"))?.status, "bad");
  const none = await app.json<{ points: unknown[] }>(
    "/api/metrics/standby_replay_delay_seconds",
    admin,
  );
  assert.deepEqual(none.points, [], "known by name, without a history");
  const rate = await app.request("/api/metrics/ticks_per_second?from=2020-01-01T00:00:00Z", admin);
  assert.equal(rate.status, 200, "a rate is known before it was measured");
  assert.equal((await app.request("/api/metrics/nonsense", admin)).status, 404);
});

Deno.test("what cannot be read is unknown, with the reason", async () => {
  await app.admin`create database bare`;
  const bare = await startApp({
    ...quick,
    DATABASE_URL: embeddedUrl(app.holdfast.target, { database: "bare" }),
  });
  try {
    await bare.holdfast.monitor.runNow("stats");
    const queries = QueryList.parse(await bare.json("/api/queries", admin));
    assert.deepEqual([queries.status, queries.detail, queries.queries], [
      "unknown",
      "pg_stat_statements is not installed in this database",
      [],
    ]);
  } finally {
    await bare.stop();
  }
});
