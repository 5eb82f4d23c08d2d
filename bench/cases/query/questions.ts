import { quoteLiteral } from "../../../db/sql.ts";
import type { BenchmarkContext } from "../../../services/benchmarks/case.ts";
import type { Random } from "../../../services/benchmarks/measuring/random.ts";
import { firstTickUs, timestampOf } from "../ticks.ts";
import { queryDays, tables } from "./tables.ts";

/** Parameters of a query: a symbol among the busy ones, a day, and an hour of its session. */
export interface Asked {
  instrument: number;
  day: number;
  hour: number;
}

const dayUs = 86_400_000_000;
const hourUs = 3_600_000_000;

export function draw(random: Random): Asked {
  return { instrument: 1 + random.int(40), day: random.int(queryDays), hour: random.int(6) };
}

export interface Question {
  id: string;
  title: string;
  /** Returns the query on a naive table (symbols as text) or on the optimised one, with a column `v`. */
  naive(ctx: BenchmarkContext, table: string, asked: Asked): string;
  optimised(ctx: BenchmarkContext, asked: Asked): string;
}

const literal = (tsUs: number) => `${quoteLiteral(timestampOf(tsUs))}::timestamptz`;
const between = (from: number, to: number) => `ts >= ${literal(from)} and ts < ${literal(to)}`;
const dayOf = ({ day }: Asked) =>
  between(firstTickUs + day * dayUs, firstTickUs + day * dayUs + 7 * hourUs);
const hourOf = ({ day, hour }: Asked) => {
  const from = firstTickUs + day * dayUs + hour * hourUs;
  return between(from, from + hourUs);
};
const symbolOf = ({ instrument }: Asked) =>
  quoteLiteral(`SYM${String(instrument - 1).padStart(4, "0")}`);
const best = (ctx: BenchmarkContext) => ctx.table(tables.optimised);
const ofSymbol = (asked: Asked) => `symbol = ${symbolOf(asked)}`;
const ofInstrument = (asked: Asked) => `instrument_id = ${asked.instrument}`;

const candles = (from: string, where: string) => `
  select
    date_trunc('minute', ts) as minute,
    (array_agg(price order by ts))[1] + max(price) + min(price)
      + (array_agg(price order by ts))[count(*)] + sum(size) as v
  from ${from} where ${where} group by 1`;

export const questions: readonly Question[] = [
  {
    id: "query_latest",
    title: "The latest tick of every symbol",
    naive: (_, table) => `
      select distinct on (symbol) price as v from ${table} order by symbol, ts desc`,
    optimised: (ctx) => `
      select latest.price as v from ${ctx.table(tables.instruments)} as i
      cross join lateral (
        select price from ${best(ctx)} as t
        where t.instrument_id = i.id order by ts desc limit 1
      ) as latest`,
  },
  {
    id: "query_slice",
    title: "One symbol in one hour",
    naive: (_, table, asked) =>
      `select price as v from ${table} where ${ofSymbol(asked)} and ${hourOf(asked)}`,
    optimised: (ctx, asked) =>
      `select price as v from ${best(ctx)} where ${ofInstrument(asked)} and ${hourOf(asked)}`,
  },
  {
    id: "query_candles",
    title: "One-minute candles of one symbol for a day",
    naive: (_, table, asked) => candles(table, `${ofSymbol(asked)} and ${dayOf(asked)}`),
    optimised: (ctx, asked) => candles(best(ctx), `${ofInstrument(asked)} and ${dayOf(asked)}`),
  },
  {
    id: "query_vwap",
    title: "Volume-weighted average price of every symbol for a day",
    naive: (_, table, asked) => `
      select sum(price * size) / sum(size) as v from ${table}
      where ${dayOf(asked)} group by symbol`,
    optimised: (ctx, asked) => `
      select sum(price * size) / sum(size) as v from ${best(ctx)}
      where ${dayOf(asked)} group by instrument_id`,
  },
];
