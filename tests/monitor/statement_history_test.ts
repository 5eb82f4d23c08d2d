import assert from "node:assert/strict";
import type { Sql } from "../../db/connection.ts";
import { migrate } from "../../db/migrate.ts";
import { migrations } from "../../db/migrations/list.ts";
import { createLogger, type LogFields } from "../../log.ts";
import type { StatementWork } from "../../db/collectors/statements/collectors.ts";
import { statementLevelsOf } from "../../services/monitor/history/levels.ts";
import { causesOf } from "../../services/monitor/statements/causes.ts";
import {
  createStatementHistory,
  followedMax,
  keptPerBucket,
  keptPerMinute,
  sumInSteps,
} from "../../services/monitor/statements/work_history.ts";
import { openWriter } from "../helpers/history.ts";
import { majors, onServer, openPlain } from "../helpers/majors.ts";

const minute = 60_000;
const began = Date.UTC(2026, 0, 31, 9);
const levels = statementLevelsOf({
  HOLDFAST_HISTORY_RAW_HOURS: 6,
  HOLDFAST_HISTORY_MINUTE_DAYS: 3,
  HOLDFAST_HISTORY_QUARTER_HOUR_DAYS: 30,
  HOLDFAST_HISTORY_DAY_DAYS: 730,
});

const work = (calls: number, msPerCall: number): StatementWork => ({
  calls,
  total_ms: calls * msPerCall,
  rows: calls * 2,
  blocks_hit: calls * 10,
  blocks_read: calls,
  temp_blocks: 0,
  wal_bytes: calls * 100,
});

/** 5,000 statements, of which statement n takes n ms in all; ids are of both signs. */
const idOf = (n: number) => n % 2 === 0 ? String(n) : String(-n);
const everything = new Map(
  Array.from({ length: 5_000 }, (_, n) => [idOf(n), work(1, n)] as const),
);

function historyAt(pool: ReturnType<typeof openWriter>, writes = { can: true }) {
  let at = began;
  const logs: LogFields[] = [];
  const history = createStatementHistory({
    writer: pool,
    reader: pool,
    levels,
    access: { canWrite: () => writes.can, isWatchOnly: () => false },
    now: () => at,
    log: createLogger({ level: "debug", write: (line) => logs.push(JSON.parse(line)) }),
  });
  return {
    history,
    logs,
    /** Notes two rounds of half a minute; each half of what is given. */
    live(minutes: number, done: Map<string, StatementWork>, followed: string[] = []) {
      for (const end = at + minutes * minute; at < end;) {
        history.note(done, { at: at + 1, seconds: 30, followed });
        history.note(done, { at: at + 30_001, seconds: 30, followed });
        at += minute;
      }
    },
    moveTo: (time: number) => void (at = time),
    now: () => at,
  };
}

