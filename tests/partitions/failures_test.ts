import assert from "node:assert/strict";
import { startControl } from "../helpers/control.ts";
import { eventually, within } from "../helpers/eventually.ts";
import { type Guarded, startGuarded } from "../helpers/guardian.ts";

/** One test per way in which partition managers fail; the list with results stands in docs/partitions.md. */
let guarded: Guarded;

Deno.test.beforeAll(async () => {
  guarded = await startGuarded();
});
Deno.test.afterAll(() => guarded.stop());

const now = "2026-03-15T12:00:00Z";
const columns = "(ts timestamptz not null, id int not null, body text)";
const old = (schema: string, day: string, name = `old_${day.slice(8)}`) => `
  create table ${schema}.${name} partition of ${schema}.t
    for values from ('${day}') to ('${day}'::timestamptz + interval '1 day');`;
const detachAll = { retention: { keep: "30 days", action: "detach" as const } };

async function setUp(schema: string, ddl: string): Promise<void> {
  await guarded.sql.unsafe(`create schema ${schema}; ${ddl}`).simple();
}

async function rest(table: string): Promise<void> {
  const [schema = "", name = ""] = table.split(".");
  await guarded.sql`
    delete from holdfast.partition_policies where schema_name = ${schema} and table_name = ${name}`;
}

/** A transaction of somebody else's that has done this and stays open until it is let go. */
async function holdOpen(...statements: string[]) {
  const other = await guarded.sql.reserve();
  await other`begin`;
  for (const statement of statements) await other.unsafe(statement);
  return {
    does: (text: string) => other.unsafe(text).simple(),
    async letGo() {
      await other`commit`;
      other.release();
    },
  };
}

const rows = async (text: string) => (await guarded.sql.unsafe(text)).map((row) => ({ ...row }));

Deno.test("a default partition: detaching takes a brief lock, is tried again, and never makes writers wait long", async () => {
  await setUp(
    "withdefault",
    `create table withdefault.t ${columns} partition by range (ts);
     create table withdefault.rest partition of withdefault.t default;
     ${old("withdefault", "2026-01-01")}`,
  );
  await using guardian = guarded.at(now);
  await guardian.put("withdefault.t", detachAll);
  const reader = await holdOpen("select count(*) from withdefault.t");
  const control = await startControl(guarded.target, 4);
  const rotating = guardian.rotation.rotate("test");
  let worst = 0;
  for (let n = 0; n < 100; n++) {
    const from = performance.now();
    await guarded
      .sql`insert into withdefault.t values (${now}::timestamptz + interval '1 year', ${n})`;
    worst = Math.max(worst, performance.now() - from);
  }
  await rotating;
  await reader.letGo();
  // On a machine that makes writers wait by itself: no more than twice as long as those of a table that nobody rotates.
  const most = Math.max(300, 2 * await control.stop());
  assert.ok(worst < most, `a writer waited ${worst} ms, not ${most}`);
  const after = await guardian.rotation.rotate("test");
  assert.deepEqual(after.errors, []);
  assert.ok(!("old_01" in await guarded.leaves("withdefault.t")));
  await rest("withdefault.t");
});

Deno.test("rows in the default move into the leaf that was made for them, and readers miss none at any time", async () => {
  await setUp(
    "leftover",
    `create table leftover.t (ts timestamptz not null, id int, twice int generated always as (id * 2) stored)
       partition by range (ts);
     create table leftover.rest partition of leftover.t default;
     insert into leftover.t (ts, id) select '2026-03-15 10:00+00', n from generate_series(1, 500) as n;
     insert into leftover.t (ts, id) values ('2100-01-01', 1);`,
  );
  await using guardian = guarded.at(now);
  await guardian.put("leftover.t");
  let watching = true;
  const counts = new Set<number>();
  const watch = (async () => {
    while (watching) {
      const [row] = await guarded.sql<{ n: number }[]>`select count(*)::int as n from leftover.t`;
      counts.add(row?.n ?? -1);
    }
  })();
  const { errors, created } = await guardian.rotation.rotate("test");
  watching = false;
  await watch;
  assert.deepEqual(errors, []);
  assert.equal(created.length, 4);
  assert.deepEqual([...counts], [501]);
  assert.deepEqual(
    await rows("select count(*)::int as n, sum(twice)::int as s from leftover.t_p20260315"),
    [
      { n: 500, s: 250_500 },
    ],
  );
  assert.deepEqual(await rows("select count(*)::int as n from leftover.rest"), [{ n: 1 }]);
  await rest("leftover.t");
});

