import assert from "node:assert/strict";
import { connectSql } from "../../db/connection.ts";
import { startControl } from "../helpers/control.ts";
import { eventually } from "../helpers/eventually.ts";
import { type Guarded, startGuarded } from "../helpers/guardian.ts";

let guarded: Guarded;
const now = "2026-03-15T12:00:00Z";

Deno.test.beforeAll(async () => {
  // The disk's own pauses are not what is measured here.
  guarded = await startGuarded({ synchronous_commit: "off" });
  await guarded.sql.unsafe(`
    create schema stall;
    create table stall.t (ts timestamptz not null, id int not null) partition by range (ts);
    create index on stall.t (id, ts);
    create table stall.today partition of stall.t for values from ('2026-03-15') to ('2026-03-16');
    create table stall.old partition of stall.t for values from ('2026-01-01') to ('2026-01-02');
    create table stall.older partition of stall.t for values from ('2026-01-02') to ('2026-01-03');
  `).simple();
});
Deno.test.afterAll(() => guarded.stop());

/** Inserts at 1,000/s over four connections by the clock; answers how late each was done, in ms. */
function startWriters() {
  const sql = connectSql({
    target: guarded.target,
    max: 4,
    applicationName: "writer",
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 30_000,
    pooled: false,
  });
  const late: number[] = [];
  const started = performance.now();
  let stopped = false;
  let sent = 0;
  const open = new Set<Promise<void>>();
  const timer = setInterval(() => {
    const due = Math.floor(performance.now() - started);
    for (; sent < due && !stopped; sent++) {
      const scheduled = started + sent;
      const insert = sql`insert into stall.t values (${now}, ${sent})`.then(() => {
        late.push(performance.now() - scheduled);
      });
      const done: Promise<void> = insert.finally(() => open.delete(done));
      open.add(done);
    }
  }, 1);
  return {
    async stop() {
      stopped = true;
      clearInterval(timer);
      await Promise.all(open);
      await sql.end();
      const [row] = await guarded.sql<{ n: number }[]>`select count(*)::int as n from stall.t`;
      return { late, sent, stored: row?.n };
    },
  };
}

/** The longest present wait of a writer for a lock, in ms, asked until it is told to stop. */
function watchLocks() {
  let worst = 0;
  let watching = true;
  const watch = (async () => {
    while (watching) {
      const [row] = await guarded.sql<{ ms: number | null }[]>`
        select max(extract(epoch from clock_timestamp() - l.waitstart) * 1000)::float8 as ms
        from pg_locks as l
        join pg_stat_activity as a using (pid)
        where not l.granted and a.application_name = 'writer'`;
      worst = Math.max(worst, row?.ms ?? 0);
      await new Promise((done) => setTimeout(done, 5));
    }
  })();
  return async () => {
    watching = false;
    await watch;
    return worst;
  };
}

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

Deno.test("with a reader holding the parent open and 1,000 inserts a second, a full rotation stalls no writer over 100 ms", async () => {
  await using guardian = guarded.at(now, { pause: () => pause(50), lockTimeoutMs: 300 });
  await guardian.put("stall.t", {
    premake: 7,
    retention: { keep: "30 days", action: "drop" },
    cooldown: "0",
  });
  const reader = await guarded.sql.reserve();
  await reader`begin`;
  await reader`select count(*) from stall.t`;
  const control = await startControl(guarded.target, 1);
  const writers = startWriters();
  await pause(300);
  const lockWait = watchLocks();
  const first = await guardian.rotation.rotate("test");
  await reader`rollback`;
  reader.release();
  const second = await guardian.rotation.rotate("test");
  await pause(200);
  const waited = await lockWait();
  const { late, sent, stored } = await writers.stop();
  const machine = await control.stop();
  assert.equal(first.created.length, 8);
  assert.deepEqual(second.errors, []);
  assert.deepEqual(
    Object.keys(await guarded.leaves("stall.t")).filter((name) => name.startsWith("old")),
    [],
  );
  const gone = await guarded.sql`select 1 from pg_class where relname in ('old', 'older')`;
  assert.equal(gone.length, 0, "detached and dropped");
  assert.equal(stored, sent);
  assert.ok(sent > 1_000, `${sent} inserts`);
  // On a machine that makes writers wait by itself: no more than twice as long as those of a table that nobody rotates.
  const most = Math.max(100, 2 * machine);
  assert.ok(waited < most, `a writer waited ${waited} ms for a lock, not ${most}`);
  const worst = Math.max(...late);
  assert.ok(worst < most, `an insert was done ${worst} ms after it was due, not ${most}`);
});

Deno.test("CREATE … PARTITION OF, which Holdfast never uses, makes them wait for as long as the reader stays", async () => {
  const reader = await guarded.sql.reserve();
  await reader`begin`;
  await reader`select count(*) from stall.t`;
  const writers = startWriters();
  await pause(200);
  const making = guarded.sql`
    create table stall.later partition of stall.t for values from ('2027-01-01') to ('2027-01-02')`
    .execute();
  await eventually(async () => {
    const rows = await guarded.sql`
      select 1 from pg_locks where relation = 'stall.t'::regclass and not granted
        and mode = 'AccessExclusiveLock'`;
    return rows.length > 0;
  }, "it waits for the reader");
  await pause(800);
  await reader`rollback`;
  reader.release();
  await making;
  const { late } = await writers.stop();
  assert.ok(Math.max(...late) > 600, `${Math.max(...late)} ms`);
});
