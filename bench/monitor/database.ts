import type { Sql } from "../../db/connection.ts";
import { quoteIdent, quoteLiteral } from "../../db/sql.ts";

const dayMs = 86_400_000;

/**
 * Brings `market.ticks` to `leaves` daily partitions with three indexes each, rows in all of them, and statistics as
 * of a large database: what a monitor costs goes with the catalogue, and with the sizes it believes.
 */
export async function fillCatalogue(sql: Sql, leaves: number): Promise<void> {
  await sql.unsafe("create index if not exists ticks_trade_id on market.ticks (trade_id)");
  const [present] = await sql<{ leaves: number; first: string }[]>`
    select count(*)::int as leaves, min(c.relname) as first
    from pg_inherits as i join pg_class as c on c.oid = i.inhrelid
    where i.inhparent = 'market.ticks'::regclass`;
  const firstDay = Date.parse(
    (present?.first ?? "").replace(/.*_p(\d{4})(\d\d)(\d\d)$/, "$1-$2-$3T00:00:00Z"),
  );
  const missing = leaves - (present?.leaves ?? 0);
  for (let made = 0; made < missing;) {
    const statements: string[] = [];
    for (; made < missing && statements.length < 200; made++) {
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
  await sql`
    insert into market.ticks (ts, price, size, instrument_id, exchange, trade_id)
    select
      ${new Date(firstDay - missing * dayMs).toISOString()}::text::timestamptz
        + day * interval '1 day' + n * interval '10 minutes',
      100 + random(), 100, 1 + n % 50, 'N', (day * 100 + n)::text
    from generate_series(0, ${leaves - 1}) as day, generate_series(0, 99) as n`;
  await sql`analyze market.ticks`;
  await sql`vacuum`;
  // As if each leaf held a day of real trading: the estimates of bloat must do their full work.
  await sql`
    update pg_class set relpages = 20000, reltuples = 1500000
    where relname like 'ticks\\_p%' and relkind in ('r', 'i')`;
}

/** Fills pg_stat_statements with entries of other statements, as a busy application does. */
export async function fillStatements(sql: Sql, entries: number): Promise<void> {
  for (let made = 0; made < entries;) {
    const batch: string[] = [];
    // Each shape of a select list is a statement of its own.
    for (; made < entries && batch.length < 500; made++) {
      batch.push(`select 1 as ${quoteIdent(`c${made}`)} limit ${made % 7}`);
    }
    await sql.unsafe(
      batch.map((one) => one.replace("1 as", `${"1 + ".repeat(made % 40)}1 as`)).join(";\n"),
    )
      .simple();
  }
}