Deno.test("a reader that never ends: the detach stays pending, others wait and say so; the next run finishes what is pending, then the rest", async () => {
  await setUp(
    "pending",
    `create table pending.t ${columns} partition by range (ts);
     ${old("pending", "2026-01-01")} ${old("pending", "2026-01-02")}
     insert into pending.t values ('2026-01-01 10:00+00', 1), ('2026-01-02 10:00+00', 2);`,
  );
  await using guardian = guarded.at(now, { lockTimeoutMs: 100 });
  await guardian.put("pending.t", detachAll);
  const reader = await holdOpen("select count(*) from pending.t");
  const first = await guardian.rotation.rotate("test");
  assert.equal(first.created.length, 4, "premake goes on");
  assert.deepEqual(first.detached, []);
  assert.equal(first.errors.length, 1);
  const pending = await rows(
    "select inhrelid::regclass::text as leaf from pg_inherits where inhparent = 'pending.t'::regclass and inhdetachpending",
  );
  assert.deepEqual(pending, [{ leaf: "pending.old_01" }]);
  const plan = await guardian.rotation.plan();
  assert.deepEqual(plan.steps.map(({ action, partition }) => `${action} ${partition.name}`), [
    "finalize old_01",
    "detach old_02",
  ]);
  await reader.letGo();
  const second = await guardian.rotation.rotate("test");
  assert.deepEqual(second.errors, []);
  assert.deepEqual(second.detached, ["old_02", "old_01"]);
  assert.deepEqual(await rows("select id from pending.old_01"), [{ id: 1 }]);
  const remembered = await rows(
    "select leaf_name, detached_at is not null as done from holdfast.detached_partitions where schema_name = 'pending' order by 1",
  );
  assert.deepEqual(remembered, [{ leaf_name: "old_01", done: true }, {
    leaf_name: "old_02",
    done: true,
  }]);
  await rest("pending.t");
});

Deno.test("leaves that others refer to are kept, and it is said who and how many; the others go, also for good", async () => {
  await setUp(
    "referred",
    `create table referred.t (ts timestamptz not null, id int not null, primary key (ts, id)) partition by range (ts);
     ${old("referred", "2026-01-01")} ${old("referred", "2026-01-02")} ${
      old("referred", "2026-01-03")
    }
     insert into referred.t select '2026-01-02 10:00+00', n from generate_series(1, 3) as n;
     create table referred.fills (ts timestamptz, id int, foreign key (ts, id) references referred.t on delete restrict);
     insert into referred.fills select ts, id from referred.t;`,
  );
  await using guardian = guarded.at(now);
  await guardian.put("referred.t", {
    retention: { keep: "30 days", action: "drop" },
    cooldown: "0",
  });
  const plan = await guardian.rotation.plan();
  assert.deepEqual(plan.skipped.map(({ reason }) => reason), [
    "referred.old_02 is kept: 3 rows of referred.fills (fills_ts_id_fkey) refer to it",
  ]);
  const { errors, detached } = await guardian.rotation.rotate("test");
  assert.deepEqual(errors, []);
  assert.deepEqual(detached, ["old_01", "old_03"]);
  assert.deepEqual(
    await rows("select to_regclass('referred.old_01') as a, to_regclass('referred.old_03') as b"),
    [{ a: null, b: null }],
  );
  assert.deepEqual(await rows("select count(*)::int as n from referred.fills"), [{ n: 3 }]);
  await rest("referred.t");
});

