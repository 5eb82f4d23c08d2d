import { type CandleInterval, type CandleRow, listCandles } from "../../db/market/candles.ts";
import { findBySymbol, type InstrumentRow } from "../../db/market/instruments.ts";
import { listTicks, type TickRow } from "../../db/market/ticks.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import { earliestUs, latestUs, parseTimestamp } from "../ingest/timestamp.ts";
import { cursorParts } from "../../lib/paging/cursor.ts";
import { type Page, readPage } from "../../lib/paging/page.ts";

export interface TickPageQuery {
  symbol: string;
  from?: string | undefined;
  to?: string | undefined;
  limit: number;
  order: "asc" | "desc";
  cursor?: string | undefined;
}

export interface CandlePageQuery {
  symbol: string;
  interval: CandleInterval;
  from?: string | undefined;
  to?: string | undefined;
  limit: number;
  cursor?: string | undefined;
}

/** Reads market data. */
export interface Market {
  ticks(query: TickPageQuery): Promise<Page<TickRow>>;
  candles(query: CandlePageQuery): Promise<Page<CandleRow>>;
}

/** Shortens a time to milliseconds when it has no finer digits. */
function trimMicroseconds(ts: string): string {
  return ts.endsWith("000Z") ? `${ts.slice(0, -4)}Z` : ts;
}

/** Returns a bound of a query in microseconds, limited to the range of ticks. Throws `invalid_request`. */
export function boundOf(path: "from" | "to", text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const us = parseTimestamp(text);
  if (Number.isNaN(us)) {
    throw new HoldfastError("invalid_request", `Cannot read ${path} as an RFC 3339 time`, {
      problems: [{ path, message: "must be an RFC 3339 time with an offset" }],
    });
  }
  return Math.min(Math.max(us, earliestUs), latestUs);
}

export function createMarket({ pool }: { pool: Pool }): Market {
  async function instrumentOf(symbol: string): Promise<InstrumentRow> {
    const instrument = await pool.run((sql) => findBySymbol(sql, symbol));
    if (!instrument) throw new HoldfastError("not_found", `No instrument has the symbol ${symbol}`);
    return instrument;
  }
  return {
    async ticks({ symbol, order, from, to, ...query }) {
      const { rows, next_cursor } = await readPage(query, {
        parts: [cursorParts.time, cursorParts.number],
        read: async (after, limit) => {
          const { id } = await instrumentOf(symbol);
          return await pool.run((sql) =>
            listTicks(sql, {
              instrumentId: id,
              fromUs: boundOf("from", from),
              toUs: boundOf("to", to),
              limit,
              descending: order === "desc",
              after: after && { tsUs: parseTimestamp(after[0]), seq: after[1] },
            })
          );
        },
        positionOf: (row) => [row.ts, row.seq],
      });
      return {
        rows: rows.map((tick) => ({ ...tick, ts: trimMicroseconds(tick.ts) })),
        next_cursor,
      };
    },
    candles: ({ symbol, interval, from, to, ...query }) =>
      readPage(query, {
        parts: [cursorParts.time],
        read: async (after, limit) => {
          const { id } = await instrumentOf(symbol);
          return await pool.run((sql) =>
            listCandles(sql, {
              instrumentId: id,
              interval,
              fromUs: boundOf("from", from),
              toUs: boundOf("to", to),
              afterUs: after && parseTimestamp(after[0]),
              limit,
            })
          );
        },
        positionOf: (row) => [row.ts],
      }),
  };
}
