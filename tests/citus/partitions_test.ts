import assert from "node:assert/strict";
import { type Guarded, startGuarded } from "../helpers/guardian.ts";
import { imitateCitus } from "./imitation.ts";

let guarded: Guarded;

Deno.test.beforeAll(async () => {
  guarded = await startGuarded({ allow_system_table_mods: "on" });
  await imitateCitus(guarded.sql, { group: 0, nodes: [] });
  // What each ALTER TABLE is limited by, and whether Citus would send that to the workers.
  await guarded.sql.unsafe(`
    create schema far;
    create table far.limits (tag text, command text, sent text, lock text);
    create function far.note() returns event_trigger language plpgsql as $$
    begin
      insert into far.limits values (
        tg_tag, current_query(), current_setting('citus.propagate_set_commands', true),
        current_setting('lock_timeout')
      );
    end $$;
    create event trigger note on ddl_command_end when tag in ('ALTER TABLE') execute function far.note();
    create table far.t (ts timestamptz not null, n int) partition by range (ts);
    create table far.old partition of far.t for values from ('2026-01-01') to ('2026-02-01');
    create table far.kept partition of far.t for values from ('2026-03-01') to ('2026-03-16');
    insert into far.kept values ('2026-03-15', 1);
    insert into pg_catalog.pg_dist_partition (logicalrelid, partmethod, colocationid)
    values ('far.t', 'h', 1), ('far.old', 'h', 1), ('far.kept', 'h', 1)`).simple();
});
Deno.test.afterAll(() => guarded.stop());

Deno.test("a partition of a distributed table is detached plainly, within a limit that reaches the workers", async () => {
  await using guardian = guarded.at("2026-03-15T12:00:00Z");
  await guardian.put("far.t", {
    retention: { keep: "30 days", action: "detach" },
    cooldown: "0",
    premake: 1,
  });
  const [reader] = [await guarded.sql.reserve()];
  await reader`begin`;
  await reader`select count(*) from far.old`;
  await guardian.rotation.rotate("test");
  await reader`rollback`;
  reader.release();
  const attached = async () =>
    (await guarded.sql`
      select inhrelid::regclass::text as leaf from pg_inherits
      where inhparent = 'far.t'::regclass order by 1`).map(({ leaf }) => leaf);
  assert.ok((await attached()).includes("far.old"), "it gives up behind a reader");
  await guardian.rotation.rotate("test");
  assert.ok(!(await attached()).includes("far.old"));
  const limits = await guarded.sql<{ command: string; sent: string; lock: string }[]>`
    select command, sent, lock from far.limits where command like '%"far"."t"%'`;
  const of = (word: string) => limits.filter(({ command }) => command.includes(word));
  assert.ok(of("attach partition").length > 0);
  for (const { sent, lock } of of("attach partition")) {
    assert.deepEqual([sent, lock], ["local", "2s"]);
  }
  const detaches = of("detach partition");
  assert.equal(detaches.length, 1);
  assert.ok(!detaches[0]?.command.includes("concurrently"));
  assert.deepEqual([detaches[0]?.sent, detaches[0]?.lock], ["local", "100ms"]);
  const [setting] = await guarded.sql`
    select current_setting('citus.propagate_set_commands', true) as sent`;
  assert.ok(!setting?.sent, "the limits end with their transaction");
});

Deno.test("a distributed partition is neither dropped nor archived", async () => {
  await using guardian = guarded.at("2026-06-15T12:00:00Z");
  for (const action of ["drop", "archive-then-drop"] as const) {
    await guardian.put("far.t", {
      retention: { keep: "30 days", action },
      cooldown: "0",
      premake: 0,
    });
    await guardian.rotation.rotate("test");
    const [row] = await guarded.sql`select count(*)::int as n from far.kept`;
    assert.equal(row?.n, 1);
    const [held] = await guarded.sql`
      select reason from holdfast.retention_holds where table_name = 't' and kind = 'leaf'`;
    assert.match(held?.reason ?? "", /distributed by Citus/);
  }
});
