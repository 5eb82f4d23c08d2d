import type { Sql } from "../../db/connection.ts";

/**
 * Makes `app.trades`: a day of prints of 200 symbols, times in the order of arrival and skewed to the open and the close,
 * symbols as skewed as a market's, with an index on (symbol_id, ts).
 */
export async function plantTrades(sql: Sql, rows: number): Promise<void> {
  await sql.unsafe(`
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
    );
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
    from generate_series(1, ${rows}) as n;
    create index trades_symbol_ts on app.trades (symbol_id, ts);
  `);
  await sql.unsafe("vacuum (analyze) app.trades");
}
