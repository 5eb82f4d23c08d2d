import assert from "node:assert/strict";
import type { CollectorName, CollectorRows } from "../../db/collectors/list.ts";
import type { IndexRow } from "../../db/collectors/tables/collectors.ts";
import { connectSql, type Sql, type Target } from "../../db/connection.ts";
import { createIndexAges } from "../../services/monitor/diagnosis/index_ages.ts";
import {
  type IndexReport,
  judgeIndexes,
  judgeMissing,
} from "../../services/monitor/diagnosis/indexes.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { plainQuestion } from "../helpers/question.ts";
import { startServer } from "../helpers/server.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";

const week = 7 * 86_400;

async function ask<K extends CollectorName>(sql: Sql, name: K): Promise<CollectorRows[K][]> {
  return await sql.unsafe(plainQuestion(name)) as unknown as CollectorRows[K][];
}

/** The judgement on the indexes of schema `s`, whose use was counted for so long. */
async function advice(sql: Sql, observedSeconds: number): Promise<IndexReport[]> {
  const rows = (await ask(sql, "indexes")).filter(({ schema }) => schema === "s");
  return judgeIndexes(rows, () => observedSeconds);
}

/** The rest of `create index on t`; at 15 and later, where a pair needs that. */
const alike: { a: string; b: string; unique?: "a" | "b" | "both" }[] = [
  { a: "(x)", b: "(x) nulls not distinct", unique: "both" },
  { a: "(t)", b: '(t collate "C", y)' },
  { a: "(t)", b: '(t collate "C")' },
  { a: "(t)", b: "(t text_pattern_ops)" },
  { a: "(t)", b: "(t text_pattern_ops, y)" },
  { a: "(x)", b: "(x desc)" },
  { a: "(x)", b: "(x nulls first)" },
  { a: "(x)", b: "(x desc, y)" },
  { a: "(x)", b: "(y, x)" },
  { a: "(x)", b: "using hash (x)" },
  { a: "(x)", b: "using brin (x)" },
  { a: "(x)", b: "(x) where y > 0" },
  { a: "(x) where y > 0", b: "(x) where y > 1" },
  { a: "(x) where y > 0", b: "(x, y)" },
  { a: "(x)", b: "(x, y) where y > 0" },
  { a: "(lower(t))", b: "(upper(t))" },
  { a: "(lower(t))", b: '(lower(t) collate "C")' },
  { a: "(lower(t))", b: "(lower(t), y)" },
  { a: "(x) include (y)", b: "(x, y)" },
  { a: "(x)", b: "(x, y)", unique: "a" },
  { a: "(x)", b: "(x) include (y)", unique: "both" },
  { a: "using brin (x)", b: "using brin (x) with (pages_per_range = 4)" },
  { a: "using brin (x)", b: "using brin (x int4_minmax_multi_ops)" },
  { a: "using brin (x)", b: "using brin (x, y)" },
  { a: "using gist (v)", b: "using gist (v tsvector_ops (siglen = 100))" },
  { a: "using gin (a)", b: "using gin (a, v)" },
];

