import assert from "node:assert/strict";
import { createPool } from "../../db/pool/pool.ts";
import { createLogger } from "../../log.ts";
import { createCatalogue } from "../../services/partitions/catalogue.ts";
import { createRotation } from "../../services/partitions/rotation.ts";
import { startControl } from "../helpers/control.ts";
import { eventually } from "../helpers/eventually.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";

let app: TestApp;
const day = 86_400_000;
const start = Date.UTC(2030, 0, 15, 12);

Deno.test.beforeAll(async () => {
  app = await startApp();
});

Deno.test.afterAll(() => app.stop());

/** A rotation of its own beside the app's, on its own connections, with a clock to set. */
function rotationAt(now: number, retentionDays = 0) {
  const pool = createPool({
    target: app.holdfast.target,
    max: 2,
    applicationName: "rotation",
    statementTimeoutMs: 30_000,
    lockTimeoutMs: 500,
    pooler: { pooled: false },
    waitingMax: 10,
  });
  const rotation = createRotation({
    pool,
    catalogue: createCatalogue(),
    config: {
      HOLDFAST_PREMAKE_DAYS: 3,
      HOLDFAST_RETENTION_DAYS: retentionDays,
      HOLDFAST_MAX_PARTITIONS: 100,
      HOLDFAST_BACKFILL_HORIZON_DAYS: 7,
      HOLDFAST_DATA_DIR: ".",
      HOLDFAST_ARCHIVE_DIR: undefined,
      HOLDFAST_RETENTION_BRAKE_RATIO: 1,
    },
    clock: { now: () => new Date(now) },
    // The server's clock is the test's too.
    times: {
      source: {
        read: () => Promise.resolve({ server: now, recorded: undefined }),
        record: () => Promise.resolve(),
      },
      monotonic: () => now,
    },
    log: createLogger({ level: "error", write: () => {} }),
  });
  return { rotation, pool };
}

async function leaves(like = "ticks_p%"): Promise<string[]> {
  const rows = await app.sql<{ name: string }[]>`
    select c.relname as name
    from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
    where i.inhparent = 'market.ticks'::regclass and c.relname like ${like}
    order by 1`;
  return rows.map(({ name }) => name);
}

Deno.test("at the start a week ahead is made, with the parent's indexes and no default partition", async () => {
  const today = new Date().toISOString().slice(0, 10).replaceAll("-", "");
  const made = await leaves();
  assert.equal(made.length, 9, "yesterday, today and seven days ahead");
  assert.ok(made.includes(`ticks_p${today}`));
  const indexes = await app.sql<{ method: string }[]>`
    select a.amname as method
    from pg_index as x join pg_class as c on c.oid = x.indexrelid join pg_am as a on a.oid = c.relam
    where x.indrelid = ${`market.ticks_p${today}`}::regclass and x.indisvalid
    order by 1`;
  assert.deepEqual(indexes.map(({ method }) => method), ["brin", "btree"]);
  const [checks] = await app.sql<{ n: number }[]>`
    select count(*)::int as n from pg_constraint where conrelid = ${`market.ticks_p${today}`}::regclass and contype = 'c'`;
  assert.equal(checks?.n, 0, "the CHECK that spared the scan is gone");
  const [parent] = await app
    .sql`select partdefid from pg_partitioned_table where partrelid = 'market.ticks'::regclass`;
  assert.equal(Number(parent?.partdefid), 0);
});

Deno.test("rotations at once, of two Holdfasts, make each leaf once and say so in the log", async () => {
  const [a, b] = [rotationAt(start), rotationAt(start)];
  try {
    const results = await Promise.all([a.rotation.rotate("test"), b.rotation.rotate("test")]);
    assert.deepEqual(results.flatMap(({ errors }) => errors), []);
    assert.deepEqual(await leaves("ticks_p2030%"), [
      "ticks_p20300114",
      "ticks_p20300115",
      "ticks_p20300116",
      "ticks_p20300117",
      "ticks_p20300118",
    ]);
    assert.deepEqual(await a.rotation.rotate("test"), { created: [], detached: [], errors: [] });
  } finally {
    await Promise.all([a.pool.end(), b.pool.end()]);
  }
});

Deno.test("a reader that holds the parent open keeps no insert waiting while a leaf is attached", async () => {
  const { rotation, pool } = rotationAt(start + 30 * day);
  const reader = await app.sql.reserve();
  try {
    await reader`begin`;
    await reader`select count(*) from market.ticks`;
    const { target } = app.holdfast;
    assert.ok(target.kind === "socket");
    const control = await startControl({ ...target, user: "postgres" }, 4);
    const rotating = rotation.rotate("test");
    let worst = 0;
    for (let n = 0; n < 50; n++) {
      const from = performance.now();
      await app
        .sql`insert into market.ticks (ts, price, size, instrument_id) values (now(), 1, 1, 1)`;
      worst = Math.max(worst, performance.now() - from);
    }
    assert.equal((await rotating).created.length, 5);
    // On a machine that makes writers wait by itself: no more than twice as long as those of a table that nobody rotates.
    const most = Math.max(1_000, 2 * await control.stop());
    assert.ok(worst < most, `an insert waited ${worst} ms, not ${most}`);
  } finally {
    await reader`rollback`;
    reader.release();
    await pool.end();
  }
});

