import assert from "node:assert/strict";
import { readWriteShape } from "../../db/rehearsals/effects.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

/** What leaves inserts as they are, and what changes what an insert does. */
const harmless = [
  "comment on table shop.lines is 'nothing'",
  "analyze shop.lines",
  "grant select on shop.lines to public",
];
const telling = [
  "create index lines_note on shop.lines (note)",
  "reindex table shop.lines_2026",
  "drop index shop.lines_note",
  "alter table shop.lines_2026 set (fillfactor = 50)",
  "alter table shop.lines_2026 disable trigger lines_touch",
  "drop trigger lines_touch on shop.lines",
  "alter table shop.lines drop constraint lines_note_check",
  "alter table shop.lines alter column note set default 'x'",
  "create index on shop.orders (id)",
  "alter table shop.lines drop constraint lines_order_id_fkey",
];

Deno.test("what an insert does shows in its shape, and nothing else does", async () => {
  const app: TestApp = await startApp();
  try {
    await app.sql.unsafe(`
      create schema shop;
      create table shop.orders (id int primary key);
      create table shop.lines (
        ts timestamptz not null,
        order_id int references shop.orders,
        note text check (note <> '')
      ) partition by range (ts);
      create table shop.lines_2026 partition of shop.lines
        for values from ('2026-01-01') to ('2027-01-01');
      create function shop.touch() returns trigger language plpgsql as 'begin return new; end';
      create trigger lines_touch before insert on shop.lines
        for each row execute function shop.touch()`);
    const shape = () =>
      readWriteShape(app.sql, { name: "shop.lines", label: "shop.lines", oid: 0 });
    let before = await shape();
    for (const sql of harmless) {
      await app.sql.unsafe(sql);
      assert.equal(await shape(), before, sql);
    }
    for (const sql of telling) {
      await app.sql.unsafe(sql);
      const after = await shape();
      assert.notEqual(after, before, sql);
      before = after;
    }
  } finally {
    await app.stop();
  }
});
