import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { connectSql } from "../../db/connection.ts";
import { codeOf } from "../../db/errors.ts";
import { confineUsers, rehearsalRole } from "../../db/rehearsals/scratch.ts";
import { closeWaysOut } from "../../db/rehearsals/ways_out.ts";
import { sqlState } from "../../db/sql_state.ts";
import { closedWords } from "../../services/rehearsals/report/words.ts";
import { startApp } from "../helpers/test_app.ts";

/** Listens on a free port, counts the connections, and hangs up. */
async function listen() {
  let count = 0;
  const server = createServer((socket: Socket) => {
    count++;
    socket.destroy();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as { port: number };
  return { port, count: () => count, close: () => server.close() };
}

/** Makes what reaches outside by a trigger, a foreign table and a function in C, and what does not. */
const furnish = (port: number) => `
  create extension dblink;
  create extension postgres_fdw;
  create extension pg_trgm;
  create extension insert_username;
  create schema app;
  create table app.orders (id int primary key);
  create function app.call_out() returns trigger language plpgsql as $$
    begin
      perform dblink_connect('host=127.0.0.1 port=${port} user=x password=y connect_timeout=2');
      return new;
    end $$;
  create trigger call_out before insert on app.orders
    for each row execute function app.call_out();
  create table app.parts (id int, writer text);
  create trigger kept before insert on app.parts
    for each row execute function insert_username(writer);
  create table app.raw (id int);
  create function app.loose() returns trigger language c as '$libdir/insert_username', 'insert_username';
  create trigger loose before insert on app.raw for each row execute function app.loose();
  create server far foreign data wrapper postgres_fdw
    options (host '127.0.0.1', port '${port}', connect_timeout '2');
  create foreign table app.far (id int) server far;
  create user mapping for public server far options (user 'x', password 'y')`;

Deno.test("what a copy's statements and triggers call cannot reach outside of it", async () => {
  const outside = await listen();
  const app = await startApp();
  const { target } = app.holdfast;
  assert.ok(target.kind === "socket");
  // One connection, so that it keeps its role.
  const sql = connectSql({
    target: { ...target, user: "postgres" },
    max: 1,
    applicationName: "ways-out",
    statementTimeoutMs: 120_000,
    lockTimeoutMs: 10_000,
    connectTimeoutMs: 120_000,
    pooled: false,
  });
  const codeFor = (text: string) => sql.unsafe(text).then(() => "", codeOf);
  const asUser = () => sql.unsafe(`set session authorization ${rehearsalRole}`);
  try {
    await sql.unsafe(furnish(outside.port));
    await confineUsers(sql);
    await asUser();
    await codeFor("insert into app.orders values (1)");
    const before = outside.count();
    assert.ok(before > 0, "a trigger reaches the listener while nothing prevents it");
    await sql.unsafe("reset session authorization");
    const closed = await closeWaysOut(sql);
    assert.deepEqual(closed, {
      functions: ["c", "dblink", "postgres_fdw"],
      triggers: ["app.raw loose"],
      foreignTables: 1,
    });
    const [functions, triggers, tables] = closedWords(closed);
    assert.match(functions ?? "", /^Functions of c, dblink, postgres_fdw are refused on the copy/);
    assert.match(triggers ?? "", /writes are measured without them: app\.raw loose$/);
    assert.match(tables ?? "", /^The 1 foreign table\(s\) cannot be used/);
    await asUser();
    const denied = sqlState.insufficientPrivilege;
    assert.equal(await codeFor("insert into app.orders values (2)"), denied);
    assert.equal(await codeFor("copy app.orders to program 'cat > /dev/null'"), denied);
    assert.notEqual(await codeFor("select * from app.far"), "");
    // What stays inside still works.
    await sql.unsafe("insert into app.parts values (1, null)");
    assert.equal((await sql`select writer from app.parts`)[0]?.writer, rehearsalRole);
    assert.equal(await codeFor("insert into app.raw values (1)"), "");
    assert.equal(await codeFor("select similarity('a', 'b')"), "");
    assert.equal(outside.count(), before);
  } finally {
    await sql.end({ timeout: 1 });
    await app.stop();
    outside.close();
  }
});
