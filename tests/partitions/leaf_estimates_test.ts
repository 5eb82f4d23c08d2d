import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { collectors } from "../../db/collectors/list.ts";
import type { Sql, Target } from "../../db/connection.ts";
import { listLeaves, readIndexBytes } from "../../db/partitions/catalogue/leaves.ts";
import { eventually } from "../helpers/eventually.ts";
import { majors, onServer, openPlain } from "../helpers/majors.ts";

const tables = await readFile(
  new URL("../../db/collectors/tables/tables.sql", import.meta.url),
  "utf8",
);

/** What is believed of the rows of shop.t, by the leaves and by the collector. */
async function estimates(sql: Sql): Promise<{ leaves: number; collector: number }> {
  const [{ oid } = { oid: 0 }] = await sql<{ oid: number }[]>`
    select 'shop.t'::regclass::oid::int8::float8 as oid`;
  const leaves = await listLeaves(sql, [oid]);
  const rows = await sql.unsafe<{ table: string; rows_estimate: number }[]>(tables);
  return {
    leaves: leaves.reduce((sum, { rows_estimate }) => sum + (rows_estimate ?? 0), 0),
    collector: rows.find((row) => row.table === "shop.t")?.rows_estimate ?? -1,
  };
}

const both = (rows: number) => ({ leaves: rows, collector: rows });

/** Inserts rows whose statistics come only after `between`: the session is kept busy beyond its commit. */
async function insertLate(sql: Sql, rows: number, between: () => Promise<unknown>): Promise<void> {
  const [holder, inserter] = [await sql.reserve(), await sql.reserve()];
  try {
    await holder`select pg_advisory_lock(42)`;
    const inserting = inserter.unsafe(`
      do $$ begin
        insert into shop.t select '2026-01-01'::timestamptz + n * interval '30 seconds'
        from generate_series(0, ${rows - 1}) as n;
        commit;
        perform pg_advisory_lock(42);
      end $$`).execute();
    await eventually(async () => {
      const [row] = await sql`select 1 from pg_stat_activity where wait_event = 'advisory'`;
      return row !== undefined;
    }, "the rows are committed");
    await between();
    await holder`select pg_advisory_unlock(42)`;
    await inserting;
    await inserter`select pg_stat_force_next_flush()`;
    await inserter`select pg_advisory_unlock(42)`;
  } finally {
    holder.release();
    inserter.release();
  }
}

async function flushed(sql: Sql, statement: string): Promise<void> {
  const session = await sql.reserve();
  try {
    await session.unsafe(statement);
    await session`select pg_stat_force_next_flush()`;
    await session`select 1`;
  } finally {
    session.release();
  }
}

const insert = (from: number, rows: number) =>
  `insert into shop.t select '2026-01-01'::timestamptz + n * interval '30 seconds'
   from generate_series(${from}, ${from + rows - 1}) as n`;

const liveTuples = async (sql: Sql) =>
  (await sql<{ live: number }[]>`
    select sum(pg_stat_get_live_tuples(c.oid))::float8 as live
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = 'shop' and c.relkind = 'r'`)[0]?.live;

async function estimate(target: Target): Promise<void> {
  const sql = openPlain(target);
  const make = (leaves: string) =>
    sql.unsafe(`
      drop schema if exists shop cascade;
      create schema shop;
      create table shop.t (ts timestamptz not null) partition by range (ts);
      create index on shop.t (ts);
      ${leaves}`).simple();
  const plain =
    "create table shop.t_all partition of shop.t for values from ('2026-01-01') to ('2027-01-01')";
  const below = `
    create table shop.t_all partition of shop.t for values from ('2026-01-01') to ('2027-01-01')
      partition by range (ts);
    create table shop.t_1 partition of shop.t_all for values from ('2026-01-01') to ('2026-01-02')
      partition by range (ts);
    create table shop.t_1a partition of shop.t_1 for values from ('2026-01-01') to ('2026-01-02');
    create table shop.t_2 partition of shop.t_all for values from ('2026-01-02') to ('2027-01-01')`;
  try {
    await sql`alter system set autovacuum = off`;
    await sql`select pg_reload_conf()`;
    for (const leaves of [plain, below]) {
      await make(leaves);
      await flushed(sql, insert(0, 4_000));
      assert.deepEqual(await estimates(sql), both(4_000), "never vacuumed");
      await sql`vacuum shop.t`;
      assert.deepEqual(await estimates(sql), both(4_000), "vacuumed");
      await flushed(sql, insert(4_000, 4_000));
      assert.deepEqual(await estimates(sql), both(8_000), "as many again since");
      await sql`analyze shop.t`;
      assert.deepEqual(await estimates(sql), both(8_000), "analyzed");

      await make(leaves);
      await insertLate(sql, 4_000, () => sql`vacuum shop.t`);
      assert.equal(await liveTuples(sql), 8_000, "the server counts them twice");
      assert.deepEqual(await estimates(sql), both(4_000), "late statistics after a vacuum");
      await make(leaves);
      await insertLate(sql, 4_000, () => sql`analyze shop.t`);
      assert.equal(await liveTuples(sql), 8_000);
      assert.deepEqual(await estimates(sql), both(4_000), "late statistics after an analyze");
      await flushed(sql, insert(4_000, 500));
      assert.deepEqual(await estimates(sql), both(4_500), "and some more since");

      await make(leaves);
      await flushed(sql, insert(0, 4_000));
      await sql`select pg_stat_reset()`;
      await sql`vacuum shop.t`;
      await flushed(sql, insert(4_000, 500));
      assert.deepEqual(await estimates(sql), both(4_500), "statistics that begin later");
    }
    // The tree of the second form: a leaf with tables at two levels below it.
    const [{ oid } = { oid: 0 }] = await sql<{ oid: number }[]>`
      select 'shop.t'::regclass::oid::int8::float8 as oid`;
    await sql`vacuum analyze shop.t`;
    const [leaf, ...others] = await listLeaves(sql, [oid]);
    assert.deepEqual([leaf?.partitioned, leaf?.subs, others.length], [true, 2, 0]);
    const [{ heap, indexes } = { heap: 0, indexes: 0 }] = await sql<
      { heap: number; indexes: number }[]
    >`
      select
        sum(pg_relation_size(relid))::float8 as heap,
        sum(pg_indexes_size(relid))::float8 as indexes
      from pg_partition_tree('shop.t') where isleaf`;
    assert.equal(leaf?.bytes, heap);
    assert.deepEqual([...await readIndexBytes(sql, leaf ? [leaf] : [])], [
      { oid: leaf?.oid, bytes: indexes },
    ]);
  } finally {
    await sql.end();
  }
}

Deno.test("rows are estimated once, whenever their statistics arrive", async (t) => {
  for (const major of majors) await t.step(`on Postgres ${major}`, () => onServer(major, estimate));
});

Deno.test("no collector asks by recursion, for which a server with jit compiles longer than it runs", () => {
  for (const { name, questions } of collectors) {
    for (const { sql } of questions) assert.doesNotMatch(sql, /\brecursive\b/i, name);
  }
});
