import assert from "node:assert/strict";
import fc from "fast-check";
import { type Guarded, someDays, startGuarded } from "../helpers/guardian.ts";
import { createAxis } from "../../services/partitions/axis/axis.ts";
import { cutGaps } from "../../services/partitions/planning/cover.ts";
import { leavesOfSpan } from "../../services/partitions/planning/subdividing.ts";
import { createCatalogue } from "../../services/partitions/catalogue.ts";

let guarded: Guarded;

Deno.test.beforeAll(async () => {
  guarded = await startGuarded();
});
Deno.test.afterAll(() => guarded.stop());

const now = "2026-03-15T12:00:00Z";
const monthsOfDays = { interval: "month", sub_interval: "day", premake: 2 };

interface Branch {
  name: string;
  level: number;
  is_leaf: boolean;
}

const tree = (table: string) =>
  guarded.sql<Branch[]>`
    select c.relname as name, t.level, t.isleaf as is_leaf
    from pg_partition_tree(${table}::regclass) as t
    join pg_class as c on c.oid = t.relid
    where t.level > 0
    order by 2, 1`;

async function make(schema: string, ddl = "") {
  await guarded.sql.unsafe(`
    create schema ${schema};
    create table ${schema}.t (ts timestamptz not null, id int not null, body text, primary key (id, ts))
      partition by range (ts);
    ${ddl}`).simple();
}

Deno.test("pieces tile their partition without a gap, whatever the zone and the lengths", () => {
  const lengths = fc.constantFrom(
    ["1 mon", "1 day"],
    ["1 mon", "7 days"],
    ["1 day", "01:00:00"],
    [
      "1 year",
      "1 mon",
    ],
    ["7 days", "05:00:00"],
    ["3 mons", "10 days"],
  );
  const zones = fc.constantFrom("UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe");
  const moment = fc.integer({ min: Date.UTC(1990, 0, 1), max: Date.UTC(2060, 0, 1) });
  fc.assert(
    fc.property(lengths, zones, moment, ([interval = "", sub = ""], time_zone, at) => {
      const axis = createAxis({ key: "timestamptz", interval, time_zone });
      const span = axis.grid.slotOf(BigInt(at) * 1_000n);
      const pieces = cutGaps(
        createAxis({ key: "timestamptz", interval: sub, time_zone }),
        [span],
        1_001,
      );
      assert.equal(pieces[0]?.from, span.from);
      assert.equal(pieces.at(-1)?.to, span.to);
      for (const [at, piece] of pieces.entries()) {
        assert.ok(piece.from < piece.to);
        assert.equal(pieces[at + 1]?.from ?? span.to, piece.to);
      }
    }),
  );
});

Deno.test("months of days: every day has its table, under a month that rows find", async () => {
  await make(
    "months",
    `create role subreader;
     grant select on months.t to subreader;
     create index on months.t (body);
     alter table months.t replica identity full;`,
  );
  await using guardian = guarded.at(now);
  await guardian.put("months.t", monthsOfDays);
  const { errors, created } = await guardian.rotation.rotate("test");
  assert.deepEqual(errors, []);
  assert.equal(created.length, 4);
  const branches = await tree("months.t");
  assert.deepEqual(
    branches.filter(({ level }) => level === 1).map(({ name }) => name),
    ["t_p202602", "t_p202603", "t_p202604", "t_p202605"],
  );
  const days = branches.filter(({ is_leaf }) => is_leaf);
  assert.equal(days.length, 28 + 31 + 30 + 31);
  assert.equal(days[0]?.name, "t_p20260201");
  await guarded.sql`
    insert into months.t
    select at, 1, 'x' from generate_series('2026-02-01'::timestamptz, '2026-05-31 23:00+00', '1 hour') as at`;
  const [seen] = await guarded.sql`
    select
      (select count(distinct tableoid)::int from months.t) as tables,
      (select count(*)::int from pg_index as x join pg_class as c on c.oid = x.indrelid
        join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = 'months' and c.relname = 't_p20260215' and x.indisvalid) as indexes,
      has_table_privilege('subreader', 'months.t_p20260215', 'select') as may_select,
      (select relreplident from pg_class where oid = 'months.t_p20260215'::regclass) as identity`;
  assert.deepEqual({ ...seen }, { tables: 120, indexes: 2, may_select: true, identity: "f" });
  assert.deepEqual((await guardian.rotation.plan()).steps, []);
  await guardian.policies.remove("months.t");
});

Deno.test("a partitioned leaf counts with all the tables below it", async () => {
  await make("counts");
  await using guardian = guarded.at(now);
  await guardian.put("counts.t", { ...monthsOfDays, premake: 0 });
  await guardian.rotation.rotate("test");
  await guarded.sql`
    insert into counts.t
    select '2026-03-01'::timestamptz + n * interval '10 minutes', n, repeat('x', 200)
    from generate_series(0, 3999) as n`;
  await guarded.sql`vacuum analyze counts.t`;
  const [{ oid } = { oid: 0 }] = await guarded.sql<{ oid: number }[]>`
    select 'counts.t'::regclass::oid::int8::float8 as oid`;
  for (const sized of [true, false]) {
    const catalogue = createCatalogue();
    const leaves = await guardian.pool.run((sql) =>
      sized ? catalogue.sizedLeaves(sql, [oid]) : catalogue.leaves(sql, [oid])
    );
    const march = leaves.get(oid)?.find(({ name }) => name === "t_p202603");
    assert.equal(march?.subs, 31);
    assert.equal(march?.rows_estimate, 4_000);
    const [{ bytes } = { bytes: 0 }] = await guarded.sql<{ bytes: number }[]>`
      select sum(pg_relation_size(relid) + pg_indexes_size(relid))::float8 as bytes
      from pg_partition_tree('counts.t_p202603') where isleaf`;
    assert.equal(march?.bytes, bytes);
  }
  await guardian.policies.remove("counts.t");
});

