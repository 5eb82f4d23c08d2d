import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Rehearsal } from "../../services/rehearsals/rehearsal.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { beginRehearsal, rehearse, tradesWorkload } from "../helpers/rehearse.ts";
import { plantTrades } from "../helpers/planted.ts";
import { prepareWriteSample } from "../../db/rehearsals/effects.ts";
import { takeRehearsalLock } from "../../db/rehearsals/lock.ts";
import { applyStatement } from "../../db/rehearsals/replay.ts";
import { listTables } from "../../db/rehearsals/sampling.ts";
import { placeOf, serverUser } from "../../db/embedded/place.ts";

let app: TestApp;
/** Where copies live. */
let home: string;

Deno.test.beforeAll(async () => {
  app = await startApp();
  const dir = app.config.HOLDFAST_DATA_DIR;
  home = dirname(placeOf(dir, serverUser(dir)).cluster);
  await plantTrades(app.sql, 60_000);
});
Deno.test.afterAll(() => app.stop());

const copies = () =>
  [...Deno.readDirSync(home)].map(({ name }) => name).filter((name) =>
    name.startsWith("rehearsal")
  );

async function catalogue(): Promise<string> {
  const [row] = await app.sql`
    select md5(string_agg(c.oid || c.relname || c.relfilenode || coalesce(c.relacl::text, ''), ',' order by c.oid))
      || ' ' || (select string_agg(rolname, ',' order by oid) from pg_roles)
      || ' ' || (select count(*) from pg_replication_slots) as state
    from pg_class as c where c.relnamespace not in (
      select oid from pg_namespace where nspname in ('holdfast', 'pg_toast')
    )`;
  return row?.state;
}

Deno.test("a useful index is worth it, and the living database keeps its catalogue, locks and files", async () => {
  const before = await catalogue();
  let strongest = 0;
  const watch = setInterval(async () => {
    const [row] = await app.sql`
      select count(*)::int as n
      from pg_locks as l join pg_stat_activity as a using (pid)
      where a.application_name like 'holdfast-rehearsal%' and l.locktype = 'relation'
        and l.mode <> 'AccessShareLock'`;
    strongest = Math.max(strongest, row?.n);
  }, 50);
  const found = await rehearse(app, {
    sql: "create index trades_note on app.trades (note)",
    workload: [tradesWorkload[2]],
  });
  clearInterval(watch);
  assert.equal(found.status, "done", found.problems.join("; "));
  assert.equal(found.verdict, "worth_it", found.summary ?? "");
  assert.match(
    found.summary ?? "",
    /^Worth it: .*where note = .*1 of 1 statements, 100 % of the time$/,
  );
  assert.deepEqual(found.coverage, { statements: 1, of: 1, time_share: 1 });
  const [statement] = found.statements;
  assert.equal(statement?.verdict, "improved");
  assert.ok((statement?.ci_low ?? 0) > 0.03);
  assert.equal(statement?.params, "drawn");
  assert.equal(statement?.plan_changed, true);
  assert.match(statement?.plan_before ?? "", /Seq Scan on trades/);
  assert.match(statement?.plan_after ?? "", /trades_note/);
  assert.ok((statement?.buffers_after ?? 0) < (statement?.buffers_before ?? 0));
  assert.equal(found.copy?.kind, "physical");
  assert.ok(
    found.cost && found.cost.bytes > 0 && found.cost.wal_bytes > 0 && found.cost.seconds > 0,
  );
  assert.deepEqual(found.cost.tables, ["app.trades"]);
  assert.ok(
    found.cost.locks.some((one) => one.lock === "ShareLock" && one.relation === "app.trades"),
  );
  assert.equal(strongest, 0);
  assert.equal(await catalogue(), before);
  assert.deepEqual(copies(), []);
  // What the statement lacks is advised from now on, and can be rehearsed by its id.
  assert.deepEqual(found.candidates.map(({ sql }) => sql), [
    'create index concurrently on "app"."trades" ("note")',
  ]);
  const health = await app.json<{ recommendations: { id: string; rehearsal: null }[] }>(
    "/api/health/database",
  );
  const advised = health.recommendations.find(({ id }) => id === found.candidates[0]?.id);
  assert.equal(advised?.rehearsal, null);
  const list = await app.json<{ rehearsals: Rehearsal[]; next_cursor: null }>("/api/rehearsals");
  assert.deepEqual(list.rehearsals.map(({ id }) => id), [found.id]);
  const markdown = await app.request(`/api/rehearsals/${found.id}/report?format=markdown`);
  assert.match(await markdown.text(), /new: .*trades_note/);
  const page = await app.request(`/api/rehearsals/${found.id}/report`);
  assert.match(page.headers.get("content-type") ?? "", /^text\/html/);
  assert.match(await page.text(), /<strong>Worth it: /);
});

