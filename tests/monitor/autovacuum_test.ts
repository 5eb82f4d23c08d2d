import assert from "node:assert/strict";
import type { CollectorRows } from "../../db/collectors/list.ts";
import { connectSql, type Target } from "../../db/connection.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { eventually } from "../helpers/eventually.ts";
import { plainQuestion } from "../helpers/question.ts";
import { startServer } from "../helpers/server.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";

type Row = CollectorRows["tables"];
const question = plainQuestion("tables");

/** Options of a table of 1,000 rows, 500 of them dead by an update, and what follows; the server's are 50 + 0.2 and so on. */
const cases: {
  name: string;
  options: string;
  since?: number;
  expect: Partial<Record<"vacuum_lag" | "insert_lag" | "analyze_lag", number>> & {
    vacuumed?: boolean;
  };
}[] = [
  {
    name: "plain",
    options: "",
    expect: {
      vacuum_lag: 500 / 250,
      insert_lag: 1_000 / 1_200,
      analyze_lag: 1_500 / 150,
      vacuumed: true,
    },
  },
  {
    name: "own_levels",
    options:
      "autovacuum_vacuum_threshold = 100, autovacuum_vacuum_scale_factor = 0, autovacuum_analyze_threshold = 0, autovacuum_analyze_scale_factor = 0.5, autovacuum_vacuum_insert_threshold = 100, autovacuum_vacuum_insert_scale_factor = 0.1",
    expect: { vacuum_lag: 5, insert_lag: 5, analyze_lag: 3 },
  },
  {
    name: "no_inserts",
    options: "autovacuum_vacuum_insert_threshold = -1",
    expect: { insert_lag: 0 },
  },
  ...["off", "false", "no", "0", "F", "OFF"].map((off, at) => ({
    name: `switched_off_${at}`,
    options: `autovacuum_enabled = ${off}`,
    expect: { vacuum_lag: 0, insert_lag: 0, analyze_lag: 0, vacuumed: false },
  })),
  {
    name: "switched_on",
    options: "autovacuum_enabled = yes",
    expect: { vacuum_lag: 2, vacuumed: true },
  },
  {
    name: "capped",
    options: "autovacuum_vacuum_max_threshold = 50",
    since: 18,
    expect: { vacuum_lag: 10 },
  },
  {
    name: "not_capped",
    options: "autovacuum_vacuum_max_threshold = -1",
    since: 18,
    expect: { vacuum_lag: 2 },
  },
];

async function holds(target: Target, major: number): Promise<void> {
  const sql = connectSql({
    target,
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 20_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });
  const present = cases.filter(({ since = 0 }) => major >= since);
  const tables = async () =>
    new Map(
      (await sql.unsafe(question) as unknown as Row[]).map((row) => [row.table.slice(2), row]),
    );
  try {
    await sql.unsafe("create schema s; set search_path = s").simple();
    for (const { name, options } of present) {
      await sql.unsafe(`
        create table ${name} (id int, x int) with (fillfactor = 100${
        options ? `, ${options}` : ""
      });
        insert into ${name} select g, 0 from generate_series(1, 1000) as g;
      `).simple();
      await sql.unsafe(`update ${name} set x = 1 where id <= 500`);
      await sql.unsafe(`update pg_class set reltuples = 1000 where oid = '${name}'::regclass`);
    }
    // Long values go to the TOAST table: a hundred chunks each, of a table of ten rows.
    await sql.unsafe(`
      create table toasted (id int, t text);
      create table toasted_off (id int, t text) with (toast.autovacuum_enabled = off);
      create table toasted_own (id int, t text) with (autovacuum_enabled = off, toast.autovacuum_vacuum_threshold = 20);
      create table old_ids (id int) with (autovacuum_freeze_max_age = 100000);
      create table old_ids_off (id int) with (autovacuum_freeze_max_age = 100000, autovacuum_enabled = off);
    `).simple();
    for (const name of ["toasted", "toasted_off", "toasted_own"]) {
      await sql.unsafe(`alter table ${name} alter column t set storage external`);
      await sql.unsafe(
        `insert into ${name} select g, repeat('x', 199600) from generate_series(1, 10) as g`,
      );
      await sql.unsafe(`delete from ${name}`);
    }
    await sql`select pg_stat_force_next_flush()`.catch(() => {});
    const found = await eventually(async () => {
      const rows = await tables();
      return rows.get("toasted_own")!.dead_rows === 10 && rows;
    }, "the statistics are handed in");
    for (const { name, expect } of present) {
      const row = found.get(name)!;
      for (const [what, value] of Object.entries(expect)) {
        const actual = row[what as keyof typeof expect];
        const isNear = typeof value === "number"
          ? Math.abs(Number(actual) - value) < 0.01
          : actual === value;
        assert.ok(isNear, `${name}: ${what} is ${actual}, not ${value}`);
      }
    }
    assert.ok(found.get("toasted")!.vacuum_lag > 15, "the TOAST table is behind");
    assert.ok(found.get("toasted_off")!.vacuum_lag < 1, "its own option switches it off");
    assert.equal(found.get("toasted_off")!.vacuumed, true);
    assert.ok(
      found.get("toasted_own")!.vacuum_lag > 15,
      "options of its own stand for the table's",
    );
    const { freeze_lag, xid_age } = found.get("old_ids")!;
    assert.ok(xid_age > 0 && Math.abs(freeze_lag - xid_age / 100_000) < 1e-9, `${freeze_lag}`);
    assert.ok(
      found.get("old_ids_off")!.freeze_lag > 0,
      "ids are frozen even where autovacuum is off",
    );
    if (major >= 18) {
      await sql`insert into own_levels select g, 0 from generate_series(1, 10) as g`;
      await sql`update pg_class set relpages = 10, relallfrozen = 5 where oid = 'own_levels'::regclass`;
      await sql`select pg_stat_force_next_flush()`;
      await sql`select 1`;
      const half = (await tables()).get("own_levels")!.insert_lag;
      assert.ok(Math.abs(half - 1_010 / (100 + 0.1 * 1_000 * 0.5)) < 0.01, `${half}`);
    }
  } finally {
    await sql.end({ timeout: 2 });
  }
}

Deno.test("the lag of autovacuum follows the options of each table", async () => {
  const server = await startServer({ autovacuum: "off", allow_system_table_mods: "on" });
  try {
    await holds(server.target, server.major);
  } finally {
    await server.stop();
  }
});

testWith(
  debianPostgres,
  "the lag of autovacuum follows the options of each table, on Postgres 15",
  async () => {
    const server = await createDebianServer({ settings: ["autovacuum=off", "fsync=off"] });
    try {
      await server.start();
      await holds({ kind: "url", url: server.url }, 15);
    } finally {
      await server.remove();
    }
  },
);
