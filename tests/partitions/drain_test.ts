import assert from "node:assert/strict";
import { connectSql } from "../../db/connection.ts";
import { olderSnapshots } from "../../db/partitions/rewrite/rows.ts";
import { startControl } from "../helpers/control.ts";
import { eventually } from "../helpers/eventually.ts";
import { type Guarded, type Guardian, startGuarded } from "../helpers/guardian.ts";

let guarded: Guarded;
const now = "2026-03-15T12:00:00Z";

Deno.test.beforeAll(async () => {
  guarded = await startGuarded({ synchronous_commit: "off" });
});
Deno.test.afterAll(() => guarded.stop());

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
/** Every boundary with HOLDFAST_SLOW_TESTS=1, else every fifth. */
const stride = Deno.env.get("HOLDFAST_SLOW_TESTS") === "1" ? 1 : 5;
const month = { interval: "1 month", premake: 1 };

/** Rotates and goes on with the drain until it is over. */
async function drain(guardian: Guardian, table: string) {
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  for (const until = performance.now() + 60_000; performance.now() < until;) {
    await guardian.conversions.advance();
    const move = (await guardian.conversions.list())
      .find((one) => `${one.schema}.${one.table}` === table);
    if (move?.phase === "finished") return move;
    await pause(20);
  }
  throw new Error("The drain is not over");
}

Deno.test("a default of 40,000 rows is drained under writes: every reader sees every row once, no writer waits over 100 ms", async () => {
  await guarded.sql.unsafe(`
    create schema drain;
    create table drain.t (id bigint, ts timestamptz not null, price int, primary key (id, ts)) partition by range (ts);
    create index t_ts on drain.t (ts);
    create table drain.rest partition of drain.t default;
    create table drain.ledger (change int);
    insert into drain.t select n, '2026-01-01Z'::timestamptz + n * interval '2 minutes 30 seconds', n
    from generate_series(1, 40000) as n;
    insert into drain.t values (0, '2099-01-01Z', 1);
    analyze drain.t;
  `).simple();
  await using guardian = guarded.at(now, { pause });
  await guardian.put("drain.t", month);
  const sql = connectSql({
    target: guarded.target,
    max: 4,
    applicationName: "writer",
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 30_000,
    pooled: false,
  });
  const control = await startControl(guarded.target, 4);
  const late: number[] = [];
  const errors: string[] = [];
  const open = new Set<Promise<void>>();
  let sent = 0;
  const write = (n: number) =>
    n % 3 === 0
      ? sql`with made as (insert into drain.t values (${100_000 + n}, ${now}, ${n}) returning 1)
          insert into drain.ledger select 1 from made`
      : n % 3 === 1
      ? sql`with gone as (delete from drain.t where id = ${n * 7} returning 1)
          insert into drain.ledger select -1 from gone`
      : sql`update drain.t set price = price + 1, ts = ts + interval '9 days' where id = ${n * 11}`;
  const timer = setInterval(() => {
    const started = performance.now();
    const done: Promise<void> = write(++sent).then(
      () => void late.push(performance.now() - started),
      (error) => void errors.push(String(error)),
    ).finally(() => open.delete(done));
    open.add(done);
  }, 4);
  const wrong: unknown[] = [];
  let looks = 0;
  let reading = true;
  const question = () =>
    `select (select count(*) from drain.t)::int as here, 40001 + (select coalesce(sum(change), 0) from drain.ledger)::int as due,
       (select count(distinct id) from drain.t where ts < '2026-04-01')::int as ids,
       (select count(*) from drain.t where ts < '2026-04-01')::int as pruned`;
  const look = async () => {
    while (reading) {
      const [row] = await guarded.sql.unsafe(question());
      looks++;
      await pause(5);
      if (row?.here !== row?.due || row?.ids !== row?.pruned || row?.pruned !== row?.due - 1) {
        wrong.push({ ...row });
      }
    }
  };
  // One that has begun before the drain, and looks at the table for the first time long after: its snapshot is old.
  const old = await guarded.sql.reserve();
  await old`begin isolation level repeatable read`;
  const [due] = await old`select 40001 + coalesce(sum(change), 0)::int as due from drain.ledger`;
  const readers = [look()];
  const draining = drain(guardian, "drain.t");
  await eventually(
    async () =>
      (await guardian.conversions.list()).some(({ waits_for }) =>
        /^the snapshot of session \d+/.test(waits_for ?? "")
      ),
    "the drain waits for the old snapshot",
  );
  const [seen] = await old.unsafe(question());
  assert.deepEqual([seen?.here, seen?.pruned], [due?.due, due?.due - 1]);
  await old`commit`;
  old.release();
  const move = await draining;
  await pause(200);
  clearInterval(timer);
  await Promise.all(open);
  reading = false;
  await Promise.all(readers);
  await sql.end();
  const machine = await control.stop();
  assert.deepEqual(errors, []);
  assert.deepEqual(wrong, []);
  assert.ok(looks > 10 && sent > 100, `${looks} looks, ${sent} writes`);
  // On a machine that makes writers wait by itself: no more than twice as long as those of a table that nobody drains.
  const most = (ms: number) => Math.max(ms, 2 * machine);
  assert.ok((move.lock_ms ?? 1e9) < most(100), `writers were locked out for ${move.lock_ms} ms`);
  // The wait for the lock, the time under it, and the pauses of a machine that others work on too.
  const worst = Math.max(...late);
  assert.ok(worst < most(300), `a write took ${worst} ms, ${machine} elsewhere`);
  assert.deepEqual(await guarded.leaves("drain.t"), {
    rest: "DEFAULT",
    t_p202601: "('2026-01-01 00:00:00+00') TO ('2026-02-01 00:00:00+00')",
    t_p202602: "('2026-02-01 00:00:00+00') TO ('2026-03-01 00:00:00+00')",
    t_p202603: "('2026-03-01 00:00:00+00') TO ('2026-04-01 00:00:00+00')",
    t_p202604: "('2026-04-01 00:00:00+00') TO ('2026-05-01 00:00:00+00')",
  });
  const [filled] = await guarded.sql`
    select reltuples::int as rows from pg_class where oid = 'drain.t_p202602'::regclass`;
  assert.ok(filled?.rows > 10_000, `the planner thinks it has ${filled?.rows} rows`);
  const rest = await guarded.sql`select id::int from drain.rest`;
  assert.deepEqual(rest.map(({ id }) => id), [0], "what lies in the far future stays");
  const [row] = await guarded.sql.unsafe(question());
  assert.equal(row?.here, row?.due);
  const left = await guarded.sql`
    select relname from pg_class where relnamespace = 'drain'::regnamespace and relname like '%holdfast%' and relkind in ('r', 'p')`;
  assert.deepEqual([...left], []);
});