Deno.test("a foreign key from the partitions: attaching waits for no reader of the table referred to, and briefly for its writers", async () => {
  await setUp(
    "referring",
    `create table referring.instruments (id int primary key);
     insert into referring.instruments values (1);
     create table referring.t (ts timestamptz not null, id int not null references referring.instruments)
       partition by range (ts);`,
  );
  await using guardian = guarded.at(now);
  await guardian.put("referring.t", { premake: 1 });
  const plan = await guardian.rotation.plan();
  const attach = plan.steps[0]?.statements.find(({ sql }) => /attach partition/.test(sql));
  assert.match(attach?.lock ?? "", /SHARE ROW EXCLUSIVE on referring\.instruments/);
  const reader = await holdOpen("select * from referring.instruments");
  const { errors, created } = await guardian.rotation.rotate("test");
  await reader.letGo();
  assert.deepEqual(errors, []);
  assert.equal(created.length, 3);

  const writer = await holdOpen("insert into referring.instruments values (2)");
  let waits = 0;
  await using patient = guarded.at("2026-03-16T12:00:00Z", {
    async pause() {
      if (++waits === 2) await writer.letGo();
    },
  });
  const later = await patient.rotation.rotate("test");
  assert.deepEqual([later.errors, later.created, waits], [[], ["t_p20260317"], 2]);

  // Dropping a leaf with a foreign key of its own locks the table it refers to.
  await patient.put("referring.t", {
    premake: 0,
    retention: { keep: "1 day", action: "drop" },
    cooldown: "0",
  });
  await using last = guarded.at("2026-03-17T12:00:00Z");
  await last.rotation.rotate("test");
  await rest("referring.t");
  const [logged] = await rows(
    "select count(*)::int as n from holdfast.maintenance_log where table_name = 'referring.t' and action = 'drop' and error is null",
  );
  assert.equal(logged?.n, 2);
});

Deno.test("rows of the far future and leaves of the far future make no partitions and no runway", async () => {
  await setUp(
    "future",
    `create table future.t ${columns} partition by range (ts);
     create table future.far partition of future.t for values from ('2999-01-01') to ('3000-01-01');
     insert into future.t values ('2999-06-01', 1);`,
  );
  await using guardian = guarded.at(now);
  await guardian.put("future.t");
  assert.equal((await guardian.rotation.rotate("test")).created.length, 4);
  assert.equal((await guardian.rotation.rotate("test")).created.length, 0);
  await rest("future.t");
});

Deno.test("across both changes of the clock New York's days join without a gap, as the server reads them", async () => {
  await setUp("newyork", `create table newyork.t ${columns} partition by range (ts)`);
  for (const at of ["2026-03-06T12:00:00Z", "2026-10-30T12:00:00Z"]) {
    await using guardian = guarded.at(at);
    await guardian.put("newyork.t", { time_zone: "America/New_York", premake: 5 });
    assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  }
  const bounds = await rows(`
    select
      count(*)::int as leaves,
      bool_and((b[1]::timestamptz at time zone 'America/New_York')::time = '00:00') as midnights,
      count(*) filter (where b[2]::timestamptz - b[1]::timestamptz = interval '23 hours')::int as short,
      count(*) filter (where b[2]::timestamptz - b[1]::timestamptz = interval '25 hours')::int as long
    from pg_inherits
    join pg_class as c on c.oid = inhrelid
    cross join lateral regexp_match(pg_get_expr(relpartbound, c.oid), '\\(''(.*)''\\) TO \\(''(.*)''\\)') as b
    where inhparent = 'newyork.t'::regclass`);
  assert.deepEqual(bounds, [{ leaves: 14, midnights: true, short: 1, long: 1 }]);
  await rest("newyork.t");
});

Deno.test("an insert into a leaf that is being given up is never lost: it commits first, and its row goes with the leaf", async () => {
  await setUp(
    "race",
    `create table race.t ${columns} partition by range (ts); ${old("race", "2026-01-01")}`,
  );
  await using guardian = guarded.at(now, { lockTimeoutMs: 5_000 });
  await guardian.put("race.t", detachAll);
  const writer = await holdOpen("insert into race.t values ('2026-01-01 10:00+00', 7)");
  const rotating = guardian.rotation.rotate("test");
  await eventually(
    async () =>
      (await rows(
        "select 1 from pg_stat_activity where wait_event_type = 'Lock' and application_name = 'guardian'",
      ))
        .length > 0,
    "the detach waits for the writer",
  );
  await writer.letGo();
  const { errors, detached } = await rotating;
  assert.deepEqual([errors, detached], [[], ["old_01"]]);
  assert.deepEqual(await rows("select id from race.old_01"), [{ id: 7 }]);
  await rest("race.t");
});

