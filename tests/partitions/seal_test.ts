import assert from "node:assert/strict";
import { createVerifications } from "../../services/partitions/sealing/service.ts";
import { verifySealed } from "../../services/partitions/sealing/verify.ts";
import { createLogger } from "../../log.ts";
import { type Guarded, type Guardian, startGuarded } from "../helpers/guardian.ts";

let guarded: Guarded;
const now = "2026-03-15T12:00:00Z";

Deno.test.beforeAll(async () => {
  guarded = await startGuarded();
});
Deno.test.afterAll(() => guarded.stop());

/** Three old days of 1,000 rows each, one present day; what ended a week ago is past the write horizon. */
async function setUp(name: string, more = ""): Promise<void> {
  await guarded.sql.unsafe(`
    create schema ${name};
    create table ${name}.t (
      ts timestamptz not null, id bigint not null, price double precision, note text, amount numeric(12, 2), tags text[]
    ) partition by range (ts);
    create index on ${name}.t (id, ts);
    ${
    [1, 2, 3].map((day) =>
      `create table ${name}.d${day} partition of ${name}.t for values from ('2026-03-0${day}') to ('2026-03-0${
        day + 1
      }');`
    ).join("\n")
  }
    insert into ${name}.t
    select timestamptz '2026-03-01 00:00+00' + g * interval '86.4 seconds', g, g * 1.5,
      case when g % 7 = 0 then null else 'note ' || g end, g / 3.0, array['a', g::text]
    from generate_series(0, 2999) as g;
    ${more}
  `).simple();
}

const sealing = { seal: true, premake: 0 };

async function sealed(guardian: Guardian, table: string) {
  await guardian.put(table, sealing);
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
}

const verdicts = (guardian: Guardian, table: string) =>
  guardian.pool.run((sql) => verifySealed(sql, { table }));

async function refused(statement: string): Promise<string> {
  try {
    await guarded.sql.unsafe(statement);
    return "";
  } catch (error) {
    return (error as { code: string }).code;
  }
}

Deno.test("what is past the write horizon is sealed: the database refuses every write to it, reads are as before", async () => {
  await setUp("one");
  await using guardian = guarded.at(now);
  await guardian.put("one.t", sealing);
  const plan = await guardian.rotation.plan("one.t");
  const seals = plan.steps.filter(({ action }) => action === "seal");
  assert.deepEqual(seals.map(({ partition }) => partition.name), ["d1", "d2", "d3"]);
  assert.deepEqual(seals[0]?.statements.map(({ lock }) => lock.split(" on ")[0]), [
    ...Array(4).fill("SHARE ROW EXCLUSIVE"),
    "SHARE UPDATE EXCLUSIVE",
  ]);
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  for (
    const statement of [
      "insert into one.t values ('2026-03-01 10:00+00', 1)",
      "insert into one.d1 values ('2026-03-01 10:00+00', 1)",
      "update one.t set price = 0 where id = 5",
      "update one.t set ts = '2026-03-02' where id = 5",
      "delete from one.t where id = 5",
      "truncate one.t",
      "truncate one.d2",
      "set session_replication_role = replica; delete from one.t where id = 5",
    ]
  ) {
    assert.equal(await refused(statement), "HF001", statement);
  }
  await guarded.sql`reset session_replication_role`;
  await guarded.sql`insert into one.t values (${now}, 3000)`;
  const [count] = await guarded.sql`select count(*)::int as rows, sum(id)::int as ids from one.t`;
  assert.deepEqual({ ...count }, { rows: 3001, ids: 2999 * 1500 + 3000 });
  assert.deepEqual((await guardian.rotation.plan("one.t")).steps, [], "sealed once, for good");

  const found = await verdicts(guardian, "one.t");
  assert.deepEqual(
    found.map(({ partition, status, rows, problems }) => ({ partition, status, rows, problems })),
    ["d1", "d2", "d3"].map((name) => ({
      partition: `one.${name}`,
      status: "intact",
      rows: 1000,
      problems: [],
    })),
  );
});

Deno.test("the hash does not depend on the order of rows on disk, nor on the session's styles", async () => {
  await setUp("ordering");
  await using guardian = guarded.at(now);
  await sealed(guardian, "ordering.t");
  await guarded.sql.unsafe(`
    create index d1_desc on ordering.d1 (id desc);
    cluster ordering.d1 using d1_desc;`).simple();
  const found = await guardian.pool.run(async (sql) => {
    await sql`set datestyle = 'German'`;
    await sql`set timezone = 'Asia/Kathmandu'`;
    await sql`set extra_float_digits = -5`;
    return await verifySealed(sql, { table: "ordering.t" });
  });
  assert.deepEqual(found.map(({ status }) => status), ["intact", "intact", "intact"]);
});

Deno.test("one value changed past the trigger is found, named, and narrowed down to a quarter of an hour", async () => {
  await setUp("change");
  await using guardian = guarded.at(now);
  await sealed(guardian, "change.t");
  await guarded.sql.unsafe(`
    alter table change.d2 disable trigger holdfast_sealed;
    update change.d2 set note = 'nOte 1500' where id = 1500;
    alter table change.d2 enable always trigger holdfast_sealed;
  `).simple();
  const found = await verdicts(guardian, "change.t");
  assert.deepEqual(found.map(({ status }) => status), ["intact", "changed", "intact"]);
  const [, changed] = found;
  // 1,500 × 86.4 s after the first of March is the second, 12:00.
  assert.deepEqual(changed?.differences, [{
    from: "2026-03-02 12:00:00+00",
    to: "2026-03-02 12:15:00+00",
    kind: "content changed",
    rows: 11,
    expected_rows: 11,
  }]);
  assert.equal(changed?.rows, 1000);
});

Deno.test("rows gone and rows more are told apart; an open trigger, a new column and a dropped leaf are told too", async () => {
  await setUp("ways");
  await using guardian = guarded.at(now);
  await sealed(guardian, "ways.t");
  await guarded.sql.unsafe(`
    alter table ways.d1 disable trigger all;
    delete from ways.d1 where id in (100, 101);
    insert into ways.d1 select * from ways.d1 where id = 900;
    alter table ways.d3 disable trigger holdfast_sealed_truncate;
    drop table ways.d2;
  `).simple();
  const found = await verdicts(guardian, "ways.t");
  assert.deepEqual(found.map(({ partition, status }) => [partition, status]), [
    ["ways.d1", "changed"],
    ["ways.d2", "gone"],
    ["ways.d3", "open"],
  ]);
  assert.deepEqual(
    found[0]?.differences.map(({ kind, rows, expected_rows }) => [kind, rows - expected_rows]),
    [
      ["rows missing", -2],
      ["rows more", 1],
    ],
  );
  assert.match(found[2]?.problems.join() ?? "", /writes are allowed/);
  await guarded.sql`alter table ways.t add column extra int`;
  const [, , third] = await verdicts(guardian, "ways.t");
  assert.equal(third?.status, "changed");
  assert.match(third?.problems.join() ?? "", /column extra is new/);
});

Deno.test("a leaf that is opened again takes rows, and is not sealed before its time", async () => {
  await setUp("opened");
  await using guardian = guarded.at(now);
  await sealed(guardian, "opened.t");
  const log = createLogger({ level: "error", write: () => {} });
  const verifications = createVerifications({ pool: guardian.pool, clock: guardian.clock, log });
  await verifications.unseal("opened.t", "d1", 3_600);
  await guarded.sql`insert into opened.t values ('2026-03-01 10:00+00', 1)`;
  assert.deepEqual((await guardian.rotation.plan("opened.t")).steps, []);
  assert.equal((await verifications.verify({ table: "opened.t" }, 60_000)).checked, 2);
  guardian.clock.time = new Date("2026-03-15T13:00:01Z");
  const { steps } = await guardian.rotation.plan("opened.t");
  assert.deepEqual(steps.map(({ action, partition }) => [action, partition.name]), [[
    "seal",
    "d1",
  ]]);
  await assert.rejects(verifications.verify({ table: "opened.t", partition: "d1" }, 1), {
    code: "not_found",
  });
});

Deno.test("writers in flight are not made to wait: the seal gives up within 100 ms and comes again", async () => {
  await setUp("busy");
  await using guardian = guarded.at(now);
  await guardian.put("busy.t", sealing);
  const writer = await guarded.sql.reserve();
  await writer`begin`;
  await writer`insert into busy.t values ('2026-03-01 10:00+00', 1)`;
  const { errors } = await guardian.rotation.rotate("test");
  assert.deepEqual(errors.map((text) => text.slice(0, 21)), ["seal busy.d1: 55P03: "]);
  assert.deepEqual((await verdicts(guardian, "busy.t")).map(({ partition }) => partition), [
    "busy.d2",
    "busy.d3",
  ]);
  await writer`commit`;
  writer.release();
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const [first] = await verdicts(guardian, "busy.t");
  assert.deepEqual([first?.status, first?.rows], ["intact", 1001]);
});

Deno.test("ids, dates, uuids and whole numbers of time are sealed by their own kind of key", async () => {
  await guarded.sql.unsafe(`
    create schema kinds;
    create table kinds.ids (id bigint not null, v text) partition by range (id);
    create table kinds.ids_a partition of kinds.ids for values from (0) to (100);
    create table kinds.ids_b partition of kinds.ids for values from (100) to (200);
    create table kinds.ids_c partition of kinds.ids for values from (200) to (300);
    insert into kinds.ids select g, 'v' || g from generate_series(0, 250) as g;
    create table kinds.days (d date not null, v real) partition by range (d);
    create table kinds.days_a partition of kinds.days for values from ('2026-01-01') to ('2026-02-01');
    insert into kinds.days values ('2026-01-05', 'NaN'), ('2026-01-06', '-0');
    create table kinds.u (id uuid not null) partition by range (id);
    create table kinds.u_a partition of kinds.u
      for values from ('019b0000-0000-0000-0000-000000000000') to ('019b1000-0000-0000-0000-000000000000');
    insert into kinds.u values ('019b0500-1111-7222-8333-000000000001');
    create table kinds.ms (at bigint not null) partition by range (at);
    create table kinds.ms_a partition of kinds.ms for values from (1767225600000) to (1767312000000);
    insert into kinds.ms values (1767225600001);
  `).simple();
  await using guardian = guarded.at(now);
  await guardian.put("kinds.ids", { ...sealing, key: "id", interval: "100" });
  await guardian.put("kinds.days", { ...sealing, key: "date", interval: "1 month" });
  await guardian.put("kinds.u", { ...sealing, key: "uuidv7" });
  await guardian.put("kinds.ms", { ...sealing, key: "epoch_ms" });
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const all = await guardian.pool.run((sql) => verifySealed(sql));
  const found = all.filter(({ table }) => table.startsWith("kinds."));
  assert.deepEqual(found.map(({ partition, status, rows }) => [partition, status, rows]), [
    ["kinds.days_a", "intact", 2],
    ["kinds.ids_a", "intact", 100],
    ["kinds.ms_a", "intact", 1],
    ["kinds.u_a", "intact", 1],
  ]);
  await guarded.sql.unsafe(`
    alter table kinds.days_a disable trigger all;
    update kinds.days_a set v = 0 where v = 0;
    alter table kinds.days_a enable always trigger holdfast_sealed;
    alter table kinds.days_a enable always trigger holdfast_sealed_truncate`).simple();
  const [sign] = await verdicts(guardian, "kinds.days");
  assert.equal(sign?.status, "changed", "the sign of nought is content too");
});