Deno.test("a month goes as a whole, with all its days, and comes back as a whole", async () => {
  await make("goes");
  const policy = { ...monthsOfDays, premake: 0 };
  {
    await using guardian = guarded.at("2026-01-15T12:00:00Z");
    await guardian.put("goes.t", policy);
    await guardian.rotation.rotate("test");
  }
  await guarded.sql`insert into goes.t values ('2026-01-10', 1, 'kept')`;
  await using guardian = guarded.at(now);
  const drop = { keep: "20 days", action: "drop" as const };
  await guardian.put("goes.t", { ...policy, retention: drop });
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const months = async () =>
    (await tree("goes.t")).filter(({ level }) => level === 1).map(({ name }) => name);
  assert.deepEqual(await months(), ["t_p202602", "t_p202603"]);

  // Kept longer after all: the month is attached again, with what it holds.
  await guardian.put("goes.t", { ...policy, retention: { ...drop, keep: "1 year" } });
  const again = guarded.at("2026-01-20T12:00:00Z");
  await again.rotation.rotate("test");
  await again[Symbol.asyncDispose]();
  assert.ok((await months()).includes("t_p202601"));
  assert.equal((await guarded.sql`select from goes.t where body = 'kept'`).length, 1);

  await guardian.put("goes.t", { ...policy, retention: drop });
  await guardian.rotation.rotate("test");
  guardian.clock.time = new Date("2026-03-25T12:00:00Z");
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const left = await guarded.sql`
    select 1 from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'goes' and c.relname like 't\\_p202601%'`;
  assert.equal(left.length, 0);
  await guardian.policies.remove("goes.t");
});

Deno.test("days of hours share no name, and a default's few rows go along", async () => {
  await make("hours", "create table hours.rest partition of hours.t default;");
  await guarded
    .sql`insert into hours.t select '2026-03-15 00:30+00', n, null from generate_series(1, 50) as n`;
  await using guardian = guarded.at(now);
  await guardian.put("hours.t", {
    interval: "day",
    sub_interval: "hour",
    premake: 1,
    time_zone: "America/New_York",
  });
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const leaves = (await tree("hours.t")).filter(({ level }) => level === 2);
  assert.equal(leaves.length, 72);
  assert.ok(leaves.some(({ name }) => name === "t_p20260315_0000"));
  const [{ tables, moved } = { tables: 0, moved: 0 }] = await guarded.sql`
    select count(distinct tableoid)::int as tables, count(*)::int as moved
    from hours.t where tableoid <> 'hours.rest'::regclass`;
  assert.deepEqual([tables, moved], [1, 50]);
  await guardian.policies.remove("hours.t");
});

Deno.test("a replica identity by index reaches every table below", async () => {
  await make("replica", "alter table replica.t replica identity using index t_pkey;");
  await using guardian = guarded.at(now);
  await guardian.put("replica.t", { ...monthsOfDays, premake: 0 });
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const rows = await guarded.sql`
    select distinct c.relreplident as identity
    from pg_partition_tree('replica.t') as t join pg_class as c on c.oid = t.relid`;
  assert.deepEqual(rows.map(({ identity }) => identity), ["i"]);
  await guardian.policies.remove("replica.t");
});

Deno.test("the limit of partitions counts every table, and a month that does not fit is not made", async () => {
  await make("limited");
  await using guardian = guarded.at(now, { maxPartitions: 70 });
  await guardian.put("limited.t", monthsOfDays);
  const plan = await guardian.rotation.plan();
  assert.equal(plan.steps.length, 2);
  assert.match(
    JSON.stringify(plan.warnings),
    /needs 120 more partitions and has 0 of at most 70: 59 are made/,
  );
  await guardian.policies.remove("limited.t");
});

Deno.test("what a sub_interval cannot go with is refused by name", async () => {
  await make("refused");
  await using guardian = guarded.at(now);
  const refused = (some: Parameters<typeof guardian.put>[1], path: RegExp) =>
    assert.rejects(guardian.put("refused.t", { ...monthsOfDays, ...some }), path);
  await refused({ seal: true }, /seal/);
  await refused({ sub_interval: "2 months" }, /sub_interval: must be shorter/);
  await refused({ sub_interval: "1 minute" }, /sub_interval: cuts a partition into more than 1000/);
  await refused({ sub_interval: "rather often" }, /sub_interval: not a valid interval/);
  await refused({ retention: { keep: "1 year", action: "archive-then-drop" } }, /retention.action/);
  await guarded.sql`create table refused.plain (ts timestamptz not null, id int primary key)`;
  await assert.rejects(
    guardian.policies.complete("refused.plain", { ...someDays, ...monthsOfDays }),
    /sub_interval: a conversion/,
  );
});

Deno.test("a year of hours under months is 8,760 tables", () => {
  const policy = {
    ...someDays,
    schema: "s",
    table: "t",
    interval: "1 mon",
    sub_interval: "01:00:00",
  };
  const year = createAxis({ ...policy, interval: "1 year" }).grid
    .slotOf(BigInt(Date.UTC(2027, 5, 1)) * 1_000n);
  const months = cutGaps(createAxis(policy), [year], 20);
  assert.equal(months.length, 12);
  assert.equal(months.reduce((sum, span) => sum + leavesOfSpan(policy, span), 0), 8_760);
});
