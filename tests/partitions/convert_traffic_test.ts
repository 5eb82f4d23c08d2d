import assert from "node:assert/strict";
import { connectSql } from "../../db/connection.ts";
import { createLogger } from "../../log.ts";
import {
  type ConversionInput,
  createConversions,
} from "../../services/partitions/rewrite/service.ts";
import { startControl } from "../helpers/control.ts";
import { eventually } from "../helpers/eventually.ts";
import { type Guarded, someDays, startGuarded } from "../helpers/guardian.ts";
import { testWith } from "../helpers/skip.ts";

let guarded: Guarded;
const now = "2026-03-15T12:00:00Z";

Deno.test.beforeAll(async () => {
  guarded = await startGuarded({
    synchronous_commit: "off",
    shared_buffers: "256MB",
    max_wal_size: "4GB",
  });
});
Deno.test.afterAll(() => guarded.stop());

const pause = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

function converter() {
  const guardian = guarded.at(now, { pause });
  const conversions = createConversions({
    pool: guardian.pool,
    policies: guardian.policies,
    config: { HOLDFAST_MAX_PARTITIONS: 500, HOLDFAST_BACKFILL_HORIZON_DAYS: 7 },
    clock: guardian.clock,
    log: createLogger({ level: "debug", write: (line) => guarded.logs.push(JSON.parse(line)) }),
  });
  return { guardian, conversions };
}

/** Inserts, updates, deletes by the clock, each in a transaction that also writes what it did into a ledger. */
function startWriters(table: string, rows: number, perSecond: number) {
  const sql = connectSql({
    target: guarded.target,
    max: 6,
    applicationName: "writer",
    statementTimeoutMs: 60_000,
    lockTimeoutMs: 60_000,
    pooled: false,
  });
  const late: number[] = [];
  const errors: string[] = [];
  const started = performance.now();
  let sent = 0;
  let stopped = false;
  const open = new Set<Promise<void>>();
  const name = sql.unsafe(table);
  const ledger = sql.unsafe(`${table}_ledger`);
  const work = (n: number) => {
    const id = 1 + (n * 7_919) % rows;
    if (n % 4 === 0) {
      return sql`
        with made as (
          insert into ${name} (id, ts, price) values
            (${
        rows + 1 + n
      }, '2026-03-14Z'::timestamptz + ${n} * interval '1 second', ${n}) returning id
        )
        insert into ${ledger} select 1 from made`;
    }
    if (n % 4 === 1) {
      return sql`
        with gone as (delete from ${name} where id = ${id} returning id)
        insert into ${ledger} select -1 from gone`;
    }
    return n % 4 === 2
      ? sql`update ${name} set price = price + 1 where id = ${id}`
      // Over the borders of partitions.
      : sql`update ${name} set ts = ts - interval '1 hour' * (random() * 20) where id = ${id}`;
  };
  const timer = setInterval(() => {
    const due = Math.floor((performance.now() - started) * perSecond / 1_000);
    for (; sent < due && !stopped && open.size < 5_000; sent++) {
      const scheduled = performance.now();
      const done: Promise<void> = work(sent).then(
        () => void late.push(performance.now() - scheduled),
        (error) => void errors.push(String(error)),
      ).finally(() => open.delete(done));
      open.add(done);
    }
  }, 2);
  return {
    late,
    errors,
    async stop() {
      stopped = true;
      clearInterval(timer);
      await Promise.all(open);
      await sql.end();
      return sent;
    },
  };
}

/** A reader that asks again and again, within one statement, whether all rows are there exactly once. */
function startReader(table: string, rows: number) {
  const wrong: string[] = [];
  let looks = 0;
  let reading = true;
  const sql = guarded.sql;
  const done = (async () => {
    while (reading) {
      const [row] = await sql.unsafe<{ here: number; ledger: number; distinct: number }[]>(`
        select
          (select count(*)::float8 from ${table}) as here,
          (select coalesce(sum(change), 0)::float8 from ${table}_ledger) as ledger`);
      looks++;
      if (row && row.here !== rows + row.ledger) wrong.push(JSON.stringify(row));
    }
  })();
  return async () => {
    reading = false;
    await done;
    return { wrong, looks };
  };
}

