import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { gunzipSync } from "node:zlib";
import type { Sql } from "../../db/connection.ts";
import { realData } from "./skip.ts";

/** The symbols of the real trades; a symbol's number is its place, from 1, the one that trades most first. */
const symbols = ["SPY", "BAC", "AIG", "IBM"];

const createTrades = `
  create schema if not exists app;
  drop table if exists app.trades;
  create table app.trades (
    id bigint generated always as identity primary key,
    ts timestamptz not null,
    symbol_id int not null,
    price double precision not null,
    size double precision not null,
    exchange text not null,
    note text
  )`;

async function finishTrades(sql: Sql): Promise<void> {
  await sql.unsafe("create index trades_symbol_ts on app.trades (symbol_id, ts)");
  await sql.unsafe("vacuum (analyze) app.trades");
}

/**
 * Makes `app.trades`: a day of prints of 200 symbols, times in the order of arrival and skewed to the open and the close,
 * symbols as skewed as a market's, with an index on (symbol_id, ts).
 */
export async function plantTrades(sql: Sql, rows: number): Promise<void> {
  await sql.unsafe(`
    ${createTrades};
    select setseed(0.42);
    insert into app.trades (ts, symbol_id, price, size, exchange, note)
    select
      timestamptz '2026-11-24 14:30:00+00'
        + interval '23400 seconds' * ((n::float8 / ${rows}) + 0.02 * sin(n::float8 / ${rows} * 6.28)),
      1 + floor(200 * power(random(), 3))::int,
      100 + random() * 10,
      100 * (1 + floor(random() * 9)),
      substr('PQNZTKJ', 1 + floor(random() * 7)::int, 1),
      case when random() < 0.001 then 'cancelled' end
    from generate_series(1, ${rows}) as n`);
  await finishTrades(sql);
}

/**
 * Makes `app.trades` of a real day's trades where they stand beside the project, else of a million generated ones. The real
 * ones keep their times of day and get the date of the generated ones; every thousandth is noted as cancelled.
 */
export async function plantDay(sql: Sql): Promise<void> {
  if (!realData.present) return await plantTrades(sql, 1_000_000);
  const lines = gunzipSync(readFileSync(realData.path("2013-10-08"))).toString().split("\n");
  const rows = lines.slice(1).filter((line) => line !== "").map((line, at) => {
    const [ts = "", symbol = "", price, size, exchange] = line.split(",");
    const moment = ts.replace("2013-10-08", "2026-11-24");
    const note = at % 1_000 === 0 ? "cancelled" : "";
    return `${moment},${symbols.indexOf(symbol) + 1},${price},${size},${exchange},${note}\n`;
  });
  await sql.unsafe(createTrades);
  const copying = await sql`
    copy app.trades (ts, symbol_id, price, size, exchange, note) from stdin (format csv)`
    .writable();
  await pipeline(Readable.from(rows), copying);
  await finishTrades(sql);
}
