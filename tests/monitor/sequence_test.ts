import assert from "node:assert/strict";
import type { CollectorRows } from "../../db/collectors/list.ts";
import { connectSql, type Target } from "../../db/connection.ts";
import { plainQuestion } from "../helpers/question.ts";
import { startServer } from "../helpers/server.ts";
import { createDebianServer } from "../helpers/debian.ts";
import { debianPostgres, testWith } from "../helpers/skip.ts";

const question = plainQuestion("sequences");

/** What makes a sequence `app.<name>`, and what is read of it. */
interface Case {
  name: string;
  make: string;
  limit: number;
  used?: number;
  column?: string | null;
}

const int2 = 32_767, int4 = 2_147_483_647, int8 = 2 ** 63;

const cases: Case[] = [
  {
    name: "t_owned_id_seq",
    make: "create table t_owned (id serial); select setval('t_owned_id_seq', 2100000000)",
    limit: int4,
    used: 2_100_000_000 / int4,
    column: "app.t_owned.id",
  },
  {
    name: "not_owned",
    make: `create sequence not_owned;
      create table t_not_owned (id int primary key default nextval('app.not_owned'), x int);
      select setval('not_owned', 2100000000)`,
    limit: int4,
    used: 2_100_000_000 / int4,
    column: "app.t_not_owned.id",
  },
  {
    name: "of_domain",
    make: `create domain id32 as int4; create sequence of_domain;
      create table t_domain (id id32 primary key default nextval('app.of_domain'));
      alter sequence of_domain owned by t_domain.id; select setval('of_domain', 2100000000)`,
    limit: int4,
    used: 2_100_000_000 / int4,
    column: "app.t_domain.id",
  },
  {
    name: "of_nested_domain",
    make: `create domain id16 as int2 check (value > 0); create domain id16_too as id16;
      create sequence of_nested_domain;
      create table t_nested (id id16_too default nextval('app.of_nested_domain'))`,
    limit: int2,
    used: 0,
  },
  {
    name: "domain_default",
    make: `create sequence domain_default;
      create domain numbered as int4 default nextval('app.domain_default');
      create table t_numbered (id numbered)`,
    limit: int4,
    column: null,
  },
  {
    name: "t_identity_id_seq",
    make: "create table t_identity (id int2 generated always as identity (maxvalue 32000))",
    limit: 32_000,
  },
  {
    name: "shared",
    make: `create sequence shared;
      create table t_wide (id int8 default nextval('app.shared'));
      create table t_narrow (id int2 default nextval('app.shared'))`,
    limit: int2,
    column: "app.t_narrow.id",
  },
  {
    name: "of_partitions",
    make: `create sequence of_partitions;
      create table t_parted (id int4 default nextval('app.of_partitions')) partition by range (id);
      create table t_part partition of t_parted default`,
    limit: int4,
  },
  {
    name: "of_numeric",
    make: `create sequence of_numeric;
      create table t_numeric (id numeric(7,2) default nextval('app.of_numeric'))`,
    limit: 99_999,
  },
  {
    name: "of_any_numeric",
    make: `create sequence of_any_numeric;
      create table t_any (id numeric default nextval('app.of_any_numeric'))`,
    limit: int8,
    column: null,
  },
  {
    name: "of_text",
    make: `create sequence of_text;
      create table t_text (id varchar(4) default nextval('app.of_text'), other text default nextval('app.of_text'))`,
    limit: 9_999,
  },
  {
    name: "of_real",
    make: "create sequence of_real; create table t_real (id real default nextval('app.of_real'))",
    limit: 2 ** 24,
  },
  {
    name: "of_a_remainder",
    make: `create sequence of_a_remainder;
      create table t_remainder (bucket int2 default nextval('app.of_a_remainder') % 16)`,
    limit: int8,
    column: null,
  },
  {
    name: "in_a_function",
    make: `create sequence in_a_function;
      create function next() returns int language sql as $$ select nextval('app.in_a_function')::int $$;
      create table t_function (id int default next())`,
    limit: int8,
    column: null,
  },
  {
    name: "downward",
    make: `create sequence downward increment -1;
      create table t_down (id int2 default nextval('app.downward')); select setval('downward', -16385)`,
    limit: -32_768,
    used: (16_385 - 1) / (32_768 - 1),
  },
  {
    name: "in_steps",
    make: `create sequence in_steps increment 1000;
      create table t_steps (id int2 default nextval('app.in_steps')); select setval('in_steps', 32001)`,
    limit: int2,
    used: 1,
  },
  {
    name: "starts_beyond",
    make: `create sequence starts_beyond start 3000000000;
      create table t_beyond (id int4 default nextval('app.starts_beyond'))`,
    limit: int4,
    used: 1,
  },
  {
    name: "set_back",
    make: "create sequence set_back start 1000 maxvalue 2000; select setval('set_back', 500)",
    limit: 2_000,
    used: 499 / 1_999,
  },
  {
    name: "cycles_too_late",
    make: `create sequence cycles_too_late cycle;
      create table t_late (id int2 default nextval('app.cycles_too_late'))`,
    limit: int2,
  },
];

async function holds(target: Target): Promise<void> {
  const sql = connectSql({
    target,
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 20_000,
    lockTimeoutMs: 10_000,
    pooled: false,
  });
  try {
    await sql.unsafe("create schema app; set search_path = app").simple();
    for (const { make } of cases) await sql.unsafe(make).simple();
    await sql.unsafe(`
      create sequence cycles_in_time maxvalue 30000 cycle;
      create table t_time (id int2 default nextval('app.cycles_in_time'));
    `).simple();
    const rows = await sql.unsafe(question) as unknown as CollectorRows["sequences"][];
    for (const { name, limit, used, column } of cases) {
      const row = rows.find(({ sequence }) => sequence === `app.${name}`);
      assert.equal(row?.limit_value, limit, name);
      if (used !== undefined) {
        assert.ok(Math.abs(row.used_ratio! - used) < 1e-6, `${name} ${row.used_ratio}`);
      }
      if (column !== undefined) assert.equal(row.column, column, name);
    }
    assert.equal(rows.find(({ sequence }) => sequence === "app.cycles_in_time"), undefined);
    // What the server itself says of the limit: one step beyond it the insert is refused.
    for (
      const [table, sequence, at] of [
        ["t_not_owned", "not_owned", int4],
        ["t_domain", "of_domain", int4],
        ["t_numeric", "of_numeric", 99_999],
        ["t_text", "of_text", 9_999],
      ] as const
    ) {
      await sql`select setval(${`app.${sequence}`}, ${at - 1})`;
      await sql`insert into ${sql(`app.${table}`)} default values`;
      await assert.rejects(sql`insert into ${sql(`app.${table}`)} default values`, table);
    }
  } finally {
    await sql.end({ timeout: 2 });
  }
}

Deno.test("a sequence is used up to the limit of the columns that use it", async () => {
  const server = await startServer();
  try {
    await holds(server.target);
  } finally {
    await server.stop();
  }
});

testWith(
  debianPostgres,
  "a sequence is used up to the limit of the columns that use it, on Postgres 15",
  async () => {
    const server = await createDebianServer({ settings: ["fsync=off"] });
    try {
      await server.start();
      await holds({ kind: "url", url: server.url });
    } finally {
      await server.remove();
    }
  },
);