Deno.test("a drop that meets a reader of the detached leaf gives up, is logged, and comes again", async () => {
  await setUp(
    "dropping",
    `create table dropping.t ${columns} partition by range (ts); ${old("dropping", "2026-01-01")}`,
  );
  await using guardian = guarded.at(now, { lockTimeoutMs: 100 });
  await guardian.put("dropping.t", {
    retention: { keep: "30 days", action: "drop" },
    cooldown: "1 hour",
  });
  assert.deepEqual((await guardian.rotation.rotate("test")).detached, ["old_01"]);
  const reader = await holdOpen("select * from dropping.old_01");
  guardian.clock.time = new Date("2026-03-15T14:00:00Z");
  const { errors } = await guardian.rotation.rotate("test");
  assert.match(errors[0] ?? "", /drop dropping\.old_01.*lock timeout/);
  await reader.letGo();
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  assert.deepEqual(await rows("select to_regclass('dropping.old_01') as t"), [{ t: null }]);
  await rest("dropping.t");
});

const meanwhile = {
  "attached again":
    "alter table NAME.t attach partition NAME.old_01 for values from ('2026-01-01') to ('2026-01-02')",
  "replaced under its name":
    "alter table NAME.old_01 rename to kept; create table NAME.old_01 as table NAME.kept",
};
/** Detaches the leaves of a table whose retention moves them to `schema`, which another session drops meanwhile. */
async function detachUnmoved(table: string, schema: string): Promise<void> {
  await using guardian = guarded.at(now, { lockTimeoutMs: 100 });
  await guardian.put(table, { retention: { keep: "30 days", action: "move", schema } });
  const other = await holdOpen("savepoint before", `drop schema ${schema}`);
  const { errors } = await guardian.rotation.rotate("test");
  assert.match(errors[0] ?? "", /move .*lock timeout/);
  await other.does("rollback to before");
  await other.letGo();
}

async function detachUndropped(table: string): Promise<void> {
  await using guardian = guarded.at(now);
  await guardian.put(table, {
    retention: { keep: "30 days", action: "drop" },
    cooldown: "1 day",
  });
  assert.deepEqual((await guardian.rotation.rotate("test")).detached, ["old_01"]);
}

const removals = { drop: "dropped", move: "moved" } as const;
for (const [what, statements] of Object.entries(meanwhile)) {
  for (const [action, done] of Object.entries(removals)) {
    Deno.test(`a leaf that is ${what} while its ${action} waits for a reader is not ${done}`, async () => {
      const name = `${what.replaceAll(" ", "_")}_${action}`;
      await setUp(
        name,
        `create table ${name}.t ${columns} partition by range (ts); ${old(name, "2026-01-01")}
         insert into ${name}.t values ('2026-01-01 10:00+00', 1);
         create schema ${name}_attic`,
      );
      if (action === "drop") await detachUndropped(`${name}.t`);
      else await detachUnmoved(`${name}.t`, `${name}_attic`);
      await using guardian = guarded.at("2026-03-17T12:00:00Z", { lockTimeoutMs: 5_000 });
      const operator = await holdOpen(`select from ${name}.old_01`);
      const rotating = guardian.rotation.rotate("test");
      await eventually(
        async () =>
          (await rows(
            `select 1 from pg_locks where relation = '${name}.old_01'::regclass and not granted`,
          )).length > 0,
        `the ${action} waits for the operator`,
      );
      await operator.does(statements.replaceAll("NAME", name));
      await operator.letGo();
      assert.match((await rotating).errors[0] ?? "", /is not the table that was detached any more/);
      assert.deepEqual(await rows(`select id from ${name}.old_01`), [{ id: 1 }]);
      await rest(`${name}.t`);
    });
  }
}

