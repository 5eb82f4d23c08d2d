import assert from "node:assert/strict";
import { eventually } from "../helpers/eventually.ts";
import { slowTests } from "../helpers/skip.ts";
import { type Guarded, startGuarded } from "../helpers/guardian.ts";
import { startRotation } from "../helpers/rotation_process.ts";

let guarded: Guarded;
const now = "2026-03-15T12:00:00Z";

Deno.test.beforeAll(async () => {
  guarded = await startGuarded();
});
Deno.test.afterAll(() => guarded.stop());

/** A table with something of everything to do: leaves to make, to detach, to finish detaching, to drop. */
async function setUp(): Promise<void> {
  await guarded.sql.unsafe(`
    drop schema if exists crash cascade;
    truncate holdfast.detached_partitions;
    create schema crash;
    create table crash.t (ts timestamptz not null, id int not null, primary key (ts, id)) partition by range (ts);
    create table crash.cut partition of crash.t for values from ('2025-12-01') to ('2026-01-01');
    create table crash.old partition of crash.t for values from ('2026-01-01') to ('2026-01-02');
    create table crash.older partition of crash.t for values from ('2026-01-02') to ('2026-01-03');
    create table crash.kept partition of crash.t for values from ('2026-03-01') to ('2026-03-14');
    insert into crash.t values ('2025-12-05', 0), ('2026-01-01', 1), ('2026-01-02', 2), ('2026-03-02', 3);
  `).simple();
  const reader = await guarded.sql.reserve();
  await reader`begin`;
  await reader`select 1 from crash.cut`;
  const cutter = await guarded.sql.reserve();
  await cutter`set lock_timeout = '20ms'`;
  await cutter`alter table crash.t detach partition crash.cut concurrently`.simple().catch(
    () => {},
  );
  await cutter`set lock_timeout = '10s'`;
  await reader`rollback`;
  reader.release();
  cutter.release();
}

async function state() {
  const relations = await guarded.sql<{ name: string }[]>`
    select c.relname as name from pg_class as c
    where c.relnamespace = 'crash'::regnamespace and c.relkind in ('r', 'p') order by 1`;
  const checks = await guarded.sql`
    select conrelid::regclass from pg_constraint where conname = 'holdfast_bound'`;
  const remembered = await guarded.sql`
    select leaf_name, action, outcome, detached_at is not null as done from holdfast.detached_partitions
    where outcome is distinct from 'not detached' order by 1`;
  const pending = await guarded
    .sql`select inhrelid::regclass from pg_inherits where inhdetachpending`;
  const ids = await guarded.sql`select id from crash.t order by 1`;
  return {
    relations: relations.map(({ name }) => name),
    leaves: await guarded.leaves("crash.t"),
    checks: [...checks],
    remembered: remembered.map((row) => ({ ...row })),
    pending: [...pending],
    ids: ids.map(({ id }) => id),
  };
}

/** In a short run every third change. */
const stride = slowTests.present ? 1 : 3;

const policy = {
  retention: { keep: "30 days", action: "drop" as const },
  cooldown: "0",
  premake: 1,
};

Deno.test("a rotation that ends before any change ends, after the next run, where an unbroken one does", async () => {
  await setUp();
  const changes: string[] = [];
  {
    await using guardian = guarded.at(now, { endsBefore: (what) => changes.push(what) < 0 });
    await guardian.put("crash.t", policy);
    changes.length = 0;
    assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  }
  const expected = await state();
  assert.deepEqual(Object.keys(expected.leaves), [
    "kept",
    "t_p20260314",
    "t_p20260315",
    "t_p20260316",
  ]);
  assert.deepEqual(expected.ids, [3]);
  assert.ok(expected.relations.includes("cut"), "what retention did not detach is not dropped");
  assert.ok(!expected.relations.includes("old"));
  for (let at = 0; at < changes.length; at += stride) {
    await setUp();
    let count = 0;
    await using broken = guarded.at(now, { endsBefore: () => count++ === at });
    assert.notDeepEqual((await broken.rotation.rotate("test")).errors, []);
    await using guardian = guarded.at(now);
    assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
    assert.deepEqual(await state(), expected, `ended before ${at}: ${changes[at]}`);
  }
});

const directory = () => guarded.target.kind === "socket" ? guarded.target.directory : "";

Deno.test("a process killed amid an attach, and one killed while its detach waits for a reader, leave nothing the next run does not mend", async () => {
  await setUp();
  const amid = startRotation(directory(), now, "attach partition");
  const { signal } = await amid.output();
  assert.equal(signal, "SIGKILL");

  const reader = await guarded.sql.reserve();
  await reader`begin`;
  await reader`select count(*) from crash.t`;
  const waiting = startRotation(directory(), now);
  await eventually(async () =>
    (await guarded.sql`
      select 1 from pg_stat_activity
      where application_name = 'guardian' and wait_event_type = 'Lock' and query like '%concurrently'`)
      .length > 0, "the detach waits for the reader");
  waiting.kill("SIGKILL");
  await waiting.output();
  await reader`rollback`;
  reader.release();

  await eventually(
    async () =>
      (await guarded.sql`select 1 from pg_stat_activity where application_name = 'guardian'`)
        .length === 0,
    "the server has noticed",
  );
  await using guardian = guarded.at(now);
  assert.deepEqual((await guardian.rotation.rotate("test")).errors, []);
  const found = await state();
  assert.deepEqual(Object.keys(found.leaves), [
    "kept",
    "t_p20260314",
    "t_p20260315",
    "t_p20260316",
  ]);
  assert.deepEqual([found.pending, found.checks, found.ids], [[], [], [3]]);
  assert.ok(!found.relations.includes("old") && !found.relations.includes("older"));
});
