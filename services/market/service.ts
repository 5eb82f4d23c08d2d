import { type CandleInterval, type CandleRow, listCandles } from "../../db/market/candles.ts";
import { findBySymbol } from "../../db/market/instruments.ts";
import { listTicks, type TickRow } from "../../db/market/ticks.ts";
import type { Sql } from "../../db/connection.ts";
import { HoldfastError } from "../../errors.ts";
import { earliestUs, latestUs, parseTimestamp } from "../ingest/timestamp.ts";
import { cursorParts } from "../../lib/paging/cursor.ts";
import { type Page, readPage } from "../../lib/paging/page.ts";
import type { MarketReads, ReadSource } from "./reads/service.ts";

export interface TickPageQuery {
  symbol: string;
  from?: string | undefined;
  to?: string | undefined;
  /** The greatest staleness; seconds, 0: none. That of the settings holds where it is less. */
  staleness_seconds?: number | undefined;
  limit: number;
  order: "asc" | "desc";
  cursor?: string | undefined;
}

export interface CandlePageQuery {
  symbol: string;
  interval: CandleInterval;
  from?: string | undefined;
  to?: string | undefined;
  /** As in `TickPageQuery`. */
  staleness_seconds?: number | undefined;
  limit: number;
  cursor?: string | undefined;
}

/** A page, and which server it was read from; undefined where no standby is set. */
export type SourcedPage<T> = Page<T> & { source: ReadSource | undefined };

/** Reads market data. */
export interface Market {
  ticks(query: TickPageQuery): Promise<SourcedPage<TickRow>>;
  candles(query: CandlePageQuery): Promise<SourcedPage<CandleRow>>;
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

const boundMsOf = (seconds: number | undefined) =>
  seconds === undefined ? {} : { boundMs: seconds * 1_000 };

async function idOf(sql: Sql, symbol: string): Promise<number> {
  const instrument = await findBySymbol(sql, symbol);
  if (!instrument) throw new HoldfastError("not_found", `No instrument has the symbol ${symbol}`);
  return instrument.id;
}

export function createMarket({ reads }: { reads: Pick<MarketReads, "read"> }): Market {
  return {
    async ticks({ symbol, order, from, to, staleness_seconds: seconds, ...query }) {
      let source: ReadSource | undefined;
      const range = { fromUs: boundOf("from", from), toUs: boundOf("to", to) };
      const { rows, next_cursor } = await readPage(query, {
        parts: [cursorParts.time, cursorParts.number],
        read: async (after, limit) => {
          const read = await reads.read(async (sql) =>
            listTicks(sql, {
              instrumentId: await idOf(sql, symbol),
              ...range,
              limit,
              descending: order === "desc",
              after: after && { tsUs: parseTimestamp(after[0]), seq: after[1] },
            }), boundMsOf(seconds));
          source = read.source;
          return read.answer;
        },
        positionOf: (row) => [row.ts, row.seq],
      });
      return {
        rows: rows.map((tick) => ({ ...tick, ts: trimMicroseconds(tick.ts) })),
        next_cursor,
        source,
      };
    },
    async candles({ symbol, interval, from, to, staleness_seconds: seconds, ...query }) {
      let source: ReadSource | undefined;
      const range = { fromUs: boundOf("from", from), toUs: boundOf("to", to) };
      const page = await readPage(query, {
        parts: [cursorParts.time],
        read: async (after, limit) => {
          const read = await reads.read(async (sql) =>
            listCandles(sql, {
              instrumentId: await idOf(sql, symbol),
              interval,
              ...range,
              afterUs: after && parseTimestamp(after[0]),
              limit,
            }), boundMsOf(seconds));
          source = read.source;
          return read.answer;
        },
        positionOf: (row) => [row.ts],
      });
      return { ...page, source };
    },
  };
}