Deno.test("a policy that is disabled while a rotation works stops what that rotation would still remove", async () => {
  await setUp(
    "stopped",
    `create table stopped.t ${columns} partition by range (ts);
     ${old("stopped", "2026-01-01")} ${old("stopped", "2026-01-02")}
     insert into stopped.t values ('2026-01-01 10:00+00', 1)`,
  );
  await using guardian = guarded.at(now, { lockTimeoutMs: 5_000 });
  const policy = { retention: { keep: "72 days", action: "drop" as const }, cooldown: "1 day" };
  await guardian.put("stopped.t", policy);
  assert.deepEqual((await guardian.rotation.rotate("test")).detached, ["old_01"]);
  guardian.clock.time = new Date("2026-03-16T12:00:01Z");
  // Its detach waits for this reader; the drop of the other leaf comes after it.
  const reader = await holdOpen("select from stopped.t");
  const rotating = guardian.rotation.rotate("test");
  await eventually(
    async () =>
      (await rows(
        "select 1 from pg_stat_activity where query like '%detach%' and wait_event_type = 'Lock'",
      )).length > 0,
    "the detach waits for the reader",
  );
  await guardian.put("stopped.t", { ...policy, enabled: false });
  await reader.letGo();
  assert.deepEqual((await rotating).errors, []);
  assert.deepEqual(await rows("select id from stopped.old_01"), [{ id: 1 }]);
  await rest("stopped.t");
});

Deno.test("what stands under a detached leaf's name is dropped only if it is that leaf", async () => {
  await setUp(
    "swapped",
    `create table swapped.t ${columns} partition by range (ts);
     ${old("swapped", "2026-01-01")} ${old("swapped", "2026-01-02")}`,
  );
  await using guardian = guarded.at(now);
  await guardian.put("swapped.t", {
    retention: { keep: "30 days", action: "drop" },
    cooldown: "1 day",
  });
  await guardian.rotation.rotate("test");
  await guarded.sql.unsafe(`
    drop table swapped.old_01; create table swapped.old_01 (precious text);
    alter table swapped.t attach partition swapped.old_02 for values from ('2026-01-02') to ('2026-01-03');`)
    .simple();
  guardian.clock.time = new Date("2026-03-17T12:00:00Z");
  await guardian.put("swapped.t", {
    retention: { keep: "90 days", action: "drop" },
    cooldown: "1 day",
  });
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  assert.equal(
    (await rows("select to_regclass('swapped.old_01')::text as t"))[0]?.t,
    "swapped.old_01",
  );
  assert.ok("old_02" in await guarded.leaves("swapped.t"));
  await rest("swapped.t");
});

Deno.test("a leaf that retention detached comes back when more is kept, with its rows; a stranger's table is left alone", async () => {
  await setUp(
    "back",
    `create table back.t ${columns} partition by range (ts);
     create table back.t_p20260314 partition of back.t for values from ('2026-03-14') to ('2026-03-15');
     insert into back.t values ('2026-03-14 10:00+00', 1);
     create table back.t_p20260316 ${columns};
     insert into back.t_p20260316 values ('2026-03-16 10:00+00', 2);
     create table back.t_p20260317 ${columns};`,
  );
  await using guardian = guarded.at(now);
  await guardian.put("back.t", { retention: { keep: "6 hours", action: "drop" } });
  assert.deepEqual((await guardian.rotation.rotate("test")).detached, ["t_p20260314"]);
  await guardian.put("back.t", { retention: { keep: "3 days", action: "drop" } });
  const { created, errors } = await guardian.rotation.rotate("test");
  assert.deepEqual([created, errors], [["t_p20260314"], []]);
  assert.deepEqual(await rows("select id from back.t"), [{ id: 1 }]);
  assert.deepEqual(Object.keys(await guarded.leaves("back.t")), [
    "t_p20260314",
    "t_p20260315",
    "t_p20260317",
  ]);
  const plan = await guardian.rotation.plan();
  assert.match(plan.skipped[0]?.reason ?? "", /t_p20260316 exists and is not attached/);
  await rest("back.t");
});

