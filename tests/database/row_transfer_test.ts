import assert from "node:assert/strict";
import { connectSql, type Sql } from "../../db/connection.ts";
import { copySample } from "../../db/rehearsals/sampling.ts";
import { openRowReader } from "../../db/row_transfer.ts";
import { eventually } from "../helpers/eventually.ts";
import { startServer, type TestServer } from "../helpers/server.ts";

/** 16 MB: more than the sockets between two sessions and this process can hold. */
const rows = 2_000;
const bytesPerRow = 8_000;
/** An advisory lock that each row of the copy waits for. */
const gate = 4_711;

const table = {
  name: '"public"."trades"',
  label: "public.trades",
  columns: '"i", "t"',
  bytes: rows * bytesPerRow,
  rows,
  readable: true,
};

let server: TestServer;
let production: Sql;
let copy: Sql;
let holder: Sql;

Deno.test.beforeAll(async () => {
  server = await startServer();
  production = open("postgres");
  await production.unsafe(
    `create table trades as
      select i, repeat(md5(i::text), ${
      bytesPerRow / 32
    }) as t from generate_series(1, ${rows}) as i`,
  );
  await production.unsafe("create database copy");
  [copy, holder] = [open("copy"), open("copy")];
  await copy.unsafe(
    `create table trades (i int, t text);
    create function pass() returns trigger language plpgsql as
      'begin perform pg_advisory_xact_lock_shared(${gate}); return new; end';
    create trigger pass before insert on trades for each row execute function pass()`,
  );
});

Deno.test.afterAll(async () => {
  await Promise.all([production, copy, holder].map((sql) => sql?.end()));
  await server.stop();
});

const open = (database: string): Sql =>
  connectSql({
    target: { ...server.target, database },
    max: 1,
    applicationName: "test",
    statementTimeoutMs: 0,
    lockTimeoutMs: 0,
    pooled: false,
  });

const openReader = (signal = new AbortController().signal) =>
  openRowReader(server.target, {
    database: "postgres",
    applicationName: "test-rows",
    statementTimeoutMs: 0,
    lockTimeoutMs: 0,
    signal,
  });

/** Waits until the copy has stood still for so long that the server cannot send more rows. */
const heldUp = () =>
  eventually(async () => {
    const [row] = await production`
      select wait_event from pg_stat_activity where application_name = 'test-rows'`;
    return row?.wait_event === "ClientWrite";
  }, "the server waits until its rows are read");

const contentOf = async (sql: Sql) => {
  const [row] = await sql`
    select count(*)::int as rows, md5(string_agg(t, '' order by i)) as sum from trades`;
  return { ...row };
};

Deno.test("a copy that stands still for a while still gets every row", async () => {
  const reader = await openReader();
  try {
    await holder`select pg_advisory_lock(${gate})`;
    const copied = copySample(reader, copy, table, 1).then(() => "copied");
    assert.equal(await Promise.race([copied, heldUp()]), true);
    await holder`select pg_advisory_unlock(${gate})`;
    assert.equal(await copied, "copied");
    assert.deepEqual(await contentOf(copy), await contentOf(production));
  } finally {
    await holder`select pg_advisory_unlock_all()`;
    reader.close();
  }
});

Deno.test("an abort ends a copy that stands still, and leaves no row", async () => {
  await copy`truncate trades`;
  const aborting = new AbortController();
  const reader = await openReader(aborting.signal);
  try {
    await holder`select pg_advisory_lock(${gate})`;
    const copied = copySample(reader, copy, table, 1);
    copied.catch(() => {});
    await heldUp();
    aborting.abort(new Error("no longer wanted"));
    await holder`select pg_advisory_unlock(${gate})`;
    await assert.rejects(copied, /no longer wanted/);
    assert.equal((await contentOf(copy)).rows, 0);
  } finally {
    await holder`select pg_advisory_unlock_all()`;
    reader.close();
  }
});

Deno.test("an error of either side ends the copy, and the copy's session goes on", async () => {
  const failing = await openReader();
  const unknown = { ...table, columns: '"i", "u"' };
  await assert.rejects(copySample(failing, copy, unknown, 1), /column "u" .*does not exist/);
  failing.close();
  await copy.unsafe("alter table trades add check (i <> 1500)");
  const reader = await openReader();
  await assert.rejects(copySample(reader, copy, table, 1), /violates check constraint/);
  reader.close();
  assert.equal((await contentOf(copy)).rows, 0);
});