const contentOf = async (table: string) => {
  const [row] = await guarded.sql.unsafe<{ rows: number; ids: number; hash: string }[]>(`
    select count(*)::float8 as rows, count(distinct id)::float8 as ids,
      sum(hashtextextended(row(id, ts, price)::text, 0)::numeric)::text as hash
    from ${table}`);
  return { ...row };
};

async function convertUnderWrites(table: string, rows: number, perSecond: number, reads: boolean) {
  const schema = table.split(".")[0];
  await guarded.sql.unsafe(`
    create schema ${schema};
    create table ${table} (id bigint primary key, ts timestamptz not null, price numeric not null);
    create table ${table}_ledger (change int not null);
    insert into ${table}
    select n, '2026-01-01Z'::timestamptz + n * interval '73 days' / ${rows}, n % 1000
    from generate_series(1, ${rows}) as n;
    create index on ${table} (ts);
    analyze ${table};
  `).simple();
  const { guardian, conversions } = converter();
  const input: ConversionInput = {
    table,
    keyColumn: "ts",
    widenKeys: true,
    policy: { ...someDays, interval: "1 week", premake: 2 },
  };
  const control = await startControl(guarded.target, 4);
  const writers = startWriters(table, rows, perSecond);
  const stopReader = reads ? startReader(table, rows) : undefined;
  await pause(500);
  const started = performance.now();
  const plan = await conversions.plan(input);
  await conversions.start(input, plan.digest);
  const move = await eventually(
    async () => {
      await conversions.advance();
      return (await conversions.list()).find(({ phase }) => phase === "swapped");
    },
    "the conversion is done",
    1_200_000,
  );
  const seconds = (performance.now() - started) / 1_000;
  await pause(500);
  const before = await guarded.sql.unsafe(`select count(*)::int as n from ${table}`);
  assert.ok(before[0]?.n > 0);
  const reader = await stopReader?.();
  const sent = await writers.stop();
  const machine = await control.stop();
  const old = `${table}_holdfast_plain`;
  const [now_, then] = [await contentOf(table), await contentOf(old)];
  const worst = writers.late.reduce((most, ms) => Math.max(most, ms), 0);
  const [swap] = await guarded.sql<{ ms: number }[]>`
    select duration_ms as ms from holdfast.maintenance_log
    where action = 'convert swap' and table_name = ${table}`;
  const figures = {
    swap_ms: Math.round((swap?.ms ?? 0) * 10) / 10,
    rows,
    seconds: Math.round(seconds * 10) / 10,
    written: sent,
    changes_applied: move.changes_applied,
    rows_verified: move.rows_verified,
    content_hash: move.content_hash,
    partitioned: now_,
    plain: then,
    longest_write_ms: Math.round(worst),
    locks_held_ms: Math.round((move.lock_ms ?? 0) * 10) / 10,
    reader_looks: reader?.looks,
  };
  assert.deepEqual(writers.errors, []);
  assert.deepEqual(now_, then, "the partitioned table and the plain one hold the same");
  assert.equal(now_.rows, now_.ids);
  assert.ok(sent > 0 && move.changes_applied > 0);
  assert.deepEqual(reader?.wrong ?? [], []);
  // On a machine that makes writers wait by itself: no more than twice as long as those of a table that nobody converts.
  const most = Math.max(500, 2 * machine);
  assert.ok(worst < most, `a write took ${worst} ms, not ${most}`);
  await conversions.act(table, "undo");
  await conversions.advance();
  assert.deepEqual(await contentOf(table), now_, "undone, with everything written since");
  await conversions.stop();
  await guardian[Symbol.asyncDispose]();
  return figures;
}

Deno.test("a table of 30,000 rows is converted and turned back under writes; every reader sees every row once", async () => {
  const figures = await convertUnderWrites("traffic.small", 30_000, 600, true);
  assert.ok((figures.reader_looks ?? 0) > 10);
});

testWith(
  { what: "HOLDFAST_SLOW_TESTS=1", present: Deno.env.get("HOLDFAST_SLOW_TESTS") === "1" },
  "a table of 5 million rows is converted under writes, updates and deletes: no write waits 500 ms",
  async () => {
    console.log(
      JSON.stringify(await convertUnderWrites("traffic_large.big", 5_000_000, 500, false), null, 2),
    );
  },
);
