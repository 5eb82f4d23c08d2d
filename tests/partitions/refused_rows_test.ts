import assert from "node:assert/strict";
import type { RewriteFailure } from "../../db/partitions/rewrite/spec.ts";
import { type Guarded, type Guardian, someDays, startGuarded } from "../helpers/guardian.ts";

let guarded: Guarded;
const now = "2026-03-15T12:00:00Z";

Deno.test.beforeAll(async () => {
  guarded = await startGuarded({ synchronous_commit: "off" });
});
Deno.test.afterAll(() => guarded.stop());

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));
const reasons = (list: readonly { reason: string }[]) =>
  list.map(({ reason }) => reason).join("\n");

/** A table whose default holds a row of each hour of 40 hours, of the 15th back to the 13th; one of the 15th and one of the 14th have no x. */
async function fill(schema: string, constraint: string) {
  await guarded.sql.unsafe(`
    create schema ${schema};
    create table ${schema}.n (id bigint, at timestamptz not null, x int, primary key (id, at)) partition by range (at);
    create table ${schema}.n_default partition of ${schema}.n default;
    insert into ${schema}.n select g, '${now}'::timestamptz - g * interval '1 hour', case when g in (10, 20) then null else g end
    from generate_series(1, 40) g;
    alter table ${schema}.n add constraint x_nn ${constraint} not valid;
  `).simple();
}

async function finishDrain({ conversions }: Guardian, table: string) {
  for (const until = performance.now() + 30_000; performance.now() < until;) {
    await conversions.advance();
    const move = (await conversions.list()).find((one) => `${one.schema}.${one.table}` === table);
    if (move?.ended_at) return move;
    await pause(20);
  }
  throw new Error("The drain is not over");
}

for (
  const [name, constraint, sqlstate, from] of [
    ["check", "check (x is not null)", "23514", 14],
    ["nn", "not null x", "23502", 18],
  ] as const
) {
  Deno.test(`rows that a ${name} which is not validated refuses are named in the plan, and partitions beside them are made`, async () => {
    if (guarded.major < from) return console.error(`SKIPPED before Postgres ${from}`);
    const schema = `refused_${name}`;
    await fill(schema, constraint);
    await using guardian = guarded.at(now);
    await guardian.put(`${schema}.n`);
    const plan = await guardian.rotation.plan(`${schema}.n`);
    const said = reasons(plan.skipped);
    for (const day of ["p20260315", "p20260314"]) {
      assert.match(
        said,
        new RegExp(`n_${day} waits: rows of .* break the constraint "x_nn" .*${sqlstate}`),
      );
    }
    assert.equal(
      plan.steps.filter(({ action }) => action === "drain").length,
      1,
      "the 13th has none",
    );
    const { errors } = await guardian.rotation.rotate("test");
    assert.deepEqual(errors, []);
    assert.equal((await finishDrain(guardian, `${schema}.n`)).phase, "finished");
    assert.deepEqual(Object.keys(await guarded.leaves(`${schema}.n`)), [
      "n_default",
      "n_p20260313",
      "n_p20260316",
      "n_p20260317",
    ]);
    await guarded.sql.unsafe(`update ${schema}.n set x = 0 where x is null`);
    assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
    const [rest] = await guarded.sql.unsafe(
      `select (select count(*) from ${schema}.n)::int as all, (select count(*) from ${schema}.n_default)::int as rest`,
    );
    assert.deepEqual({ ...rest }, { all: 40, rest: 0 });
  });
}

/** A check that says yes until a row is looked for in a partition: what no plan can see beforehand. */
async function fillTreacherous(schema: string) {
  await guarded.sql.unsafe(`
    create schema ${schema};
    create table ${schema}.switch (refuses bool);
    insert into ${schema}.switch values (false);
    create function ${schema}.fits(int) returns bool language sql as 'select not refuses from ${schema}.switch';
    create table ${schema}.t (id bigint primary key, x int check (${schema}.fits(x))) partition by range (id);
    create table ${schema}.rest partition of ${schema}.t default;
    insert into ${schema}.t select generate_series(1, 150);
    create table ${schema}.have partition of ${schema}.t for values from (200) to (300);
    insert into ${schema}.t values (250);
    update ${schema}.switch set refuses = true;
  `).simple();
}

