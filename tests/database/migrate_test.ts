import assert from "node:assert/strict";
import { connectSql, type Sql } from "../../db/connection.ts";
import { migrate, pendingMigrations } from "../../db/migrate.ts";
import { migrations } from "../../db/migrations/list.ts";
import { StartError } from "../../errors.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

let app: TestApp;

Deno.test.beforeAll(async () => {
  app = await startApp();
});

Deno.test.afterAll(() => app.stop());

/** An empty database of its own, with as many single-connection clients as asked for. */
async function withDatabase(
  name: string,
  clients: number,
  work: (...sqls: Sql[]) => Promise<void>,
) {
  const { target } = app.holdfast;
  assert.ok(target.kind === "socket");
  await app.admin`create database ${app.admin(name)} owner ${app.admin(target.user)}`;
  const sqls = Array.from({ length: clients }, () =>
    connectSql({
      target: { ...target, database: name },
      max: 1,
      applicationName: "test",
      statementTimeoutMs: 30_000,
      lockTimeoutMs: 30_000,
      pooled: false,
    }));
  try {
    await work(...sqls);
  } finally {
    await Promise.all(sqls.map((sql) => sql.end({ timeout: 2 })));
    await app.admin`drop database ${app.admin(name)} with (force)`;
  }
}

const names = migrations.map(({ name }) => name);

Deno.test("migrating twice does it once, and a dry run changes nothing", async () => {
  await withDatabase("migrate_twice", 1, async (sql) => {
    assert.ok(sql);
    assert.deepEqual(await migrate(sql, migrations, { dryRun: true }), names);
    assert.deepEqual([
      ...await sql`select 1 from pg_namespace where nspname in ('market', 'holdfast')`,
    ], []);
    assert.deepEqual(await migrate(sql, migrations), names);
    assert.deepEqual(await migrate(sql, migrations), []);
    assert.deepEqual(await migrate(sql, migrations, { dryRun: true }), []);
  });
});

Deno.test("four that start at once migrate once", async () => {
  await withDatabase("migrate_at_once", 4, async (...sqls) => {
    const applied = await Promise.all(sqls.map((sql) => migrate(sql, migrations)));
    assert.deepEqual(applied.flat(), names);
  });
});

Deno.test("a migration that fails leaves nothing of itself or of those before it", async () => {
  await withDatabase("migrate_fails", 1, async (sql) => {
    assert.ok(sql);
    const broken = [...migrations, {
      version: 99,
      name: "broken",
      sql: "create table holdfast.half (); select 1 / 0",
    }];
    await assert.rejects(migrate(sql, broken), /division by zero/);
    assert.deepEqual([
      ...await sql`select 1 from pg_namespace where nspname in ('market', 'holdfast')`,
    ], []);
  });
});

Deno.test("a past that was edited, and a database newer than this Holdfast, stop the start", async () => {
  const [applied] = await app.sql<{ version: number; checksum: string }[]>`
    select version, checksum from holdfast.migrations where version = 1`;
  assert.ok(applied);
  const edited = migrations.map((one) =>
    one.version === 1 ? { ...one, sql: `${one.sql} -- edited` } : one
  );
  assert.throws(() => pendingMigrations(edited, [applied]), StartError);
  assert.throws(
    () => pendingMigrations(migrations, [{ version: 999, checksum: "" }]),
    /start the newer Holdfast/,
  );
});
