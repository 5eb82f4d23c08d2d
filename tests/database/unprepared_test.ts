import assert from "node:assert/strict";
import { startTempServer } from "../../bench/temp_server.ts";
import { connectSql } from "../../db/connection.ts";
import {
  countRange,
  countRows,
  hasAnyRows,
  hasRows,
  highestOf,
  keyEnds,
  nextKey,
} from "../../db/partitions/catalogue/probes.ts";
import { findBroken } from "../../db/partitions/proof/doubts.ts";
import { sqlState } from "../../db/sql_state.ts";

Deno.test("probes of partitions leave no prepared statement in the session", async () => {
  const server = await startTempServer();
  const sql = connectSql({
    target: server.target,
    max: 1,
    applicationName: "unprepared_test",
    statementTimeoutMs: 10_000,
    lockTimeoutMs: 1_000,
    pooled: false,
    readTypes: false,
  });
  try {
    await sql.unsafe("create table one (key int8 not null); insert into one values (7), (9)");
    const table = { schema: "public", table: "one" };
    const range = { column: "key", from: "8", to: null, most: 10 };
    assert.equal(await hasRows(sql, table), true);
    assert.equal(await hasAnyRows(sql, [table, table]), true);
    assert.equal(await countRows(sql, table, 10), 2);
    assert.equal(await countRange(sql, table, range), 1);
    assert.equal(await highestOf(sql, table, "key"), "9");
    assert.deepEqual(await keyEnds(sql, table, "key"), { first: "7", last: "9" });
    assert.equal(await nextKey(sql, table, { column: "key", type: "int8" }, "8"), "9");
    const definition = "check (key <= 8)";
    const sqlstate = sqlState.checkViolation;
    const doubt = { name: "small", broken: "key > 8", sqlstate, definition };
    assert.equal(await findBroken(sql, table, [doubt], range), "small");
    const kept = await sql.unsafe("select statement from pg_prepared_statements");
    assert.deepEqual([...kept], []);
  } finally {
    await sql.end();
    await server.stop();
  }
});
