import assert from "node:assert/strict";
import fc from "fast-check";
import { connectSql, type Sql } from "../../db/connection.ts";
import { startTempServer, type TempServer } from "../../bench/temp_server.ts";

let server: TempServer;
let sql: Sql;

Deno.test.beforeAll(async () => {
  server = await startTempServer();
  sql = connectSql({
    target: server.target,
    max: 1,
    applicationName: "array_types_test",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 1_000,
    pooled: false,
    readTypes: false,
  });
});

Deno.test.afterAll(async () => {
  await sql.end();
  await server.stop();
});

const text = fc.string({ unit: "grapheme" }).map((value) => value.replaceAll("\0", ""))
  .filter((value) => value.isWellFormed());

Deno.test("arrays of text come back as they were sent, with quotes, commas, braces and nulls", async () => {
  const hard = fc.constantFrom("", "NULL", "null", "a,b", "{a}", '"', "\\", " x ", "1]={", "é☃");
  const values = fc.array(fc.oneof(text, hard, fc.constant(null)), { maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(values, async (sent) => {
      const [row] = await sql<{ got: unknown }[]>`select ${sent as string[]}::text[] as got`;
      assert.deepEqual(row?.got, sent);
    }),
    { numRuns: 60 },
  );
});

Deno.test("arrays of each built-in type are read as single values of it are", async () => {
  const [row] = await sql`
    select
      array[1, null, -3]::int4[] as numbers,
      array[9007199254740993]::int8[] as large,
      array[0.5, 'infinity']::float8[] as floats,
      array[true, false, null] as flags,
      array['2026-01-31T09:30:00Z']::timestamptz[] as times,
      array['{"a": [1, "b,c"]}']::jsonb[] as documents,
      array['pg_class']::regclass[] as tables,
      array['a b', 'c']::name[] as names,
      '{{1,2},{3,4}}'::int4[] as matrix,
      '[0:1]={5,6}'::int4[] as shifted,
      '{}'::text[] as nothing,
      null::text[] as unknown`;
  assert.deepEqual({ ...row }, {
    numbers: [1, null, -3],
    large: ["9007199254740993"],
    floats: [0.5, Infinity],
    flags: [true, false, null],
    times: [new Date("2026-01-31T09:30:00Z")],
    documents: [{ a: [1, "b,c"] }],
    tables: ["pg_class"],
    names: ["a b", "c"],
    matrix: [[1, 2], [3, 4]],
    shifted: [5, 6],
    nothing: [],
    unknown: null,
  });
});

Deno.test("arrays are sent in the type that the statement asks for, or that they are given", async () => {
  const at = new Date("2026-01-31T09:30:00Z");
  const [row] = await sql<{ numbers: string; times: string; flags: string; ids: string }[]>`
    select
      ${[1, 2.5]}::float8[]::text as numbers,
      (${
    sql.array([at], 1184)
  }::timestamptz[] = array[${at.toISOString()}::timestamptz])::text as times,
      ${sql.array([true, false])}::bool[]::text as flags,
      ${["1", "9007199254740993"]}::int8[]::text as ids`;
  assert.deepEqual({ ...row }, {
    numbers: "{1,2.5}",
    times: "true",
    flags: "{t,f}",
    ids: "{1,9007199254740993}",
  });
});

Deno.test("a client learns no array types of the database", async () => {
  await sql`create type public.side as enum ('buy', 'sell')`;
  const [row] = await sql<{ sides: unknown }[]>`select array['buy']::public.side[] as sides`;
  assert.equal(row?.sides, "{buy}", "as text");
  const { parsers } = sql.options as unknown as { parsers: Record<string, unknown> };
  assert.ok(Object.keys(parsers).length < 60, `${Object.keys(parsers).length}`);
});
