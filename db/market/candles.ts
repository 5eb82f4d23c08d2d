import type { Sql } from "../connection.ts";
import { instant } from "./ticks.ts";
import { utcText } from "../utc_text.ts";

/**
 * One minute of one instrument, with the ticks of its open and its close. Times in microseconds. An arrival number is kept
 * as a base and an offset, because BigInt sums per tick are slow.
 */
export interface MinuteCandle {
  instrumentId: number;
  tsUs: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  trades: number;
  openTsUs: number;
  openBase: bigint;
  openAt: number;
  closeTsUs: number;
  closeBase: bigint;
  closeAt: number;
}

/** Returns an array literal. The driver would escape every element. */
function arrayOf(
  candles: readonly MinuteCandle[],
  pick: (candle: MinuteCandle) => number | bigint,
) {
  return `{${candles.map(pick).join(",")}}`;
}

/**
 * Merges candles into market.candles_1m. Merging is commutative: the open belongs to the least (ts, seq) and the close to
 * the greatest, so late ticks and concurrent writers produce the same candle. Rows must be sorted by (instrument, ts), so
 * that all writers lock in the same order.
 */
export async function mergeCandles(sql: Sql, candles: readonly MinuteCandle[]): Promise<void> {
  if (candles.length === 0) return;
  await sql`
    insert into market.candles_1m as c
      (instrument_id, ts, open, high, low, close, volume, trades, open_ts, open_seq, close_ts, close_seq)
    select
      n.instrument_id,
      timestamptz 'epoch' + n.ts * interval '1 microsecond',
      n.open,
      n.high,
      n.low,
      n.close,
      n.volume,
      n.trades,
      timestamptz 'epoch' + n.open_ts * interval '1 microsecond',
      n.open_seq,
      timestamptz 'epoch' + n.close_ts * interval '1 microsecond',
      n.close_seq
    from unnest(
      ${arrayOf(candles, (c) => c.instrumentId)}::int4[],
      ${arrayOf(candles, (c) => c.tsUs)}::int8[],
      ${arrayOf(candles, (c) => c.open)}::float8[],
      ${arrayOf(candles, (c) => c.high)}::float8[],
      ${arrayOf(candles, (c) => c.low)}::float8[],
      ${arrayOf(candles, (c) => c.close)}::float8[],
      ${arrayOf(candles, (c) => c.volume)}::float8[],
      ${arrayOf(candles, (c) => c.trades)}::int8[],
      ${arrayOf(candles, (c) => c.openTsUs)}::int8[],
      ${arrayOf(candles, (c) => c.openBase + BigInt(c.openAt))}::int8[],
      ${arrayOf(candles, (c) => c.closeTsUs)}::int8[],
      ${arrayOf(candles, (c) => c.closeBase + BigInt(c.closeAt))}::int8[]
    ) as n (instrument_id, ts, open, high, low, close, volume, trades, open_ts, open_seq, close_ts, close_seq)
    on conflict (instrument_id, ts) do update set
      open = case when (excluded.open_ts, excluded.open_seq) < (c.open_ts, c.open_seq)
        then excluded.open else c.open end,
      open_ts = least(c.open_ts, excluded.open_ts),
      open_seq = case when (excluded.open_ts, excluded.open_seq) < (c.open_ts, c.open_seq)
        then excluded.open_seq else c.open_seq end,
      close = case when (excluded.close_ts, excluded.close_seq) > (c.close_ts, c.close_seq)
        then excluded.close else c.close end,
      close_ts = greatest(c.close_ts, excluded.close_ts),
      close_seq = case when (excluded.close_ts, excluded.close_seq) > (c.close_ts, c.close_seq)
        then excluded.close_seq else c.close_seq end,
      high = greatest(c.high, excluded.high),
      low = least(c.low, excluded.low),
      volume = c.volume + excluded.volume,
      trades = c.trades + excluded.trades`;
}

export interface CandleRow {
  ts: string;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  trades: number;
}

export const candleIntervals = ["1m", "5m", "15m", "1h", "1d"] as const;
export type CandleInterval = (typeof candleIntervals)[number];

const widths: Record<CandleInterval, string> = {
  "1m": "1 minute",
  "5m": "5 minutes",
  "15m": "15 minutes",
  "1h": "1 hour",
  "1d": "1 day",
};

/**
 * Returns the candles of one instrument in UTC buckets, computed from its minutes: those that start at `fromUs` or later and
 * before `toUs`. Each is complete, because a candle cut by the range would be wrong.
 */
export async function listCandles(
  sql: Sql,
  { instrumentId, interval, fromUs, toUs, afterUs, limit }: {
    instrumentId: number;
    interval: CandleInterval;
    fromUs: number | undefined;
    toUs: number | undefined;
    /** Start of the last candle of the page before. */
    afterUs: number | undefined;
    limit: number;
  },
): Promise<CandleRow[]> {
  const width = sql`${widths[interval]}::interval`;
  const origin = sql`timestamptz '2000-01-01 00:00+00'`;
  const firstFrom = (us: number) =>
    sql`date_bin(${width}, ${instant(sql, us)} - interval '1 microsecond', ${origin}) + ${width}`;
  return await sql<CandleRow[]>`
    with minutes as (
      select
        c.*,
        date_bin(${width}, c.ts, ${origin}) as bucket
      from market.candles_1m as c
      where c.instrument_id = ${instrumentId}
        ${fromUs === undefined ? sql`` : sql`and c.ts >= ${firstFrom(fromUs)}`}
        ${toUs === undefined ? sql`` : sql`and c.ts < ${firstFrom(toUs)}`}
        ${afterUs === undefined ? sql`` : sql`and c.ts >= ${instant(sql, afterUs)} + ${width}`}
    )
    select
      ${sql.unsafe(utcText("bucket", 0))} as ts,
      (array_agg(open order by open_ts, open_seq))[1] as open,
      max(high) as high,
      min(low) as low,
      (array_agg(close order by close_ts desc, close_seq desc))[1] as close,
      sum(volume) as volume,
      sum(trades)::float8 as trades
    from minutes
    group by bucket
    order by bucket
    limit ${limit}`;
}