Deno.test("a drain that ends before any change ends, after the next run, where an unbroken one does, with every row", async () => {
  let cut = 0;
  async function run(end: number) {
    await guarded.sql.unsafe(`
      drop schema if exists cut cascade;
      delete from holdfast.partition_moves;
      delete from holdfast.partition_policies where schema_name <> 'market';
      create schema cut;
      create table cut.t (id bigint primary key) partition by range (id);
      create table cut.rest partition of cut.t default;
      insert into cut.t select generate_series(1, 150);
      create table cut.t_have partition of cut.t for values from (200) to (300);
      insert into cut.t values (250);
    `).simple();
    let count = 0;
    let [working, ended] = [false, false];
    const endsBefore = () => ended ||= working && ++count === end;
    {
      await using guardian = guarded.at(now, { endsBefore });
      await guardian.put("cut.t", { key: "id", interval: "100", premake: 0 });
      working = true;
      // A look at older snapshots more or less moves the last changes by one.
      await drain(guardian, "cut.t").catch((error) => assert.ok(ended, String(error)));
      if (ended) cut++;
    }
    await guarded.sql`insert into cut.t values (1000)`;
    await guarded.sql`delete from cut.t where id = 7`;
    await guarded.sql`update cut.t set id = 17000 where id = 17`;
    if (end > 0) {
      await using guardian = guarded.at(now);
      await drain(guardian, "cut.t");
    }
    const relations = await guarded.sql`
      select c.relname as name from pg_class as c
      where c.relnamespace = 'cut'::regnamespace and c.relkind in ('r', 'p') order by 1`;
    const ids = await guarded.sql`select id::int from cut.t order by 1`;
    const triggers = await guarded.sql`
      select tgname from pg_trigger where tgrelid::regclass::text like 'cut.%' and not tgisinternal`;
    const checks = await guarded.sql`
      select conname from pg_constraint where connamespace = 'cut'::regnamespace and contype = 'c'`;
    const functions = await guarded.sql`
      select proname from pg_proc where pronamespace = 'holdfast'::regnamespace and proname like 'move%'`;
    return {
      count,
      state: {
        relations: relations.map(({ name }) => name),
        leaves: await guarded.leaves("cut.t"),
        ids: ids.map(({ id }) => id),
        left: [...triggers, ...checks, ...functions],
      },
    };
  }
  const whole = await run(0);
  assert.deepEqual(Object.keys(whole.state.leaves), ["rest", "t_have", "t_p0", "t_p100"]);
  assert.equal(whole.state.ids.length, 151);
  assert.deepEqual(whole.state.left, []);
  for (let end = 1; end <= whole.count; end += stride) {
    assert.deepEqual((await run(end)).state, whole.state, `ended before change ${end}`);
  }
  assert.ok(cut * stride > whole.count - 10, `${cut} of ${whole.count}`);
});

