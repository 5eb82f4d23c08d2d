import assert from "node:assert/strict";
import { connectSql, type Sql } from "../../db/connection.ts";
import { migrate } from "../../db/migrate.ts";
import { migrations } from "../../db/migrations/list.ts";
import { eventually } from "../helpers/eventually.ts";
import { startProcess } from "../helpers/process.ts";
import { type Guarded, type Guardian, someDays, startGuarded } from "../helpers/guardian.ts";

let guarded: Guarded;
const now = "2026-03-15T12:00:00Z";
const opened: Sql[] = [];

Deno.test.beforeAll(async () => {
  guarded = await startGuarded({
    wal_level: "logical",
    max_replication_slots: "20",
    max_wal_senders: "20",
  });
});
Deno.test.afterAll(async () => {
  for (const sql of opened) {
    const subscriptions = await sql<{ subname: string }[]>`
      select subname from pg_subscription as s join pg_database as d on d.oid = s.subdbid
      where d.datname = current_database()`;
    for (const { subname } of subscriptions) {
      await sql.unsafe(
        `alter subscription ${subname} disable; alter subscription ${subname} set (slot_name = none)`,
      ).simple();
      await sql.unsafe(`drop subscription ${subname}`);
    }
    await sql.end({ timeout: 2 });
  }
  await guarded.stop();
});

function connect(database: string): Sql {
  const sql = connectSql({
    target: { ...guarded.target, database } as typeof guarded.target,
    max: 1,
    applicationName: "subscriber",
    statementTimeoutMs: 20_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });
  opened.push(sql);
  return sql;
}

/** A database that is subscribed to a publication of another one, from now on. */
async function subscribe(
  publication: string,
  tables: string,
  publisher = "postgres",
): Promise<Sql> {
  const name = `sub_${publication}`;
  await guarded.sql.unsafe(`create database ${name}`);
  const from = publisher === "postgres" ? guarded.sql : connect(publisher);
  await from`select pg_create_logical_replication_slot(${name}, 'pgoutput')`;
  const sql = connect(name);
  await sql.unsafe(tables).simple();
  const { target } = guarded;
  assert.ok(target.kind === "socket");
  await sql.unsafe(`create subscription ${name}
    connection 'host=${target.directory} port=${target.port} user=postgres dbname=${publisher}'
    publication ${publication} with (create_slot = false, slot_name = '${name}', copy_data = false)`);
  return sql;
}

const reasons = (list: readonly { reason: string }[]) =>
  list.map(({ reason }) => reason).join("\n");

async function finishDrain({ conversions }: Guardian, table: string) {
  await eventually(async () => {
    await conversions.advance();
    return (await conversions.list()).some((move) =>
      `${move.schema}.${move.table}` === table && move.phase === "finished"
    );
  }, "the drain is over");
}

Deno.test("a table that a publication covers in any way is refused for conversion, with the way out", async () => {
  await guarded.sql.unsafe(`
    create schema pub;
    create table pub.t (id bigint primary key, at timestamptz not null);
    create publication named for table pub.t;
  `).simple();
  await using guardian = guarded.at(now);
  const refusals = async () =>
    (await guardian.conversions.plan({
      table: "pub.t",
      keyColumn: "at",
      widenKeys: true,
      policy: { ...someDays },
    })).refusals;
  assert.deepEqual((await refusals()).length, 1);
  assert.match(
    (await refusals())[0] ?? "",
    /publication "named" names it; remove the table from it first/,
  );
  await guarded.sql`drop publication named`;
  await guarded.sql`create publication everything for all tables`;
  assert.match(
    (await refusals()).join(),
    /"everything" is for all tables: .*subscriber would stop.*; replace it/,
  );
  await guarded.sql`drop publication everything`;
  if (guarded.major >= 15) {
    await guarded.sql`create publication inpub for tables in schema pub`;
    assert.match(
      (await refusals()).join(),
      /"inpub" holds its schema .*; name tables instead.*alter publication "inpub" drop tables in schema "pub"/,
    );
    await guarded.sql`drop publication inpub`;
    await guarded.sql`create publication ours for tables in schema holdfast`;
    assert.match((await refusals()).join(), /"ours" holds the schema "holdfast"/);
    await guarded.sql`drop publication ours`;
  }
  assert.deepEqual(await refusals(), []);
});

