import { type CandleInterval, type CandleRow, listCandles } from "../../db/market/candles.ts";
import { findBySymbol, type InstrumentRow } from "../../db/market/instruments.ts";
import { listTicks, type TickRow } from "../../db/market/ticks.ts";
import type { Pool } from "../../db/pool/pool.ts";
import { HoldfastError } from "../../errors.ts";
import { earliestUs, latestUs, parseTimestamp } from "../ingest/timestamp.ts";
import { cursorParts, readCursor, writeCursor } from "./cursor.ts";

export interface Page<T> {
  rows: T[];
  nextCursor: string | null;
}

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

/** Returns a page of at most `limit` rows, with a cursor when `rows` has one more. */
export function pageOf<T>(rows: T[], limit: number, position: (row: T) => string[]): Page<T> {
  const last = rows.length > limit ? rows[limit - 1] : undefined;
  return { rows: rows.slice(0, limit), nextCursor: last ? writeCursor(position(last)) : null };
}

export function createMarket({ pool }: { pool: Pool }): Market {
  async function instrumentOf(symbol: string): Promise<InstrumentRow> {
    const instrument = await pool.run((sql) => findBySymbol(sql, symbol));
    if (!instrument) throw new HoldfastError("not_found", `No instrument has the symbol ${symbol}`);
    return instrument;
  }
  return {
    async ticks({ symbol, cursor, limit, order, from, to }) {
      const position = readCursor(cursor, [cursorParts.time, cursorParts.number]);
      const { id } = await instrumentOf(symbol);
      const rows = await pool.run((sql) =>
        listTicks(sql, {
          instrumentId: id,
          fromUs: boundOf("from", from),
          toUs: boundOf("to", to),
          limit: limit + 1,
          descending: order === "desc",
          after: position && { tsUs: parseTimestamp(position[0] ?? ""), seq: position[1] ?? "" },
        })
      );
      const { rows: ticks, nextCursor } = pageOf(rows, limit, (row) => [row.ts, row.seq]);
      return {
        rows: ticks.map((tick) => ({ ...tick, ts: trimMicroseconds(tick.ts) })),
        nextCursor,
      };
    },
    async candles({ symbol, cursor, limit, interval, from, to }) {
      const position = readCursor(cursor, [cursorParts.time]);
      const { id } = await instrumentOf(symbol);
      const rows = await pool.run((sql) =>
        listCandles(sql, {
          instrumentId: id,
          interval,
          fromUs: boundOf("from", from),
          toUs: boundOf("to", to),
          afterUs: position && parseTimestamp(position[0] ?? ""),
          limit: limit + 1,
        })
      );
      return pageOf(rows, limit, (row) => [row.ts]);
    },
  };
}