Deno.test("a change that fails says which statement, where and why; what runs cannot leave the copy", async () => {
  const found = await rehearse(app, {
    sql: "create table app.side (a int);\n\ncreate index on app.nowhere (a)",
    workload: [
      tradesWorkload[1],
      // Neither may the statements: they are no superuser's.
      { sql: "select pg_read_file('/etc/passwd')" },
      { sql: "select nonsense from app.trades" },
    ],
  });
  assert.equal(found.status, "failed");
  assert.equal(found.verdict, null);
  assert.match(
    found.problems.join(),
    /^The change failed at statement 2 of 2, line 3: relation "app.nowhere" does not exist \(SQLSTATE 42P01\)/,
  );
  assert.deepEqual(
    found.uncovered.map(({ reason }) => /permission denied|column "nonsense"/.exec(reason)?.[0]),
    ["permission denied", 'column "nonsense"'],
  );
  assert.deepEqual(found.coverage.statements, 1);
  assert.deepEqual(copies(), []);
});

Deno.test("one runs at a time, and one that is aborted leaves nothing", async () => {
  const { id } = await beginRehearsal(app, {
    sql: "analyze app.trades",
    workload: tradesWorkload,
  });
  const second = await app.post("/api/rehearsals", { sql: "analyze app.trades" });
  assert.equal(second.status, 409);
  assert.equal((await second.json()).code, "rehearsal_running");
  await eventually(
    async () => {
      const { status } = await app.json<Rehearsal>(`/api/rehearsals/${id}`);
      return ["warming", "baseline", "changing", "candidate"].includes(status);
    },
    "both copies run",
    60_000,
  );
  assert.deepEqual(copies().length, 1);
  const answer = await app.request(`/api/rehearsals/${id}`, { method: "DELETE" });
  assert.equal(answer.status, 200);
  await answer.body?.cancel();
  await app.holdfast.rehearsals.idle();
  const found = await app.json<Rehearsal>(`/api/rehearsals/${id}`);
  assert.deepEqual([found.status, found.verdict, found.problems], ["aborted", null, [
    "It was aborted",
  ]]);
  assert.deepEqual(copies(), []);
  const again = await app.request(`/api/rehearsals/${id}`, { method: "DELETE" });
  assert.equal((await again.json()).status, "aborted");
});

Deno.test("what a killed Holdfast left is removed, and no process that is not proven to be a copy", async () => {
  const [row] = await app.sql`select system_identifier::text as id from pg_control_system()`;
  const left = join(home, `rehearsal-${row?.id}`);
  const data = join(left, "a", "data");
  await Deno.mkdir(data, { recursive: true });
  const bystander = new Deno.Command("sleep", { args: ["60"] }).spawn();
  const uid = Deno.uid() === 0 ? serverUser(app.config.HOLDFAST_DATA_DIR)?.uid : undefined;
  if (uid !== undefined) await Deno.chown(data, uid, uid);
  await Deno.writeTextFile(
    join(data, "postmaster.pid"),
    `${bystander.pid}\n${data}\n0\n5432\n${left}/a\n\n  0 0\nready   \n`,
  );
  const id = crypto.randomUUID();
  const body = { id, status: "baseline", problems: [], created_at: new Date().toISOString() };
  await app.sql`
    insert into holdfast.rehearsals (id, status, created_at, body)
    values (${id}, 'baseline', now(), ${app.sql.json(body)})`;
  // The session of the killed one may hold the lock for a while.
  const lock = await takeRehearsalLock({
    target: app.holdfast.target,
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 1_000,
    pooled: false,
  });
  await app.holdfast.rehearsals.prepare();
  assert.ok(existsSync(left));
  await lock?.release();
  await app.holdfast.rehearsals.everyMinute();
  assert.ok(!existsSync(left));
  const [record] = await app.sql`select status, body from holdfast.rehearsals where id = ${id}`;
  assert.equal(record?.status, "aborted");
  assert.deepEqual(record?.body.problems, ["Holdfast ended while the rehearsal was under way"]);
  bystander.kill("SIGTERM");
  assert.equal((await bystander.status).signal, "SIGTERM");
  await app.sql`delete from holdfast.rehearsals where id = ${id}`;
});

