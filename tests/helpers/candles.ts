import type { TestApp } from "./test_app.ts";
import type { Tick } from "./ticks.ts";

/** A candle as the API answers it. */
export interface Candle {
  ts: string;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
  trades: number;
}

const minute = 60_000;
export const day = 24 * 60 * minute;
export const widths = {
  "1m": minute,
  "5m": 5 * minute,
  "15m": 15 * minute,
  "1h": 60 * minute,
  "1d": day,
};
export type Interval = keyof typeof widths;
export const intervals = Object.keys(widths) as Interval[];

/** What a candle needs of a tick; times in whole milliseconds are compared, finer ones must come in order. */
export type Trade = Pick<Tick, "ts" | "price" | "size">;

/** Candles of ticks in order of arrival, in the plainest way. */
export function bruteForce(ticks: readonly Trade[], width: number): Candle[] {
  const buckets = new Map<number, Trade[]>();
  const inTime = ticks
    .map((one) => ({ one, at: Date.parse(one.ts) }))
    .sort((a, b) => a.at - b.at); // stable
  for (const { one, at } of inTime) {
    const start = Math.floor(at / width) * width;
    const bucket = buckets.get(start);
    if (bucket) bucket.push(one);
    else buckets.set(start, [one]);
  }
  return [...buckets].sort(([a], [b]) => a - b).map(([start, all]) => ({
    ts: `${new Date(start).toISOString().slice(0, 19)}Z`,
    open: all[0]?.price ?? NaN,
    high: all.reduce((high, { price }) => Math.max(high, price), -Infinity),
    low: all.reduce((low, { price }) => Math.min(low, price), Infinity),
    close: all.at(-1)?.price ?? NaN,
    volume: all.reduce((sum, { size }) => sum + size, 0),
    trades: all.length,
  }));
}

/** Every candle of a symbol, read page by page. */
export async function readCandles(
  app: TestApp,
  symbol: string,
  interval: string,
  query: Record<string, string> = {},
): Promise<Candle[]> {
  const candles: Candle[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const parameters = new URLSearchParams({ symbol, interval, ...query });
    if (cursor !== "") parameters.set("cursor", cursor);
    const page: { candles: Candle[]; next_cursor: string | null } = await app.json(
      `/api/candles?${parameters}`,
    );
    candles.push(...page.candles);
    cursor = page.next_cursor;
  }
  return candles;
}
