import type { Sql } from "../connection.ts";
import { utcText } from "../utc_text.ts";

export interface PriceSample {
  prices: number[];
  from: string | null;
  to: string | null;
}

/** Returns the prices of the newest `limit` ticks of an instrument and their time range, by the index. */
export async function newestPrices(
  sql: Sql,
  instrumentId: number,
  limit: number,
): Promise<PriceSample> {
  const [row] = await sql<PriceSample[]>`
    with newest as (
      select ts, price
      from market.ticks
      where instrument_id = ${instrumentId}
      order by ts desc
      limit ${limit}
    )
    select
      coalesce(array_agg(price), '{}') as prices,
      ${sql.unsafe(utcText("min(ts)"))} as from,
      ${sql.unsafe(utcText("max(ts)"))} as to
    from newest`;
  return row ?? { prices: [], from: null, to: null };
}
