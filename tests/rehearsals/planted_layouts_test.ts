import assert from "node:assert/strict";
import type { Sql } from "../../db/connection.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { plantDay } from "../helpers/planted.ts";
import { assertUnreached, rehearseTimes, verdictOf } from "../helpers/rehearse.ts";
import { slowTests, testWith } from "../helpers/skip.ts";

const runs = Number(Deno.env.get("HOLDFAST_REHEARSALS") ?? "1");

/** Days over which the trades are spread, the first of them, and the partitions of either length. */
const days = 20;
const firstDay = Date.UTC(2026, 10, 5);
const partitionsOf = (table: string, hours: number): string[] =>
  Array.from({ length: days * 24 / hours }, (_, at) => {
    const [from, to] = [at, at + 1].map((place) =>
      new Date(firstDay + place * hours * 3_600_000).toISOString()
    );
    return `create table ${table}_${at} partition of ${table} for values from ('${from}') to ('${to}')`;
  });

/** Moves each trade of the day to one of twenty days, at its time of day, in partitions of an hour. */
async function plantHistory(sql: Sql): Promise<void> {
  await sql.unsafe(`
    create table app.history (
      id bigint not null,
      ts timestamptz not null,
      symbol_id int not null,
      price double precision not null,
      size double precision not null
    ) partition by range (ts);
    create index history_id on app.history (id);
    ${partitionsOf("app.history", 1).join(";")};
    insert into app.history
    select id, ts - id % ${days} * interval '1 day', symbol_id, price, size
    from app.trades
    order by 2;
    drop table app.trades`);
  await sql.unsafe("vacuum (analyze) app.history");
}

/** Replaces the hourly partitions by daily ones, as an operator would: a new table takes the rows and the name. */
const daily = [
  "begin",
  `create table app.history_daily (like app.history including all) partition by range (ts)`,
  ...partitionsOf("app.history_daily", 24),
  "insert into app.history_daily select * from app.history order by ts",
  "drop table app.history",
  "alter table app.history_daily rename to history",
  "commit",
].join(";\n");

/** Reads the last price before a moment, and the trades of one second: both need the btree. */
const lastBefore = {
  sql: "select price from app.trades where ts <= $1 order by ts desc limit 1",
  params: [["2026-11-24 15:30:00+00"], ["2026-11-24 18:30:00+00"]],
};
const oneSecond = {
  sql: "select count(*), max(price) from app.trades where ts >= $1 and ts < $2",
  params: [
    ["2026-11-24 16:30:00+00", "2026-11-24 16:30:01+00"],
    ["2026-11-24 19:10:00+00", "2026-11-24 19:10:01+00"],
  ],
};
/** Reads all rows, for which no index is of use. */
const wholeDay = {
  sql: "select exchange, sum(size) from app.trades where ts >= $1 and ts < $2 group by exchange",
  params: ["2026-11-24 00:00:00+00", "2026-11-25 00:00:00+00"],
};

testWith(slowTests, "planted changes of layout get the verdicts they deserve", async (t) => {
  const app: TestApp = await startApp();
  const backUp = async () => {
    await app.post("/api/backups", {}).then((answer) => answer.body?.cancel());
    await app.holdfast.backups.idle();
  };
  try {
    await plantDay(app.sql);
    await app.sql`drop index app.trades_symbol_ts`;
    await app.sql`create index trades_ts on app.trades (ts)`;
    await backUp();
    await t.step(
      "a BRIN in place of a btree is harmful to statements that need few rows",
      () =>
        rehearseTimes(app, runs, {
          sql: "drop index app.trades_ts; create index trades_ts on app.trades using brin (ts)",
          workload: [lastBefore, oneSecond, wholeDay],
        }, (found) => {
          assert.equal(found.verdict, "harmful");
          assert.equal(verdictOf(found, "order by ts desc"), "worse");
          assert.equal(verdictOf(found, "max(price)"), "worse");
          assertUnreached(found, "group by exchange");
          assert.match(found.statements[1]?.plan_after ?? "", /Bitmap/);
        }),
    );

    await plantHistory(app.sql);
    await backUp();
    await t.step(
      "daily for hourly partitions are worth it to a lookup in all of them",
      () =>
        rehearseTimes(app, runs, {
          sql: daily,
          workload: [{
            sql: "select ts, price from app.history where id = $1",
            params: [[1_000], [200_000], [600_000]],
          }],
        }, (found) => {
          assert.equal(found.verdict, "worth_it");
          assert.equal(found.statements[0]?.verdict, "improved");
        }),
    );
    await t.step(
      "daily for hourly partitions are harmful to a statement that reads an hour",
      () =>
        rehearseTimes(app, runs, {
          sql: daily,
          workload: [{
            sql: "select avg(price) from app.history where ts >= $1 and ts < $2",
            params: [
              ["2026-11-10 15:00:00+00", "2026-11-10 16:00:00+00"],
              ["2026-11-17 18:00:00+00", "2026-11-17 19:00:00+00"],
            ],
          }],
        }, (found) => {
          assert.equal(found.verdict, "harmful");
          assert.equal(found.statements[0]?.verdict, "worse");
        }),
    );
  } finally {
    await app.stop();
  }
});