Deno.test("a leaf locked exclusively blocks no report, and rows of the far future make no leaf", async () => {
  const before = (await leaves()).length;
  const answer = await app.post("/api/ticks?create=true&backfill=true", [
    { ts: "2150-01-01T00:00:00Z", symbol: "SPY", price: 1, size: 1 },
    { ts: new Date().toISOString(), symbol: "SPY", price: 1, size: 1 },
  ]);
  const stored = await answer.json();
  assert.deepEqual([stored.accepted, stored.quarantined], [1, 1]);
  assert.equal((await leaves()).length, before);
  const locker = await app.sql.reserve();
  try {
    await locker`begin`;
    await locker`lock table market.ticks_p20300115 in access exclusive mode`;
    app.holdfast.monitor.refreshPartitions();
    await eventually(async () => {
      const report = await app.json<{ tables: { partitions: number }[]; overall_status: string }>(
        "/api/health/partitions",
      );
      return report.tables[0]?.partitions === before && report.overall_status !== "unknown";
    }, "partitions are reported while one is locked");
  } finally {
    await locker`rollback`;
    locker.release();
  }
});

Deno.test("what retention gives up is detached with its rows, never dropped", async () => {
  await app
    .sql`insert into market.ticks (ts, price, size, instrument_id) values ('2030-01-14 10:00+00', 7, 1, 1)`;
  const { rotation, pool } = rotationAt(start + 20 * day, 18);
  try {
    const result = await rotation.rotate("test");
    assert.deepEqual(result.errors, []);
    assert.ok(result.detached.includes("ticks_p20300114"));
    assert.ok(!(await leaves()).includes("ticks_p20300114"));
    const kept = await app.sql`select price from market.ticks_p20300114`;
    assert.equal(kept[0]?.price, 7);
    const [logged] = await app.sql`
      select reason from holdfast.maintenance_log where partition_name = 'ticks_p20300114' and action = 'detach'`;
    assert.equal(logged?.reason, "older than 18 days");
  } finally {
    await pool.end();
  }
});

Deno.test("a detach that was cut short is finished, and its rows are not lost", async () => {
  await app
    .sql`insert into market.ticks (ts, price, size, instrument_id) values ('2030-02-13 10:00+00', 8, 1, 1)`;
  const blocker = await app.sql.reserve();
  const { rotation, pool } = rotationAt(start + 30 * day);
  try {
    await blocker`begin`;
    await blocker`select 1 from market.ticks_p20300213`;
    // It commits its first half, then waits for the reader in vain.
    const cut = pool.run((sql) =>
      sql.unsafe("alter table market.ticks detach partition market.ticks_p20300213 concurrently")
    );
    await assert.rejects(cut);
    const pending = () =>
      app
        .sql`select 1 from pg_inherits where inhparent = 'market.ticks'::regclass and inhdetachpending`;
    assert.equal((await pending()).length, 1);
    await blocker`rollback`;
    const result = await rotation.rotate("test");
    assert.deepEqual(result.errors, []);
    assert.equal((await pending()).length, 0);
    assert.equal((await app.sql`select price from market.ticks_p20300213`)[0]?.price, 8);
  } finally {
    blocker.release();
    await pool.end();
  }
});

Deno.test("ticks of a detached day are refused with what to do, and nothing is made in its place", async () => {
  const post = () =>
    app.post("/api/ticks", [{ ts: new Date().toISOString(), symbol: "SPY", price: 1, size: 1 }]);
  // That rotation, years ahead, detached today's leaf behind the app's back: first it only knows to try again.
  const first = await post();
  assert.deepEqual([first.status, first.headers.get("retry-after")], [503, "1"]);
  await first.body?.cancel();
  const second = await post();
  const problem = await second.json();
  assert.deepEqual([second.status, problem.code], [409, "conflict"]);
  assert.match(
    problem.detail,
    /^market\.ticks_p\d{8} exists and is not attached to market\.ticks; attach it again/,
  );
});

Deno.test("an upload that needs too many partitions is refused whole", async () => {
  const { rotation, pool } = rotationAt(start);
  try {
    const days = Array.from({ length: 200 }, (_, n) => 10_000 + n);
    await assert.rejects(rotation.ensureDays(days), { code: "too_many_partitions" });
    assert.deepEqual(await leaves("ticks_p1997%"), []);
  } finally {
    await pool.end();
  }
});
