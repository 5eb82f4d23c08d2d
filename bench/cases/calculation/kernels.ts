/** The table of one arm, and the type of its constants. */
export interface Typed {
  table: string;
  type: "numeric" | "float8";
}

/** A calculation with the same text for both types, except for the casts. */
export interface Kernel {
  id: string;
  title: string;
  /** Share of the table that it reads, from 0 to 1: expensive kernels read less, so that all take about as long. */
  share: number;
  /** Returns the timed query, with a value `v` for each row or group. */
  timed(typed: Typed): string;
  /** Returns a query for the comparison of the types: the values with a key `k`, in more groups than the timed query. */
  compared(typed: Typed): string;
  /** A remark for readers of the figures. */
  note?: string;
  /** False for a kernel that informs but does not count. */
  counts?: boolean;
}

const microsecond = "(extract(epoch from ts) * 1000000)::int8";

/** Creates an aggregate over the table without groups, whose cost would be the same for both types. */
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

// Open and close come from one array: a second sort would cost more than the arithmetic.
const candle = `
  (array_agg(price order by ts))[1] + max(price) + min(price)
    + (array_agg(price order by ts))[count(*)] + sum(size)`;

const fees = ({ type }: Typed) =>
  `price * size - price * size * '0.0005'::${type} - (price + '0.01'::${type}) * '3.5'::${type}`;

const averageShare = 0.3;
const firstPart = ({ table }: Typed) => `
  (select ts, price from ${table} where ts < (
    select min(ts) + (max(ts) - min(ts)) * ${averageShare} from ${table})) as part`;

type Average = (typed: Typed) => { v: string; from: string };
const frame: Average = (typed) => ({
  v: "avg(price) over (order by ts rows between 19 preceding and current row)",
  from: firstPart(typed),
});
const prefixSums: Average = (typed) => ({
  v: `(total - lag(total, 20, '0'::${typed.type}) over (order by ts)) /
    least(row_number() over (order by ts), 20)`,
  from: `(select ts, sum(price) over (order by ts rows unbounded preceding) as total
    from ${firstPart(typed)}) as sums`,
});
/** The fastest form for each type, as measured: numeric can remove a value from a frame, float8 cannot. */
const quickest: Average = (typed) => (typed.type === "numeric" ? frame : prefixSums)(typed);

function movingAverage(average: Average, about: Pick<Kernel, "id" | "title" | "note" | "counts">) {
  const select = (typed: Typed, key: string) => {
    const { v, from } = average(typed);
    return `select ${key}${v} as v from ${from}`;
  };
  return {
    ...about,
    share: averageShare,
    timed: (typed: Typed) => select(typed, ""),
    compared: (typed: Typed) => select(typed, `${microsecond} as k, `),
  };
}

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
  movingAverage(quickest, {
    id: "calc_moving_average",
    title: "Sliding average of the last 20 prices, each type by its quickest formulation",
    note:
      "numeric by a sliding frame, float8 by differences of prefix sums: see calc_moving_average_*",
  }),
  movingAverage(frame, {
    id: "calc_moving_average_frame",
    title: "One change alone, the type: a sliding frame in both",
    counts: false,
    note:
      "Postgres cannot remove a value from a sliding float8 average, as it can for numeric, so it sums every window again",
  }),
  movingAverage(prefixSums, {
    id: "calc_moving_average_prefix",
    title: "One change alone, the type: prefix sums in both",
    counts: false,
  }),
];