const spare: { name: string; make: string[]; dropped: string[] }[] = [
  {
    name: "twins",
    make: ["create index b1 on t (x)", "create index b2 on t (x)"],
    dropped: ["b2"],
  },
  {
    name: "how it is stored makes no difference",
    make: ["create index b1 on t (x) with (fillfactor = 50)", "create index b2 on t (x)"],
    dropped: ["b2"],
  },
  {
    name: "a chain: of twins and one that covers them only the last stays",
    make: [
      "create index b1 on t (x)",
      "create index b2 on t (x)",
      "create index b3 on t (x, y)",
      "create index b4 on t (x, y, t)",
    ],
    dropped: ["b1", "b2", "b3"],
  },
  {
    name: "more columns beside the keys cover too",
    make: ["create index b1 on t (x)", "create index b2 on t (x) include (y)"],
    dropped: ["b1"],
  },
  {
    name: "partial ones with the same predicate",
    make: [
      "create index b1 on t (x) where y is not null",
      "create index b2 on t (x, t) where y is not null",
    ],
    dropped: ["b1"],
  },
  {
    name: "the unique one stays",
    make: ["create index b1 on t (x)", "create unique index b2 on t (x)"],
    dropped: ["b1"],
  },
  {
    name: "the one that a foreign key refers to stays, although no constraint made it",
    make: [
      "create unique index b2 on t (x)",
      "create table refers (x int references t (x))",
      "create unique index b1 on t (x)",
    ],
    dropped: ["b1"],
  },
  {
    name: "also where a constraint has an index of its own",
    make: [
      "create unique index b1 on t (x)",
      "create table refers (x int references t (x))",
      "alter table t add constraint b2 unique (x)",
    ],
    dropped: [],
  },
  {
    name: "and the replica identity, where a constraint has another",
    make: [
      "alter table t alter column x set not null",
      "create unique index b1 on t (x)",
      "alter table t replica identity using index b1",
      "alter table t add constraint b2 unique (x)",
    ],
    dropped: [],
  },
  {
    name: "the replica identity stays, also that of one partition",
    make: [
      "create unique index b1 on parted (x)",
      "create unique index b2 on parted (x)",
      "alter table leaf replica identity using index leaf_x_idx1",
    ],
    dropped: ["b1"],
  },
  {
    name: "the one the table is clustered on stays",
    make: ["create index b1 on t (x)", "create index b2 on t (x)", "alter table t cluster on b2"],
    dropped: ["b1"],
  },
  {
    name: "a constraint that is checked later is no substitute for a unique index",
    make: [
      "create unique index b1 on t (x)",
      "alter table t add constraint b2 unique (x) deferrable",
    ],
    dropped: [],
  },
  {
    name: "nor is one for the other, where both are constraints",
    make: [
      "alter table t add constraint b1 unique (x)",
      "alter table t add constraint b2 unique (x)",
    ],
    dropped: [],
  },
  {
    name: "an index whose partitions' indexes are of another order",
    make: [
      "create index b1 on only parted (x)",
      "create index on_leaf on leaf (x desc)",
      "alter index b1 attach partition on_leaf",
      "create index b2 on parted (x)",
    ],
    dropped: [],
  },
  {
    name: "one whose expression has a statistics target of its own",
    make: [
      "create index b1 on t (lower(t))",
      "create index b2 on t (lower(t))",
      "alter index b1 alter column 1 set statistics 500",
    ],
    dropped: [],
  },
  {
    name: "one that is not valid takes no place, and is not dropped",
    make: [
      "create index b1 on t (x)",
      "create index b2 on t (x)",
      "update pg_index set indisvalid = false where indexrelid = 'b1'::regclass",
    ],
    dropped: [],
  },
  {
    name: "one that belongs to an extension",
    make: [
      "create index b1 on t (x)",
      "create index b2 on t (x)",
      "alter extension plpgsql add table t",
      `insert into pg_depend values
        ('pg_class'::regclass, 'b2'::regclass, 0, 'pg_extension'::regclass,
          (select oid from pg_extension where extname = 'plpgsql'), 0, 'e')`,
    ],
    dropped: ["b1"],
  },
];

/** Foreign keys with an index each, and whether that serves the key. */
const served: { key: string; index: string; serves: boolean }[] = [
  { key: "(a)", index: "(a)", serves: true },
  { key: "(a)", index: "(a, b)", serves: true },
  { key: "(a)", index: "(b, a)", serves: false },
  { key: "(a)", index: "using hash (a)", serves: true },
  { key: "(a)", index: "using brin (a)", serves: false },
  { key: "(a)", index: "(a) where a is not null", serves: true },
  { key: "(a)", index: "(a) where a is not null and b is not null", serves: false },
  { key: "(a)", index: "(a) where a is null", serves: false },
  { key: "(a)", index: "(a) where a > 0", serves: false },
  { key: "(a)", index: "(a) where a is not null or b is not null", serves: false },
  { key: "(a, b)", index: "(b, a)", serves: true },
  { key: "(a, b)", index: "(a) include (b)", serves: false },
  { key: "(a, b)", index: "(a, b) where b is not null", serves: true },
  { key: "(a, b)", index: "(a, b) where a is not null and b is not null", serves: true },
  { key: "(a, b)", index: "(a, b) where a is not null and flag", serves: false },
  { key: "(t)", index: "(t)", serves: true },
  { key: "(t)", index: "(t text_pattern_ops)", serves: true },
  { key: "(t)", index: '(t collate "C")', serves: false },
];

