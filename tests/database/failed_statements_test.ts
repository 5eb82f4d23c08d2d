// Runs alone: it measures the memory of its isolate.
import assert from "node:assert/strict";
import { connectSql, type Sql } from "../../db/connection.ts";
import { codeOf } from "../../db/errors.ts";
import { sqlState } from "../../db/sql_state.ts";
import { startTempServer, type TempServer } from "../../bench/temp_server.ts";
import { collectGarbage } from "../helpers/garbage.ts";

let server: TempServer;
let sql: Sql;

Deno.test.beforeAll(async () => {
  server = await startTempServer();
  sql = connectSql({
    target: server.target,
    max: 1,
    applicationName: "failed_statements_test",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 1_000,
    pooled: false,
  });
});

Deno.test.afterAll(async () => {
  await sql.end();
  await server.stop();
});

const mib = 1024 * 1024;

/** Returns a text of 256 KiB of its own: strings put together share their parts. */
const longText = (begin: string) =>
  new TextDecoder().decode(new TextEncoder().encode(begin.padEnd(mib / 4, "x")));

function heapUsed(): number {
  collectGarbage();
  return Deno.memoryUsage().heapUsed;
}

Deno.test("the texts of statements that failed are not kept", async () => {
  const fail = async (turn: number) => {
    const text = longText(`select from missing_${turn} --`);
    const error = await sql.unsafe(text).catch((error) => error);
    assert.equal(codeOf(error), sqlState.undefinedTable);
  };
  await sql.unsafe("set log_min_error_statement to panic"); // or the server's log would have the texts
  await fail(0);
  const before = heapUsed();
  for (let turn = 1; turn <= 40; turn++) await fail(turn);
  const grown = heapUsed() - before;
  assert.ok(grown < 4 * mib, `10 MiB of texts failed, and the heap has grown by ${grown} bytes`);
});

Deno.test("the error of a tagged statement says where in the source it stands", async () => {
  const error = await sql`select 1 / 0`.catch((error) => error);
  assert.match(error.stack, /failed_statements_test\.ts/);
});