for (const major of majors) {
  Deno.test(`on Postgres ${major}, 5,000 statements cost 40 rows a minute, and are summed up without loss`, async (t) => {
    await onServer(major, async (target) => {
      const plain = openPlain(target);
      const pool = openWriter(target);
      try {
        await pool.run((sql) => migrate(sql, migrations), { deadlineMs: 60_000 });
        const { history, logs, live, now, moveTo } = historyAt(pool);
        const walAt = async (sql: Sql) =>
          (await sql<{ bytes: number }[]>`
            select (pg_current_wal_insert_lsn() - '0/0')::float8 as bytes`)[0]!.bytes;
        const top = idOf(4_999);
        const followed = Array.from({ length: 20 }, (_, n) => idOf(n));

        await t.step("the bound on rows and WAL of a minute", async () => {
          live(2, everything, followed);
          await history.flush();
          const before = await walAt(plain);
          live(10, everything, followed);
          await history.flush();
          const bytes = (await walAt(plain) - before) / 10;
          const [stored] = await plain<{ minutes: number; most: number; row: number }[]>`
            select
              count(*)::int4 as minutes,
              max(rows)::int4 as most,
              max(width)::int4 as row
            from (
              select ts, count(*) as rows, max(pg_column_size(s.*)) as width
              from holdfast.statements_1m as s
              group by ts
            ) as m`;
          assert.equal(stored?.minutes, 11, "the present minute is in memory");
          assert.equal(stored?.most, keptPerMinute + followedMax);
          assert.ok(stored!.row <= 76, `${stored!.row} bytes a row`);
          assert.ok(bytes < 8_000, `${bytes} bytes of WAL a minute`);
          console.error(`Postgres ${major}: ${Math.round(bytes)} bytes of WAL a minute of 40 rows`);
        });

        await t.step(
          "minutes, the present one and one without work are read as they were",
          async () => {
            const { points, stepSeconds, incomplete } = await history.read({
              queryId: top,
              from: began,
              to: now(),
            });
            assert.deepEqual([stepSeconds, incomplete, points.length], [60, undefined, 12]);
            assert.deepEqual(points[0], { ts: began, seconds: 60, ...work(2, 4_999) });
            assert.equal(points.at(-1)?.ts, now() - minute);
            const few = await history.read({ queryId: idOf(15), from: began, to: now() });
            assert.equal(
              few.points.length,
              12,
              "one that has become slower is kept whatever it costs",
            );
            const none = await history.read({ queryId: idOf(3_000), from: began, to: now() });
            assert.deepEqual(none.points, []);
          },
        );

        await t.step(
          "quarters of an hour hold the sums, at most 60 statements, and go on from the minutes",
          async () => {
            live(48, everything);
            await history.upkeep();
            assert.deepEqual(logs, []);
            const [quarter] = await plain<{ quarters: number; most: number }[]>`
            select count(distinct ts)::int4 as quarters, max(rows)::int4 as most
            from (select ts, count(*) as rows from holdfast.statements_15m group by ts) as q`;
            assert.ok(
              quarter!.quarters >= 3 && quarter!.most <= keptPerBucket,
              JSON.stringify(quarter),
            );
            const { points, stepSeconds } = await history.read({
              queryId: top,
              from: began,
              to: now(),
              stepSeconds: 900,
            });
            assert.equal(stepSeconds, 900);
            assert.deepEqual(points.map(({ seconds }) => seconds), [900, 900, 900, 900]);
            assert.deepEqual(points[0], { ts: began, seconds: 900, ...work(30, 4_999) });
          },
        );

        await t.step("a minute that another Holdfast stored too counts once", async () => {
          await plain`
            insert into holdfast.statements_1m
            select ts, query_id, 20, 1, 1, 1, 1, 1, 1, 1
            from holdfast.statements_1m
            where query_id = ${top}::text::int8 and ts = ${
            new Date(began).toISOString()
          }::text::timestamptz`;
          const { points } = await history.read({ queryId: top, from: began, to: began });
          assert.deepEqual(points, [{ ts: began, seconds: 60, ...work(2, 4_999) }]);
        });

        await t.step("minutes older than three days go with their leaves", async () => {
          moveTo(began + 6 * 24 * 60 * minute);
          live(1, new Map([[top, work(1, 1)]]));
          await history.upkeep();
          const [left] = await plain<{ rows: number }[]>`
            select count(*)::int4 as rows from holdfast.statements_1m where ts < ${
            new Date(began + 24 * 60 * minute).toISOString()
          }::text::timestamptz`;
          assert.equal(left?.rows, 0);
          const { points } = await history.read({
            queryId: top,
            from: began - 1,
            to: began + 60 * minute,
          });
          assert.ok(points.length >= 3, "the quarters of an hour are kept");
        });

        await t.step(
          "without the table, minutes wait in memory and are written later",
          async () => {
            await plain`alter table holdfast.statements_1m rename to away`;
            live(3, new Map([[top, work(1, 7)]]));
            await history.flush();
            const during = await history.read({
              queryId: top,
              from: now() - 2 * minute,
              to: now(),
            });
            assert.match(during.incomplete ?? "", /from memory/);
            assert.equal(during.points.length, 2);
            await plain`alter table holdfast.away rename to statements_1m`;
            await history.flush();
            const after = await history.read({ queryId: top, from: now() - 2 * minute, to: now() });
            assert.deepEqual(after, { ...during, incomplete: undefined });
            assert.deepEqual(
              logs.map(({ event }) => event).filter((event) =>
                event !== "statement_history_not_read"
              ),
              ["statement_history_not_written", "statement_history_written_again"],
            );
          },
        );
      } finally {
        await pool.end();
        await plain.end({ timeout: 1 });
      }
    });
  });
}

Deno.test("waiting minutes are bounded at two hours", async () => {
  const writes = { can: false };
  const pool = { run: () => Promise.reject(new Error("away")) } as unknown as ReturnType<
    typeof openWriter
  >;
  const { history, live, now } = historyAt(pool, writes);
  live(300, everything, []);
  const { points } = await history.read({ queryId: idOf(4_999), from: began, to: now() });
  assert.ok(points.length >= 120 && points.length <= 170, `${points.length} minutes`);
  assert.equal(points.at(-1)?.ts, now() - minute);
});

Deno.test("intervals add up points, and count of one time the one that covers more", () => {
  const point = (at: number, seconds: number, calls: number) => ({
    at,
    seconds,
    ...work(calls, 1),
  });
  assert.deepEqual(
    sumInSteps([point(0, 60, 5), point(minute, 60, 7), point(minute, 20, 1)], 2 * minute),
    [{ ts: 0, seconds: 120, ...work(12, 1) }],
  );
});

Deno.test("what of a call changed explains that it became slower", () => {
  const usual = { ms: 10, rows: 10, blocks: 100, blocks_read: 0, temp_blocks: 0 };
  const kinds = (change: Partial<typeof usual>) =>
    causesOf(usual, { ...usual, ms: 30, ...change }).map(({ kind }) => kind);
  assert.deepEqual(kinds({}), ["waits"]);
  assert.deepEqual(kinds({ rows: 100, blocks: 900 }), ["more_rows"], "blocks follow rows");
  assert.deepEqual(kinds({ blocks: 10_000 }), ["more_blocks"]);
  assert.deepEqual(kinds({ rows: 20, blocks: 10_000 }), ["more_rows", "more_blocks"]);
  assert.deepEqual(kinds({ blocks_read: 80 }), ["cache_misses"]);
  assert.deepEqual(kinds({ temp_blocks: 400, blocks_read: 5 }), ["temp_files"]);
  assert.deepEqual(causesOf(usual, { ...usual, ms: 12 }), [], "no slower, no cause");
  assert.deepEqual(causesOf(usual, { ...usual, blocks_read: 80 })[0], {
    kind: "cache_misses",
    before: 0,
    after: 80,
  });
});
