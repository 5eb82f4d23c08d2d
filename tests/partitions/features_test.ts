import assert from "node:assert/strict";
import { fingerprint } from "../helpers/fingerprint.ts";
import { eventually } from "../helpers/eventually.ts";
import { type Guarded, type Guardian, someDays, startGuarded } from "../helpers/guardian.ts";

let guarded: Guarded;
const now = "2026-03-15T12:00:00Z";

Deno.test.beforeAll(async () => {
  guarded = await startGuarded({ synchronous_commit: "off" });
  await guarded.sql.unsafe(`
    create extension btree_gist schema public;
    create schema f;
    create table f.other (id int primary key);
  `).simple();
});
Deno.test.afterAll(() => guarded.stop());

const input = (table: string) => ({
  table,
  keyColumn: "at",
  widenKeys: true,
  policy: { ...someDays, premake: 1 },
});

async function until({ conversions }: Guardian, table: string, phase: string) {
  await eventually(async () => {
    await conversions.advance();
    const move = (await conversions.list()).find((one) => `${one.schema}.${one.table}` === table);
    if (move?.error) throw new Error(move.error);
    return move?.phase === phase;
  }, `${table} is ${phase}`);
}

/** Tables with what a version brought: what CREATE TABLE says in the parentheses, and the version. */
const kinds: [string, number, string][] = [
  [
    "nulls",
    15,
    "id int, at timestamptz not null, a int, primary key (id, at), unique nulls not distinct (a, at) include (id)",
  ],
  [
    "stored",
    14,
    "id int, at timestamptz not null, twice int generated always as (id * 2) stored, primary key (twice, at), check (twice > 0)",
  ],
  [
    "ranges",
    14,
    "id int, at timestamptz not null, r tstzmultirange, e int4range[], primary key (id, at)",
  ],
  [
    "loose",
    18,
    "id int, at timestamptz not null, o int references f.other not enforced, primary key (id, at), constraint c check (id < 3) not enforced",
  ],
  [
    "virtual",
    18,
    "id int, at timestamptz not null, twice int generated always as (id * 2) virtual not null, primary key (id, at), check (twice > 0)",
  ],
  [
    "temporal",
    18,
    "id int, at timestamptz not null, valid daterange default '[2026-01-01,2026-02-01)', primary key (id, at, valid without overlaps)",
  ],
];

for (const [name, from, columns] of kinds) {
  Deno.test(`a table is converted, drained and premade for as it is: ${name}`, async () => {
    if (guarded.major < from) return console.error(`SKIPPED before Postgres ${from}`);
    const fill = (table: string) => `
      insert into ${table} (id, at) select g, '2026-03-15T12:00Z'::timestamptz - g * interval '7 hours' from generate_series(1, 20) as g;`;
    await guarded.sql.unsafe(`
      create table f.${name} (${columns});
      ${fill(`f.${name}`)}
      create table f.${name}_parts (${columns}) partition by range (at);
      create table f.${name}_rest partition of f.${name}_parts default;
      ${fill(`f.${name}_parts`)}
    `).simple();
    await using guardian = guarded.at(now);
    const before = await fingerprint(guarded.sql, `f.${name}`);
    const { refusals, digest } = await guardian.conversions.plan(input(`f.${name}`));
    assert.deepEqual(refusals, []);
    await guardian.conversions.start(input(`f.${name}`), digest);
    await until(guardian, `f.${name}`, "swapped");
    assert.deepEqual(await fingerprint(guarded.sql, `f.${name}`), before);
    await guardian.conversions.act(`f.${name}`, "finish");
    await until(guardian, `f.${name}`, "finished");
    const whole = await fingerprint(guarded.sql, `f.${name}_parts`);
    await guardian.put(`f.${name}_parts`, { premake: 1 });
    const plan = await guardian.rotation.plan(`f.${name}_parts`);
    assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
    const drains = name !== "temporal";
    if (drains) await until(guardian, `f.${name}_parts`, "finished");
    else {assert.match(
        JSON.stringify(plan.skipped),
        /not drained: its constraint .*WITHOUT OVERLAPS/,
      );}
    assert.deepEqual(await fingerprint(guarded.sql, `f.${name}_parts`), whole);
    const [rows] = await guarded.sql.unsafe(`
      select (select count(*) from f.${name}_parts)::int as all, (select count(*) from f.${name}_rest)::int as rest,
        (select count(*) from f.${name})::int as converted`);
    assert.deepEqual({ ...rows }, { all: 20, rest: drains ? 0 : rows?.rest, converted: 20 });
  });
}

Deno.test("an exclusion constraint of a partitioned table comes with each partition", async () => {
  if (guarded.major < 17) return console.error("SKIPPED before Postgres 17");
  await guarded.sql.unsafe(`
    create table f.rooms (id int, at timestamptz not null, r int4range,
      constraint apart exclude using gist (at with =, r with &&), primary key (id, at)) partition by range (at);
    create table f.rooms_rest partition of f.rooms default;
    insert into f.rooms select g, '2026-03-15T12:00Z'::timestamptz - g * interval '7 hours', '[1,2)' from generate_series(1, 20) as g;
  `).simple();
  await using guardian = guarded.at(now);
  const whole = await fingerprint(guarded.sql, "f.rooms");
  await guardian.put("f.rooms", { premake: 1 });
  const { skipped } = await guardian.rotation.plan("f.rooms");
  assert.match(
    JSON.stringify(skipped),
    /not drained: its constraint .*apart.* would have to be rebuilt/,
  );
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  assert.ok("rooms_p20260316" in await guarded.leaves("f.rooms"));
  assert.deepEqual(await fingerprint(guarded.sql, "f.rooms"), whole);
  await assert.rejects(
    guarded.sql`insert into f.rooms select id + 100, at, r from f.rooms where id = 3`,
    /exclusion constraint/,
  );
});

Deno.test("what cannot be carried over is refused beforehand, with the way out", async () => {
  const refused = async (table: string, pattern: RegExp) => {
    await using guardian = guarded.at(now);
    assert.match((await guardian.conversions.plan(input(table))).refusals.join("\n"), pattern);
  };
  await guarded.sql.unsafe(`
    create table f.far (id int, at timestamptz not null, r int4range, primary key (id, at), constraint apart_r exclude using gist (r with &&));
    create table f.unsure (id int, at timestamptz not null, x int, primary key (id, at));
    alter table f.unsure add constraint seen check (x > 0) not valid;
  `).simple();
  await refused("f.far", /exclusion constraint "apart_r" is not carried over/);
  await refused(
    "f.unsure",
    /"seen" \(CHECK.*NOT VALID\) is not validated.*validate constraint "seen"/,
  );
  if (guarded.major < 18) return console.error("SKIPPED before Postgres 18");
  await guarded.sql.unsafe(`
    create table f.unsure_null (id int, at timestamptz not null, x int, primary key (id, at));
    alter table f.unsure_null add constraint x_nn not null x not valid;
    create table f.spans (id int, at timestamptz not null, valid daterange, primary key (id, valid without overlaps));
    create table f.within (id int, at timestamptz not null, valid daterange, primary key (id, at),
      foreign key (id, period valid) references f.spans (id, period valid));
  `).simple();
  await refused("f.unsure_null", /"x_nn" \(NOT NULL x.*\) is not validated/);
  await refused("f.spans", /temporal key "spans_pkey" .* lacks "at"/);
  await refused("f.spans", /f\.within refers to it/);
});