Deno.test("a drain that meets an error which comes again is taken back with its reason, and begun again only when asked for", async () => {
  await fillTreacherous("treacherous");
  await using guardian = guarded.at(now);
  await guardian.put("treacherous.t", { key: "id", interval: "100", premake: 2 });
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const move = await finishDrain(guardian, "treacherous.t");
  assert.equal(move.phase, "failed");
  assert.match(move.error ?? "", /^23514: .*violates check constraint/);
  const { sqlstate, phase, constraint } = move.spec.failure as RewriteFailure;
  assert.deepEqual([sqlstate, phase, constraint], ["23514", "copying", "t_x_check"]);
  const left = await guarded.sql`
    select relname from pg_class where relname like '%holdfast%' and relnamespace = 'treacherous'::regnamespace
    union all select tgname from pg_trigger where tgrelid = 'treacherous.rest'::regclass
    union all select relname from pg_class where relname like 'move\_log%'`;
  assert.deepEqual([...left], [], "nothing is left of it");
  // Premaking has gone on.
  assert.ok("t_p300" in await guarded.leaves("treacherous.t"));
  const drains = async () =>
    (await guardian.conversions.list()).filter(({ table, schema }) =>
      schema === "treacherous" && table === "t"
    ).length;
  for (let time = 0; time < 3; time++) await guardian.rotation.rotate("test");
  assert.equal(await drains(), 1, "no schedule begins it again");
  const all = await guardian.rotation.plan();
  assert.match(
    reasons(all.skipped),
    /rest is not drained: the attempt of 2026-03-15T12:00:00.000Z failed \(23514/,
  );
  // Who asks for this table has it tried again.
  const plan = await guardian.rotation.plan("treacherous.t");
  await guardian.rotation.apply(plan.digest, "treacherous.t");
  assert.equal((await finishDrain(guardian, "treacherous.t")).phase, "failed");
  assert.equal(await drains(), 2);
  // And so has who changes the table.
  await guarded.sql.unsafe(`
    update treacherous.switch set refuses = false;
    alter table treacherous.t drop constraint t_x_check`).simple();
  await guardian.rotation.rotate("test");
  assert.equal((await finishDrain(guardian, "treacherous.t")).phase, "finished");
  const log = await guarded.sql`
    select action, error from holdfast.maintenance_log where table_name = 'treacherous.t' and error is not null`;
  assert.deepEqual(log.map(({ action }) => action), [
    "drain copying failed",
    "drain copying failed",
  ]);
});

Deno.test("a partition that cannot be made is left out for ten minutes or until the table changes, and said to be", async () => {
  await guarded.sql.unsafe(`
    create schema setback;
    create table setback.t (id bigint primary key) partition by range (id);
    create table setback.have partition of setback.t for values from (0) to (100);
    insert into setback.t values (1);
    create function setback.refuse() returns event_trigger language plpgsql as
      $$ begin if current_query() like '%setback%' then raise exception 'not here'; end if; end $$;
  `).simple();
  const refuse = () =>
    guarded.sql`create event trigger refuse on ddl_command_start execute function setback.refuse()`;
  await refuse();
  await using guardian = guarded.at(now);
  await guardian.put("setback.t", { key: "id", interval: "100", premake: 1 });
  const first = await guardian.rotation.rotate("test");
  assert.match(first.errors.join(), /P0001: not here/);
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const told = guarded.logs.findLast(({ event }) => event === "rotation_left_out");
  assert.match(JSON.stringify(told), /attach t_p100 is left out: .*not here/);
  guardian.clock.time = new Date("2026-03-15T12:11:00Z");
  assert.match((await guardian.rotation.rotate("test")).errors.join(), /not here/);
  // Nothing of the table shows that the cause is gone.
  await guarded.sql`drop event trigger refuse`;
  guardian.clock.time = new Date("2026-03-15T12:22:00Z");
  assert.deepEqual((await guardian.rotation.rotate("test")).created, ["t_p100"]);

  await refuse();
  await guarded.sql`insert into setback.t values (150)`;
  assert.match((await guardian.rotation.rotate("test")).errors.join(), /not here/);
  await guarded.sql`drop event trigger refuse`;
  assert.deepEqual((await guardian.rotation.rotate("test")).created, []);
  await guarded
    .sql`create table setback.t_p500 partition of setback.t for values from (500) to (600)`;
  assert.deepEqual((await guardian.rotation.rotate("test")).created, ["t_p200"]);
});

Deno.test("while a drain waits for somebody, partitions that it does not make are made beside it", async () => {
  await guarded.sql.unsafe(`
    create schema beside;
    create table beside.t (id bigint, at timestamptz not null, primary key (id, at)) partition by range (at);
    create table beside.rest partition of beside.t default;
    insert into beside.t select g, '${now}'::timestamptz - g * interval '1 day' from generate_series(1, 4) g;
  `).simple();
  await using guardian = guarded.at(now);
  await guardian.put("beside.t", { premake: 1 });
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const old = await guarded.sql.reserve();
  await old`begin isolation level repeatable read`;
  await old`select count(*) from holdfast.migrations`;
  await guardian.conversions.advance();
  assert.match((await guardian.conversions.list())[0]?.waits_for ?? "", /^the snapshot of session/);
  guardian.clock.time = new Date("2026-03-18T12:00:00Z");
  const result = await guardian.rotation.rotate("test");
  assert.ok(result.created.includes("t_p20260319"), JSON.stringify(result));
  await old`commit`;
  old.release();
  assert.equal((await finishDrain(guardian, "beside.t")).phase, "finished");
  const [rows] = await guarded.sql`
    select (select count(*) from beside.t)::int as all, (select count(*) from beside.rest)::int as rest`;
  assert.deepEqual({ ...rows }, { all: 4, rest: 0 });
});

Deno.test("an undo that cannot be is given up with its reason, and the conversion stays swapped", async () => {
  await guarded.sql.unsafe(`
    create schema grown;
    create table grown.t (id bigint, at timestamptz not null, primary key (id, at));
    insert into grown.t select g, '${now}' from generate_series(1, 10) as g;
  `).simple();
  await using guardian = guarded.at(now);
  const { conversions } = guardian;
  const input = {
    table: "grown.t",
    keyColumn: "at",
    widenKeys: false,
    policy: { ...someDays },
  };
  await conversions.start(input, (await conversions.plan(input)).digest);
  await conversions.advance();
  await guarded.sql`alter table grown.t add column more int`;
  await conversions.act("grown.t", "undo");
  await conversions.advance();
  const [stuck] = await conversions.list();
  assert.equal(stuck?.phase, "swapped");
  assert.match(stuck?.error ?? "", /P0001: columns were added or dropped/);
  assert.equal(stuck?.spec.failure?.phase, "undoing");
  await guarded.sql`create view grown.v as select * from grown.t_holdfast_plain`;
  await conversions.act("grown.t", "finish");
  await conversions.advance();
  const [ended] = await conversions.list();
  assert.equal(
    ended?.phase,
    "finished",
    "what could not be cleared away is said, not tried for ever",
  );
  assert.match(ended?.error ?? "", /2BP01.*by hand: drop table if exists .*t_holdfast_plain/);
  assert.deepEqual([...await guarded.sql`select count(*)::int as n from grown.t`], [{ n: 10 }]);
});