Deno.test("a leaf locked exclusively keeps neither the plan waiting nor the other tables; what it hides is said to be unknown", async () => {
  for (const schema of ["locked", "beside"]) {
    await setUp(
      schema,
      `create table ${schema}.t ${columns} partition by range (ts); ${old(schema, "2026-03-14")}`,
    );
  }
  const holder = await holdOpen("lock table locked.old_14 in access exclusive mode");
  await using guardian = guarded.at(now);
  await guardian.put("locked.t", { premake: 0 });
  await guardian.put("beside.t", { premake: 0 });
  let plan = await guardian.rotation.plan();
  await within(400, "no lock is waited for", async () => {
    const started = performance.now();
    plan = await guardian.rotation.plan();
    return performance.now() - started;
  });
  assert.match(plan.skipped[0]?.reason ?? "", /old_14.*unknown/);
  assert.deepEqual(plan.steps.map(({ table }) => table), ["beside.t"]);
  await holder.letGo();
  assert.equal((await guardian.rotation.plan()).steps.length, 2);
  await rest("locked.t");
  await rest("beside.t");
});

Deno.test("ticks of a day whose partition is locked, and was never read, are to be sent again", async () => {
  const day = Date.parse("2026-03-15T00:00:00Z") / 86_400_000;
  await using before = guarded.at(now);
  await before.rotation.ensureDays([day]);
  const locker = await holdOpen("lock table market.ticks_p20260315 in access exclusive mode");
  // As after a start: which range the partition has is not known yet.
  await using fresh = guarded.at(now);
  await assert.rejects(fresh.rotation.ensureDays([day]), { code: "lock_timeout" });
  await locker.letGo();
  await fresh.rotation.ensureDays([day]);
});

Deno.test("two Holdfasts never rotate at once: an apply meanwhile is refused", async () => {
  await setUp("twice", `create table twice.t ${columns} partition by range (ts)`);
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await using a = guarded.at(now, {
    async pause() {
      reach();
      await released;
    },
  });
  await using b = guarded.at(now);
  await a.put("twice.t", { premake: 0 });
  // The first waits for this lock, holding its own for the whole rotation.
  const holder = await holdOpen("lock table twice.t in exclusive mode");
  const first = a.rotation.rotate("test");
  await reached;
  const { digest } = await b.rotation.plan();
  await assert.rejects(b.rotation.apply(digest), { code: "conflict" });
  await holder.letGo();
  release();
  assert.deepEqual((await first).errors, []);
  await rest("twice.t");
});

Deno.test("a rotation whose lock is lost begins nothing more", async () => {
  await setUp(
    "lost",
    `create table lost.t ${columns} partition by range (ts);
     create table lost.u ${columns} partition by range (ts)`,
  );
  const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  await using guardian = guarded.at(now, {
    async pause() {
      reach();
      await released;
    },
  });
  await guardian.put("lost.t", { premake: 0 });
  await guardian.put("lost.u", { premake: 0 });
  const holder = await holdOpen("lock table lost.t in exclusive mode");
  let result: Awaited<ReturnType<typeof guardian.rotation.rotate>> | undefined;
  const rotating = guardian.rotation.rotate("test").then((done) => result = done);
  await reached;
  await guarded.sql`
    select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and granted`;
  const { created, errors } = await eventually(() => result, "it ends in the midst of its pause");
  assert.deepEqual(created, []);
  assert.equal(errors.length, 1);
  assert.deepEqual(Object.keys(await guarded.leaves("lost.u")), []);
  await holder.letGo();
  release();
  await rotating;
  await rest("lost.t");
  await rest("lost.u");
});

Deno.test("a table that has all the partitions it may is told so, and gets no more", async () => {
  await setUp("guard", `create table guard.t ${columns} partition by range (ts)`);
  await using guardian = guarded.at(now, { maxPartitions: 5 });
  await guardian.put("guard.t", { premake: 30 });
  assert.equal((await guardian.rotation.rotate("test")).created.length, 5);
  const { warnings } = await guardian.rotation.plan();
  assert.ok(warnings.some(({ reason }) => /at most 5/.test(reason)));
  await rest("guard.t");
});