for (const [how, hours] of [["move with an attach", 30], ["are drained", 100]] as const) {
  Deno.test(`a subscriber loses no row when rows of the default ${how}`, async () => {
    const schema = `feed${hours}`;
    await guarded.sql.unsafe(`
      create schema ${schema};
      create table ${schema}.t (id bigint, at timestamptz not null, note text, primary key (id, at)) partition by range (at);
      create table ${schema}.rest partition of ${schema}.t default;
      create publication ${schema} for table ${schema}.t with (publish_via_partition_root = true);
    `).simple();
    const sub = await subscribe(
      schema,
      `create schema ${schema};
      create table ${schema}.t (id bigint, at timestamptz not null, note text, primary key (id, at))`,
    );
    await guarded.sql.unsafe(`
      insert into ${schema}.t select g, '2026-03-15T12:00Z'::timestamptz - g * interval '1 hour', 'x'
      from generate_series(1, ${hours}) as g`);
    await using guardian = guarded.at(now);
    await guardian.put(`${schema}.t`);
    const plan = await guardian.rotation.plan(`${schema}.t`);
    assert.equal(plan.steps.some(({ action }) => action === "drain"), hours > 30);
    assert.doesNotMatch(reasons(plan.warnings), /publication/, "the root's name is all it needs");
    assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
    if (hours > 30) await finishDrain(guardian, `${schema}.t`);
    const [rest] = await guarded.sql.unsafe(`select count(*)::int as rows from ${schema}.rest`);
    assert.equal(rest?.rows, 0);
    await guarded.sql.unsafe(`update ${schema}.t set note = 'y' where id % 10 = 0`);
    await guarded.sql.unsafe(`delete from ${schema}.t where id = 7`);
    const contents = async (sql: Sql) =>
      JSON.stringify(
        await sql.unsafe(
          `select count(*)::int as rows, sum(id)::int as ids, count(*) filter (where note = 'y')::int as changed from ${schema}.t`,
        ),
      );
    const here = await contents(guarded.sql);
    await eventually(async () => await contents(sub) === here, `the subscriber has ${here}`);
  });
}

Deno.test("what a subscriber would stop at is said in the plan: new partitions under their own names, drains beside", async () => {
  await guarded.sql.unsafe(`
    create schema apart;
    create table apart.t (id bigint, at timestamptz not null, primary key (id, at)) partition by range (at);
    create table apart.rest partition of apart.t default;
    insert into apart.t select g, '2026-03-11T12:00Z' from generate_series(1, 10) as g;
    create publication apart for table apart.t;
  `).simple();
  await using guardian = guarded.at(now);
  await guardian.put("apart.t");
  const plan = () => guardian.rotation.plan("apart.t");
  assert.match(
    reasons((await plan()).warnings),
    /"apart" sends rows of a new partition under the partition's own name/,
  );
  assert.match(
    reasons((await plan()).skipped),
    /not drained: the publication "apart" sends each partition under its own name/,
  );
  await guarded.sql`alter publication apart set (publish_via_partition_root = true)`;
  assert.doesNotMatch(
    reasons([...(await plan()).warnings, ...(await plan()).skipped]),
    /publication/,
  );
  await guarded.sql`drop publication apart`;
  await guarded
    .sql`create publication apart for all tables with (publish_via_partition_root = true)`;
  assert.match(
    reasons((await plan()).skipped),
    /not drained: the publication "apart" is for all tables/,
  );
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  assert.ok("t_p20260316" in await guarded.leaves("apart.t"), "premaking goes on");
  await guarded.sql`drop publication apart`;
});

