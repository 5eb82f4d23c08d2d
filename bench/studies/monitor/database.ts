import type { Sql } from "../../../db/connection.ts";
import { quoteIdent, quoteLiteral } from "../../../db/sql.ts";

const dayMs = 86_400_000;

/**
 * Creates `leaves` daily partitions of `market.ticks` with three indexes each, rows in all of them, and the statistics of a
 * large database: the cost of monitoring depends on the catalogue and on the sizes in it.
 */
export async function fillCatalogue(sql: Sql, leaves: number): Promise<void> {
  await sql.unsafe("create index if not exists ticks_trade_id on market.ticks (trade_id)");
  // Back from today, with a week ahead as rotation creates it.
  const firstDay = Math.ceil(Date.now() / dayMs + 7) * dayMs;
  for (let made = 0; made < leaves;) {
    const statements: string[] = [];
    for (; made < leaves && statements.length < 200; made++) {
      const from = new Date(firstDay - (made + 1) * dayMs).toISOString();
      const to = new Date(firstDay - made * dayMs).toISOString();
      const name = quoteIdent(`ticks_p${from.slice(0, 10).replaceAll("-", "")}`);
      statements.push(
        `create table market.${name} partition of market.ticks for values from (${
          quoteLiteral(from)
        }) to (${quoteLiteral(to)})`,
      );
    }
    await sql.unsafe(statements.join(";\n")).simple();
  }
  // In parts, because a statement locks every partition it writes, and each of its indexes.
  for (let day = 0; day < leaves; day += 500) {
    await sql`
      insert into market.ticks (ts, price, size, instrument_id, exchange, trade_id)
      select
        ${new Date(firstDay - leaves * dayMs).toISOString()}::text::timestamptz
          + day * interval '1 day' + n * interval '10 minutes',
        100 + random(), 100, 1 + n % 50, 'N', (day * 100 + n)::text
      from generate_series(${day}::int, ${
      Math.min(day + 500, leaves) - 1
    }::int) as day, generate_series(0, 99) as n`;
  }
  await sql`analyze market.ticks`;
  await sql`vacuum`;
  // As if each leaf held a day of real trading, so that estimates of bloat are computed.
  await sql`
    update pg_class set relpages = 20000, reltuples = 1500000
    where relname like 'ticks\\_p%' and relkind in ('r', 'i')`;
}

/** Fills pg_stat_statements with entries of other statements, as a busy application does. */
export async function fillStatements(sql: Sql, entries: number): Promise<void> {
  const endings = ["", " limit 1", " offset 1", " order by 1"];
  // Names and constants do not distinguish statements, the number of columns does.
  const columns = Math.ceil(entries / endings.length);
  for (let width = 1; width <= columns; width++) {
    const list = Array(width).fill("1").join(", ");
    await sql.unsafe(endings.map((ending) => `select ${list}${ending}`).join("; ")).simple();
  }
}