const asTheCheckPlans = "set enable_seqscan = off; set plan_cache_mode = force_generic_plan";

async function holds(t: Deno.TestContext, target: Target, major: number): Promise<void> {
  const sql = connectSql({
    target,
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 20_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });
  const anew = () =>
    sql.unsafe(`
      set client_min_messages = error;
      drop schema if exists s cascade;
      create schema s;
      set search_path = s;
      create table t (x int, y int, t text, a int[], v tsvector);
      create table parted (x int not null, y int) partition by range (x);
      create table leaf partition of parted for values from (0) to (10);
    `).simple();
  try {
    await t.step("indexes that only look alike are all kept", async () => {
      await anew();
      const make = alike.filter(({ b }) => major >= 15 || !b.includes("nulls not distinct"))
        .flatMap((pair) => [[pair.a, pair.b], [pair.b, pair.a]].map((both) => ({ ...pair, both })))
        .flatMap(({ a, unique, both }, at) => [
          `create table t${at} (like t)`,
          ...both.map((one, which) => {
            const isUnique = unique === "both" || unique === (one === a ? "a" : "b");
            return `create ${isUnique ? "unique" : ""} index t${at}_${which} on t${at} ${one}`;
          }),
        ]);
      await sql.unsafe(make.join("; ")).simple();
      const wrong = (await advice(sql, 0)).filter(({ problems }) => problems.length > 0)
        .map(({ name }) => make.find((one) => one.includes(name.slice(2))));
      assert.deepEqual(wrong, []);
    });

    await t.step("of indexes that do the same the right one stays", async () => {
      await sql`set allow_system_table_mods = on`;
      for (const { name, make, dropped } of spare) {
        await anew();
        for (const one of make) await sql.unsafe(one);
        const found = (await advice(sql, 0)).filter(({ cure }) => cure?.sql.startsWith("drop"));
        assert.deepEqual(found.map((one) => one.name.slice(2)).sort(), dropped, name);
        for (const { cure } of found) await sql.unsafe(cure!.sql);
        if (name.includes("extension")) await sql`alter extension plpgsql drop table t`;
        await sql`delete from pg_depend where refclassid = 'pg_extension'::regclass and deptype = 'e'
          and objid = to_regclass('b2')`;
      }
    });

    await t.step("unused is said only of what nothing else needs", async () => {
      await anew();
      await sql.unsafe(`
        create table parent (k int primary key);
        alter table t add foreign key (x) references parent;
        create index plain on t (y);
        create index for_key on t (x, y);
        create index with_statistics on t (lower(t));
        create unique index one on t (t, y);
      `).simple();
      const reports = await advice(sql, week);
      const unused = reports.filter(({ problems }) => problems.includes("unused"));
      assert.deepEqual(unused.map(({ name }) => name), ["s.plain"]);
      const needs = (name: string) => reports.find((one) => one.name === `s.${name}`)?.needed_for;
      assert.deepEqual(needs("for_key"), ["the checks of a foreign key of its table"]);
      assert.match(needs("with_statistics")![0]!, /statistics on its expressions/);
      assert.deepEqual(needs("one"), ["uniqueness"]);
      assert.deepEqual((await advice(sql, week - 1)).flatMap(({ problems }) => problems), []);
    });

    await t.step("one that is to take another's place is used as much as that", async () => {
      await anew();
      await sql`create index narrow on t (x)`;
      await sql`create index wide on t (x, y)`;
      const rows = (await ask(sql, "indexes")).filter(({ schema }) => schema === "s")
        .map((row): IndexRow => ({ ...row, scans: row.name === "narrow" ? 5 : 0 }));
      const problems = Object.fromEntries(
        judgeIndexes(rows, () => week).map((one) => [one.name, one.problems]),
      );
      assert.deepEqual(problems, { "s.narrow": ["covered"], "s.wide": [] });
    });

    await t.step("a foreign key is served by an index that its own check can use", async () => {
      await anew();
      await sql.unsafe(`
        create table parent_a (a int primary key);
        create table parent_ab (a int, b int, primary key (a, b));
        create table parent_t (t text primary key);
      `).simple();
      const nameOf = (at: number) => `child_${at}`;
      for (const [at, { key, index }] of served.entries()) {
        const parent = `parent_${key.replace(/\W/g, "")}`;
        await sql.unsafe(`
          create table ${nameOf(at)} (a int, b int, t text, flag bool,
            foreign key ${key} references ${parent});
          create index on ${nameOf(at)} ${index};
        `).simple();
      }
      const missing = new Set(
        judgeMissing(await ask(sql, "missing_indexes")).map(({ table }) => table),
      );
      await sql.unsafe(asTheCheckPlans).simple();
      for (const [at, { key, index, serves }] of served.entries()) {
        assert.equal(!missing.has(`s.${nameOf(at)}`), serves, `${key} by ${index}`);
        if (!serves) continue;
        // Postgres itself says so: the check of a delete searches that index.
        const names = key.slice(1, -1).split(", ");
        const types = names.map((name) => name === "t" ? "text" : "int");
        const conditions = names.map((name, place) => `$${place + 1} = ${name}`).join(" and ");
        await sql.unsafe(`prepare check_${at} (${types}) as
          select 1 from only ${nameOf(at)} where ${conditions} for key share`);
        const plan = JSON.stringify(
          await sql.unsafe(`explain (format json, costs off)
            execute check_${at} (${names.map(() => "null").join(", ")})`),
        );
        assert.match(plan, /Index Cond/, `${key} by ${index}`);
      }
    });
  } finally {
    await sql.end({ timeout: 2 });
  }
}