Deno.test("the old snapshot of another role is waited for by a role that may not see when it began", async () => {
  await guarded.sql.unsafe(`
    create role watcher login;
    grant usage on schema holdfast to watcher;
    grant select on holdfast.partition_moves to watcher;
  `).simple();
  const old = await guarded.sql.reserve();
  await old`begin isolation level repeatable read`;
  const [{ pid } = { pid: 0 }] = await old<{ pid: number }[]>`select pg_backend_pid() as pid`;
  const [{ xid } = { xid: "" }] = await guarded.sql<{ xid: string }[]>`
    insert into holdfast.partition_moves (
      kind, schema_name, table_name, spec, phase, blocks, direct_xid, direct_at, started_at, updated_at, ended_at
    )
    values (
      'drain', 'seen', 't', '{}', 'cancelled', 0, pg_current_xact_id()::text, clock_timestamp(), now(), now(), now()
    )
    returning direct_xid as xid`;
  await using guardian = guarded.at(now, { user: "watcher" });
  const older = async () =>
    (await guardian.pool.run((sql) => olderSnapshots(sql, xid))).map((one) => one.pid);
  assert.deepEqual(await older(), [pid]);
  await old`commit`;
  old.release();
  assert.deepEqual(await older(), []);
});

Deno.test("what keeps a default from being drained is said, and its rows stay where they are", async () => {
  await guarded.sql.unsafe(`
    create schema kept;
    create table kept.keyless (id bigint not null) partition by range (id);
    create table kept.rest partition of kept.keyless default;
    insert into kept.keyless select generate_series(1, 150);
    create table kept.have partition of kept.keyless for values from (200) to (300);
    insert into kept.keyless values (250);
  `).simple();
  await using guardian = guarded.at(now);
  await guardian.put("kept.keyless", { key: "id", interval: "100", premake: 0 });
  const plan = await guardian.rotation.plan("kept.keyless");
  assert.deepEqual(plan.steps, []);
  assert.match(plan.skipped[0]?.reason ?? "", /not drained: it has no primary key/);
});

Deno.test("a default with rows of many ranges is drained in rounds, by the order of its keys", async () => {
  await guarded.sql.unsafe(`
    create schema many;
    create table many.t (id bigint primary key) partition by range (id);
    create table many.rest partition of many.t default;
    insert into many.t select generate_series(0, 1999);
    create table many.have partition of many.t for values from (2000) to (2100);
    insert into many.t values (2000);
  `).simple();
  await using guardian = guarded.at(now, { pause });
  await guardian.put("many.t", { key: "id", interval: "100", premake: 0 });
  const plan = await guardian.rotation.plan("many.t");
  assert.match(plan.warnings.map(({ reason }) => reason).join(), /more than 8 ranges/);
  const drained = plan.steps.filter(({ action }) => action === "drain");
  assert.equal(drained.length, 1);
  assert.ok(drained[0]?.statements.every(({ lock }) => lock !== ""));
  await guardian.rotation.apply(plan.digest, "many.t");
  await drain(guardian, "many.t");
  assert.equal(Object.keys(await guarded.leaves("many.t")).length, 2 + 8);
  await drain(guardian, "many.t");
  await drain(guardian, "many.t");
  assert.equal(Object.keys(await guarded.leaves("many.t")).length, 2 + 20);
  const [row] = await guarded.sql`
    select (select count(*) from many.t)::int as all, (select count(*) from many.rest)::int as rest`;
  assert.deepEqual({ ...row }, { all: 2001, rest: 0 });
});
