import assert from "node:assert/strict";
import { describeDatabaseError } from "../../db/errors.ts";
import { createRandom } from "../../services/benchmarks/measuring/random.ts";
import { kindOf, parameterCount } from "../../services/rehearsals/workload/sql_text.ts";
import { fillStatement } from "../../services/rehearsals/workload/variants.ts";
import { startApp, type TestApp } from "../helpers/test_app.ts";
import { plantTrades } from "../helpers/planted.ts";

/** Statements as pg_stat_statements shows them. The last word: what must come of their parameters. */
const shapes: [string, "drawn" | "left out"][] = [
  ["select * from app.trades where symbol_id = $1", "drawn"],
  ["select * from app.trades as t where t.symbol_id = $1 and t.ts >= $2 and t.ts < $3", "drawn"],
  ["select * from app.trades where ts between $1 and $2", "drawn"],
  ["select * from app.trades where ts > $1 order by ts limit $2", "drawn"],
  ["select * from app.trades where ts < $1 order by ts desc limit $2 offset $3", "drawn"],
  ["select count(*) from app.trades where symbol_id in ($1, $2, $3)", "drawn"],
  ["select count(*) from app.trades where symbol_id not in ($1, $2)", "drawn"],
  ["select count(*) from app.trades where symbol_id = any($1)", "drawn"],
  ["select count(*) from app.trades where symbol_id = any($1::int[])", "drawn"],
  ["select count(*) from app.trades where exchange = $1::text", "drawn"],
  ["select count(*) from app.trades where exchange like $1", "drawn"],
  ["select count(*) from app.trades where exchange ilike $1 or note = $2", "drawn"],
  ["select count(*) from app.trades where price > $1 and size <= $2", "drawn"],
  ["select count(*) from app.trades where price <> $1", "drawn"],
  ["select count(*) from app.trades where $1 = symbol_id", "drawn"],
  ["select count(*) from app.trades where ts >= now() - $1::interval", "drawn"],
  ["select count(*) from app.trades where ts >= now() - interval $1", "drawn"],
  ["select count(*) from app.trades where ts >= $1::timestamptz - interval $2", "drawn"],
  ["select count(*) from app.trades where ts::date = $1", "drawn"],
  ["select count(*) from app.trades where (symbol_id, exchange) = ($1, $2)", "drawn"],
  ["select count(*) from app.trades where note is null and symbol_id = $1", "drawn"],
  ["select count(*) from app.trades where symbol_id = $1 and note is not null", "drawn"],
  [
    "select symbol_id, count(*) from app.trades where ts >= $1 group by symbol_id having count(*) > $2",
    "left out",
  ],
  [
    "select t.* from app.trades as t join app.symbols as s on s.id = t.symbol_id where s.symbol = $1 limit $2",
    "drawn",
  ],
  [
    "select t.* from app.symbols as s left join app.trades as t on t.symbol_id = s.id and t.size > $1 where s.symbol = $2",
    "drawn",
  ],
  [
    "with hot as (select * from app.trades where symbol_id = $1) select avg(price) from hot where ts > $2",
    "drawn",
  ],
  [
    "select * from (select * from app.trades where exchange = $1) as x where x.symbol_id = $2",
    "drawn",
  ],
  [
    "select (select max(price) from app.trades where symbol_id = s.id and ts < $1) from app.symbols as s where s.id = $2",
    "drawn",
  ],
  ["select exists (select from app.trades where symbol_id = $1)", "drawn"],
  ["select * from app.symbols where tags @> $1", "left out"],
  ["select * from app.symbols where about ->> $1 = $2", "left out"],
  ["select * from app.symbols where lower(symbol) = $1", "drawn"],
  ["select * from app.view_of_trades where symbol_id = $1 and ts >= $2", "drawn"],
  ["select * from app.days where day = $1 and symbol_id = $2", "drawn"],
  ["select * from app.days where day >= $1 and day < $2", "drawn"],
  ["select date_trunc($1, ts) from app.trades where symbol_id = $2", "left out"],
  ["insert into app.days (day, symbol_id, volume) values ($1, $2, $3)", "drawn"],
  ["insert into app.days (day, symbol_id, volume) values ($1, $2, $3), ($4, $5, $6)", "drawn"],
  [
    "insert into app.symbols (id, symbol) values ($1, $2) on conflict (id) do update set symbol = excluded.symbol",
    "drawn",
  ],
  ["update app.trades set size = $1 where symbol_id = $2 and ts >= $3 and ts < $4", "drawn"],
  ["update app.symbols set symbol = $1 where id = $2 returning *", "drawn"],
  ["delete from app.trades where symbol_id = $1 and ts < $2", "drawn"],
  ["select * from app.trades where symbol_id = $1 for update skip locked limit $2", "drawn"],
  ["select * from app.trades where symbol_id = $1 limit $2 for update", "drawn"],
  ["select $1", "left out"],
];

let app: TestApp;
Deno.test.beforeAll(async () => {
  app = await startApp();
  await plantTrades(app.sql, 20_000);
  await app.sql.unsafe(`
    create table app.symbols (id int primary key, symbol varchar(12) not null, tags text[], about jsonb);
    insert into app.symbols
    select n, 'S' || n, array['a', 'b'], jsonb_build_object('sector', n % 7)
    from generate_series(1, 200) as n;
    create view app.view_of_trades as select id, ts, symbol_id, price from app.trades where size > 100;
    create table app.days (day date not null, symbol_id int not null, volume double precision)
      partition by range (day);
    create table app.days_old partition of app.days for values from ('2026-01-01') to ('2026-07-01');
    create table app.days_new partition of app.days for values from ('2026-07-01') to ('2027-01-01');
    insert into app.days
    select date '2026-01-01' + n % 365, 1 + n % 200, n from generate_series(0, 20000) as n;
  `);
  await app.sql.unsafe("analyze");
  await app.sql.unsafe("set timezone to utc");
});
Deno.test.afterAll(() => app.stop());

Deno.test("of 45 statement shapes, those with known values are filled in, run, and find rows", async () => {
  assert.equal(shapes.length, 45);
  const wrong: string[] = [];
  let withRows = 0;
  let reads = 0;
  await app.sql.reserve().then(async (sql) => {
    for (const [query, expected] of shapes) {
      const filled = await fillStatement(sql, {
        query,
        query_id: null,
        kind: kindOf(query),
        weight: 1,
        rows_per_call: 10,
        given: null,
        observed: [],
      }, { random: createRandom(7), count: 6 });
      if ("reason" in filled !== (expected === "left out")) {
        wrong.push(
          `${query}: ${"reason" in filled ? filled.reason : filled.statement.variants[0]}`,
        );
      }
      if ("reason" in filled) continue;
      const { variants } = filled.statement;
      assert.ok(variants.every((text) => parameterCount(text) === 0), variants[0]);
      let found = 0;
      for (const text of variants) {
        await sql.unsafe("begin");
        try {
          const rows = await sql.unsafe(text);
          found += rows.length > 0 && !(rows.length === 1 && rows[0]?.count === "0") ? 1 : 0;
        } catch (error) {
          wrong.push(`${text}: ${describeDatabaseError(error)}`);
        } finally {
          await sql.unsafe("rollback");
        }
      }
      if (kindOf(query) === "read") {
        reads++;
        if (found > 0) withRows++;
      }
    }
    sql.release();
  });
  assert.deepEqual(wrong, []);
  // Values are drawn one by one: some combinations occur nowhere.
  assert.ok(withRows / reads > 0.9, `${withRows} of ${reads} reads found rows`);
});