Deno.test("advice on indexes", async (t) => {
  const server = await startServer();
  try {
    await holds(t, server.target, server.major);
  } finally {
    await server.stop();
  }
});

testWith(debianPostgres, "advice on indexes, on Postgres 15", async (t) => {
  const server = await createDebianServer({ settings: ["fsync=off"] });
  try {
    await server.start();
    await holds(t, { kind: "url", url: server.url }, 15);
  } finally {
    await server.remove();
  }
});

Deno.test("an index counts as unused only since it exists and since its counts are complete", () => {
  const row = (index_oid: number, scans: number) => ({ index_oid, scans }) as IndexRow;
  const ages = createIndexAges();
  ages.noteServer({ inRecovery: false, startedAt: 0 }, 0);
  ages.note([row(1, 0), row(2, 7)], 1_000);
  ages.note([row(1, 0), row(2, 0), row(3, 0)], 5_000);
  const seconds = (oid: number) => ages.unusedSeconds(row(oid, 0), 9_000, Infinity);
  assert.deepEqual([1, 2, 3].map(seconds), [9, 8, 4]);
  assert.equal(ages.unusedSeconds(row(1, 0), 9_000, 3), 3, "no longer than the statistics count");
});

Deno.test("counts of a standby say nothing about reads on the primary, also after a promotion", () => {
  const never = { index_oid: 1, scans: 0 } as IndexRow;
  const day = 86_400_000;
  const seconds = (ages: ReturnType<typeof createIndexAges>, at: number) => {
    ages.note([never], at);
    return ages.unusedSeconds(never, at, Infinity);
  };
  const ages = createIndexAges();
  assert.equal(seconds(ages, 0), null, "the server has not said what it is");
  for (const at of [0, 30 * day]) {
    ages.noteServer({ inRecovery: true, startedAt: 0 }, at);
    assert.equal(seconds(ages, at), null);
    assert.ok(!ages.areCountsComplete(at));
  }
  ages.noteServer({ inRecovery: false, startedAt: 0 }, 31 * day);
  assert.equal(seconds(ages, 32 * day), day / 1_000);
  assert.ok(!ages.areCountsComplete(37 * day));
  assert.equal(seconds(ages, 38 * day), week);
  assert.ok(ages.areCountsComplete(38 * day));
  // An address may lead to another server, promoted while nobody watched it.
  ages.noteServer({ inRecovery: false, startedAt: -90 * day }, 39 * day);
  assert.equal(seconds(ages, 40 * day), day / 1_000);
});
