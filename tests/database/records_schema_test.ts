import assert from "node:assert/strict";
import { is } from "drizzle-orm";
import { getTableConfig, PgTable } from "drizzle-orm/pg-core";
import { insertAuditRows, listAuditRows } from "../../db/audit.ts";
import * as schema from "../../db/records/schema.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

let app: TestApp;

Deno.test.beforeAll(async () => {
  app = await startApp();
});

Deno.test("the types of the records are those of the migrated tables", async () => {
  const tables = Object.values(schema).filter((one) => is(one, PgTable)).map(getTableConfig);
  const described = tables.flatMap(({ name, columns }) =>
    columns.map((column) => ({
      name: `${name}.${column.name}`,
      type: column.getSQLType(),
      // An identity counts up; neither it nor a key is ever null.
      required: column.notNull || column.primary || column.getSQLType() === "bigint" &&
          column.name === "id",
    }))
  );
  const columns = await app.sql<{ name: string; type: string; required: boolean }[]>`
    select
      c.relname || '.' || a.attname as name,
      format_type(a.atttypid, a.atttypmod) as type,
      a.attnotnull as required
    from pg_attribute as a
    join pg_class as c on c.oid = a.attrelid
    where c.relnamespace = 'holdfast'::regnamespace
      and c.relkind in ('r', 'p')
      and c.relname <> 'migrations' -- written before there are records
      and not c.relispartition
      and a.attnum > 0
      and not a.attisdropped`;
  const byName = (a: { name: string }, b: { name: string }) => a.name < b.name ? -1 : 1;
  assert.deepEqual(
    described.toSorted(byName),
    columns.map((row) => ({ ...row })).toSorted(byName),
  );
});

Deno.test("a stored row is read back as it was written", async () => {
  const at = "2026-01-31T09:30:00.123Z";
  const row = {
    request_id: crypto.randomUUID(),
    instance: "one",
    at,
    until: at,
    requests: 1,
    via: "token",
    actor: "Zoë \"quoted\" \\ 'x'",
    actor_id: "t",
    scope: "admin",
    operation: "readBack",
    method: "POST",
    path: "/",
    status: 200,
    address: "::1",
  };
  await insertAuditRows(app.sql, [row]);
  const [found] = await listAuditRows(app.sql, {
    before: undefined,
    from: undefined,
    to: undefined,
    actor: undefined,
    operation: "readBack",
    limit: 10,
  });
  assert.deepEqual(found, { ...row, id: found?.id });
  assert.match(found?.id ?? "", /^\d+$/);
});

Deno.test.afterAll(() => app.stop());