Deno.test("a table that a subscription writes to is not replaced by another one", async () => {
  const tables = `
    create schema inflow;
    create table inflow.plain (id bigint primary key, at timestamptz not null);`;
  await guarded.sql`create database source`;
  const source = connect("source");
  await source.unsafe(`${tables}
    create table inflow.rest (id bigint, at timestamptz not null, primary key (id, at));
    create publication outflow for table inflow.plain, inflow.rest`).simple();
  await source`select pg_create_logical_replication_slot('inflow', 'pgoutput')`;
  await guarded.sql.unsafe(`${tables}
    create table inflow.t (id bigint, at timestamptz not null, primary key (id, at)) partition by range (at);
    create table inflow.rest partition of inflow.t default;
    insert into inflow.t select g, '2026-03-11T12:00Z' from generate_series(1, 10) as g`).simple();
  const { target } = guarded;
  assert.ok(target.kind === "socket");
  await guarded.sql.unsafe(`create subscription inflow
    connection 'host=${target.directory} port=${target.port} user=postgres dbname=source'
    publication outflow with (create_slot = false, slot_name = 'inflow', copy_data = false)`);
  await using guardian = guarded.at(now);
  const { refusals } = await guardian.conversions.plan({
    table: "inflow.plain",
    keyColumn: "at",
    widenKeys: true,
    policy: { ...someDays },
  });
  assert.match(refusals.join(), /subscription "inflow" writes to it and knows it by its oid/);
  await guardian.put("inflow.t");
  const { skipped } = await guardian.rotation.plan("inflow.t");
  assert.match(reasons(skipped), /default inflow.rest is not drained: the subscription "inflow"/);
  await guarded.sql.unsafe("alter subscription inflow disable");
  await guarded.sql.unsafe("alter subscription inflow set (slot_name = none)");
  await guarded.sql.unsafe("drop subscription inflow");
  assert.doesNotMatch(reasons((await guardian.rotation.plan("inflow.t")).skipped), /subscription/);
});

Deno.test("moved rows of a published table with triggers wait for somebody, and the plan says so", async () => {
  await guarded.sql.unsafe(`
    create schema fired;
    create table fired.t (id bigint, at timestamptz not null, primary key (id, at)) partition by range (at);
    create table fired.rest partition of fired.t default;
    insert into fired.t select g, '2026-03-15T10:00Z' from generate_series(1, 10) as g;
    create function fired.see() returns trigger language plpgsql as $$ begin return null; end $$;
    create trigger see after insert on fired.t for each row execute function fired.see();
    create publication fired for table fired.t with (publish_via_partition_root = true);
  `).simple();
  await using guardian = guarded.at(now);
  await guardian.put("fired.t");
  const { skipped, steps } = await guardian.rotation.plan("fired.t");
  assert.match(
    reasons(skipped),
    /t_p20260315 waits: .*10 rows of its range, the table is published, and triggers/,
  );
  assert.ok(steps.some(({ partition }) => partition.name === "t_p20260316"));
  await guarded.sql`drop publication fired`;
});

Deno.test("Holdfast makes none of its tables where a subscriber would stop at them, unless it is allowed to", async () => {
  await guarded.sql`create database shop`;
  const shop = connect("shop");
  await shop.unsafe(
    "create table sales (id int primary key); create publication allp for all tables",
  ).simple();
  const warehouse = await subscribe("allp", "create table sales (id int primary key)", "shop");
  await assert.rejects(
    migrate(shop, migrations),
    /^StartError: Nothing was made: the publication "allp" is for all tables.*sub_allp.*HOLDFAST_ALLOW_PUBLISHED=1/,
  );
  const [made] =
    await shop`select to_regnamespace('holdfast') as holdfast, to_regnamespace('market') as market`;
  assert.deepEqual({ ...made }, { holdfast: null, market: null });
  await shop`insert into sales values (1)`;
  await eventually(
    async () => (await warehouse`select from sales`).length === 1,
    "the subscriber goes on",
  );
  const { target } = guarded;
  assert.ok(target.kind === "socket");
  const env = {
    DATABASE_URL: `postgres://postgres@localhost/shop?host=${encodeURIComponent(target.directory)}`,
    PORT: "0",
  };
  const doctor = startProcess({ env, args: ["doctor"] });
  assert.equal(await doctor.exited, 1);
  assert.match(
    doctor.output(),
    /✗ {2}the publication "allp" is for all tables, Holdfast's own too, .*sub_allp/,
  );
  const serve = startProcess({ env });
  assert.equal(await serve.exited, 1);
  assert.match(serve.errors() + serve.output(), /Nothing was made: the publication "allp"/);
  assert.deepEqual({ ...(await shop`select to_regnamespace('holdfast') as holdfast`)[0] }, {
    holdfast: null,
  });
  assert.ok((await migrate(shop, migrations, { allowPublished: true })).length > 0);
  assert.deepEqual(await migrate(shop, migrations), [], "what is there already may stay");
});
