/** The table of one arm, and the type its constants take. */
export interface Typed {
  table: string;
  type: "numeric" | "float8";
}

/** One calculation, written once: the same text for both types but for the casts. */
export interface Kernel {
  id: string;
  title: string;
  /** Part of the table it reads, from 0 to 1: a heavy kernel reads less, so that all take about as long. */
  share: number;
  /** What is timed; gives the value `v` of each row or group. */
  timed(typed: Typed): string;
  /** The same values with a key `k`, in more groups where the timed query has one: to compare the types. */
  compared(typed: Typed): string;
  /** What a reader of the figures should know. */
  note?: string;
}

const microsecond = "(extract(epoch from ts) * 1000000)::int8";

/** An aggregate over the whole table: grouping costs the same in either type and would only hide the difference. */
function aggregate(id: string, title: string, v: string): Kernel {
  return {
    id,
    title,
    share: 1,
    timed: ({ table }) => `select ${v} as v from ${table}`,
    compared: ({ table }) =>
      `select instrument_id as k, ${v} as v from ${table} group by instrument_id`,
  };
}

const candle = `
  (array_agg(price order by ts))[1] + max(price) + min(price)
    + (array_agg(price order by ts desc))[1] + sum(size)`;

const fees = ({ type }: Typed) =>
  `price * size - price * size * '0.0005'::${type} - (price + '0.01'::${type}) * '3.5'::${type}`;

const average = "avg(price) over (order by ts rows between 19 preceding and current row)";
const averageShare = 0.3;
const firstPart = ({ table }: Typed) => `
  (select ts, price from ${table} where ts < (
    select min(ts) + (max(ts) - min(ts)) * ${averageShare} from ${table})) as part`;

export const kernels: readonly Kernel[] = [
  aggregate("calc_sum", "Sum of sizes", "sum(size)"),
  {
    id: "calc_ohlcv",
    title: "One-minute candles: open, high, low, close, volume",
    share: 1,
    timed: ({ table }) => `select ${candle} as v from ${table} group by date_trunc('minute', ts)`,
    compared: ({ table }) => `
      select (extract(epoch from date_trunc('minute', ts)))::int8 as k, ${candle} as v
      from ${table} group by date_trunc('minute', ts)`,
    note: "Grouping and sorting, alike in both types, are most of this work",
  },
  aggregate("calc_vwap", "Volume-weighted average price", "sum(price * size) / sum(size)"),
  aggregate("calc_stddev", "Standard deviation of prices", "stddev_pop(price)"),
  {
    id: "calc_row_arithmetic",
    title: "Fee and slippage of every tick",
    share: 1,
    timed: (typed) => `select ${fees(typed)} as v from ${typed.table}`,
    compared: (typed) => `select ${microsecond} as k, ${fees(typed)} as v from ${typed.table}`,
  },
  {
    id: "calc_moving_average",
    title: "Sliding average of the last 20 prices",
    share: averageShare,
    timed: (typed) => `select ${average} as v from ${firstPart(typed)}`,
    compared: (typed) => `select ${microsecond} as k, ${average} as v from ${firstPart(typed)}`,
    note:
      "float8 averages cannot take a value back out of a sliding frame, numeric's can; sums of prefixes avoid the frame",
  },
];