Deno.test("an operator's own detach, after ours had failed, does not pass for retention's", async () => {
  await setUp(
    "manual",
    `create table manual.t ${columns} partition by range (ts); ${old("manual", "2026-01-01")}`,
  );
  await using guardian = guarded.at(now, { lockTimeoutMs: 50 });
  await guardian.put("manual.t", { retention: { keep: "30 days", action: "drop" }, cooldown: "0" });
  // Nobody gets past this lock, so the detach does not even begin.
  const holder = await holdOpen("lock table manual.t in share update exclusive mode");
  assert.equal((await guardian.rotation.rotate("test")).errors.length > 0, true);
  await holder.letGo();
  await guarded.sql`alter table manual.t detach partition manual.old_01`;
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  assert.equal(
    (await rows("select to_regclass('manual.old_01')::text as t"))[0]?.t,
    "manual.old_01",
  );
  await rest("manual.t");
});

Deno.test("a bound that other columns take part in is not guessed at, and a row made by hand spoils nothing for others", async () => {
  for (const schema of ["blurred", "nonsense", "sound"]) {
    await setUp(
      schema,
      `create table ${schema}.t (ts timestamptz not null, id int not null) partition by range (ts, id)`,
    );
  }
  await guarded.sql.unsafe(`
    create table blurred.p partition of blurred.t for values from ('2026-03-15', 5) to ('2026-03-16', 7);
    insert into holdfast.partition_policies (schema_name, table_name, "interval", key, premake) values
      ('nonsense', 't', 'now and then', 'timestamptz', 1), ('nonsense', 'u', '1 day', 'moon', 1);`)
    .simple();
  await using guardian = guarded.at(now);
  await guardian.put("blurred.t");
  await guardian.put("sound.t", { premake: 0 });
  const { created, errors } = await guardian.rotation.rotate("test");
  assert.deepEqual([created, errors], [["t_p20260314", "t_p20260315"], []]);
  const { skipped } = await guardian.rotation.plan();
  assert.deepEqual(skipped.map(({ table }) => table), ["blurred.t", "nonsense.t", "nonsense.u"]);
  for (const table of ["blurred.t", "nonsense.t", "nonsense.u", "sound.t"]) await rest(table);
});

Deno.test("rows that may not be counted count as there: the leaf is kept, the rest of the table goes on", async () => {
  await guarded.sql.unsafe(`
    create role hidden_owner login;
    grant usage on schema holdfast to hidden_owner;
    grant select, insert, update, delete on all tables in schema holdfast to hidden_owner;
    create schema hidden authorization hidden_owner;
    set role hidden_owner;
    create table hidden.t (ts timestamptz primary key) partition by range (ts);
    ${old("hidden", "2026-01-01")}
    reset role;
    create table hidden.secret (ts timestamptz references hidden.t);`).simple();
  await using guardian = guarded.at(now, { user: "hidden_owner" });
  await guardian.put("hidden.t", detachAll);
  const { skipped, steps } = await guardian.rotation.plan("hidden.t");
  assert.deepEqual(skipped.map(({ reason }) => reason), [
    "hidden.old_01 is kept: hidden.secret (secret_ts_fkey) could not be counted (42501: permission denied for table secret) refer to it",
  ]);
  assert.equal(steps.filter(({ action }) => action === "attach").length, 4);
  await rest("hidden.t");
});

Deno.test("a table that somebody locks costs one try of each kind, not one for each leaf; the others are made meanwhile", async () => {
  for (const schema of ["shut", "wide"]) {
    await setUp(
      schema,
      `create table ${schema}.t ${columns} partition by range (ts); ${old(schema, "2026-01-01")} ${
        old(schema, "2026-01-02")
      }`,
    );
  }
  const holder = await holdOpen("lock table only shut.t in access exclusive mode");
  let pauses = 0;
  await using guardian = guarded.at(now, {
    lockTimeoutMs: 50,
    pause: () => Promise.resolve(void pauses++),
  });
  await guardian.put("shut.t", { ...detachAll, premake: 60 });
  await guardian.put("wide.t", detachAll);
  const { created, detached, errors } = await guardian.rotation.rotate("test");
  await holder.letGo();
  assert.equal(errors.length, 2, "an attach and a detach");
  assert.equal(pauses, 6);
  assert.deepEqual([created.length, detached], [4, ["old_01", "old_02"]]);
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  assert.equal(Object.keys(await guarded.leaves("shut.t")).length, 62);
  await rest("shut.t");
  await rest("wide.t");
});