Deno.test("bad requests are refused and name the field", async () => {
  const cases: [unknown, string][] = [
    [{}, "sql"],
    [{ sql: "" }, "sql"],
    [{ sql: ";;" }, "sql"],
    [{ sql: "select 1", settings: { work_mem: "1MB" } }, "settings"],
    [{ settings: { no_such_setting: "1" } }, "settings.no_such_setting"],
    [{ settings: { archive_command: "true" } }, "settings.archive_command"],
    [{ settings: { work_mem: "1'; x" } }, "settings.work_mem"],
    [{ recommendation: "0123456789ab" }, "recommendation"],
    [{ sql: "select 1", backup: "20200101T000000Z-abcdef" }, "backup"],
    [{ sql: "select 1", workload: [{ sql: "vacuum" }] }, "workload.0.sql"],
    [{ sql: "select 1", workload: [{ sql: "select 1; select 2" }] }, "workload.0.sql"],
    [{ sql: "select 1", workload: [] }, "workload"],
    [{ sql: "select 1", profile: "slow" }, "profile"],
    [{ sqll: "select 1" }, "sqll"],
    [{ policy: { table: "app.trades", key_column: "ts" } }, "policy.policy"],
  ];
  for (const [body, path] of cases) {
    const answer = await app.post("/api/rehearsals", body);
    const problem = await answer.json();
    assert.equal(answer.status, 400, JSON.stringify(problem));
    assert.equal(problem.errors?.[0]?.path, path, JSON.stringify(problem));
  }
  const unknown = await app.request(`/api/rehearsals/${crypto.randomUUID()}`);
  assert.equal(unknown.status, 404);
  await unknown.body?.cancel();
});

Deno.test("a table that was never analysed is part of a sample", async () => {
  await app.sql`create table app.venues (id int primary key, name text)`;
  await app.sql`insert into app.venues values (1, 'P'), (2, 'Q')`;
  await app.sql`create table app.nothing (id int)`;
  const tables = await listTables(app.sql);
  const find = (label: string) => tables.find((one) => one.label === label);
  assert.equal(find("app.venues")?.bytes, 8192);
  assert.ok((find("app.venues")?.rows ?? 0) > 0);
  assert.equal(find("app.nothing")?.bytes, 0);
});

Deno.test("writes are measured on a leaf with enough rows, and only the rows that are there count", async () => {
  await app.sql.unsafe(`
    create table app.parts (n int) partition by range (n);
    create table app.parts_old partition of app.parts for values from (0) to (1000);
    create table app.parts_new partition of app.parts for values from (1000) to (2000);
    insert into app.parts select generate_series(1, 400);
    insert into app.parts values (1001), (1002);
    analyze app.parts`);
  const table = { name: '"app"."parts"', label: "app.parts", oid: 0 };
  const rowsOf = async (max: number) => (await prepareWriteSample(app.sql, table, max))?.rows;
  assert.equal(await rowsOf(300), 300);
  assert.equal(await rowsOf(500), 2);
});

Deno.test("a procedure that commits is called outside of a transaction", async () => {
  await app.sql.unsafe(`
    create table app.filled (n int);
    create procedure app.fill() language plpgsql as $$
      begin insert into app.filled values (1); commit; insert into app.filled values (2); end $$`);
  const session = await app.sql.reserve();
  try {
    assert.equal(await applyStatement(session, "call app.fill()"), undefined);
  } finally {
    session.release();
  }
  assert.deepEqual((await app.sql`select n from app.filled order by n`).map(({ n }) => n), [1, 2]);
});
