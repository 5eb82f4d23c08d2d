import type { TickRow } from "../../db/market/ticks.ts";
import { HoldfastError } from "../../errors.ts";
import { type Ask, wordsOf } from "../patience.ts";

/** A tick as the API answers it. */
export type ExportedTick = Omit<TickRow, "seq">;

export interface ExportRange {
  /** RFC 3339; included. */
  from?: string | undefined;
  /** RFC 3339; not included. */
  to?: string | undefined;
}

const pageTicks = 10_000;
const pageInstruments = 1_000;

async function get<T>(ask: Ask, path: string, query: Record<string, string>): Promise<T> {
  const { status, text } = await ask(`${path}?${new URLSearchParams(query)}`);
  if (status === 200) return JSON.parse(text);
  throw new HoldfastError(
    status === 404 ? "not_found" : "invalid_request",
    `Holdfast refused to answer (${status}): ${wordsOf(text)}`,
  );
}

interface InstrumentPage {
  instruments: { symbol: string; deleted_at: string | null; tick_size: number | null }[];
  next_cursor: string | null;
}

/** What a Holdfast knows of a symbol: how many instruments have and had it, and the living one's tick size. */
export interface KnownSymbol {
  living: number;
  deleted: number;
  tick_size: number | null;
}

/** Every symbol there is or was. */
export async function listSymbols(ask: Ask): Promise<Map<string, KnownSymbol>> {
  const symbols = new Map<string, KnownSymbol>();
  const query: Record<string, string> = { deleted: "true", limit: String(pageInstruments) };
  for (;;) {
    const page = await get<InstrumentPage>(ask, "/api/instruments", query);
    for (const { symbol, deleted_at, tick_size } of page.instruments) {
      const found = symbols.get(symbol) ?? { living: 0, deleted: 0, tick_size: null };
      if (deleted_at === null) {
        found.living++;
        found.tick_size = tick_size;
      } else found.deleted++;
      symbols.set(symbol, found);
    }
    if (page.next_cursor === null) return symbols;
    query.cursor = page.next_cursor;
  }
}

interface TickPage {
  ticks: ExportedTick[];
  next_cursor: string | null;
}

/** The ticks of one symbol in order of time and arrival, page by page; the next is fetched while one is used. */
async function* readSymbol(
  ask: Ask,
  symbol: string,
  { from, to }: ExportRange,
): AsyncGenerator<ExportedTick[]> {
  const query: Record<string, string> = { symbol, limit: String(pageTicks) };
  if (from !== undefined) query.from = from;
  if (to !== undefined) query.to = to;
  const fetchPage = (cursor?: string) => {
    const page = get<TickPage>(ask, "/api/ticks", { ...query, ...(cursor ? { cursor } : {}) });
    page.catch(() => {}); // it is awaited below, unless the export has ended before
    return page;
  };
  let next: Promise<TickPage> | undefined = fetchPage();
  while (next) {
    const { ticks, next_cursor }: TickPage = await next;
    next = next_cursor === null ? undefined : fetchPage(next_cursor);
    if (ticks.length > 0) yield ticks;
  }
}

/**
 * The ticks of the given symbols, one symbol after the other: so the index has them, and so a page costs the same
 * however much came before.
 */
export async function* readTicks(
  ask: Ask,
  symbols: Iterable<string>,
  range: ExportRange,
): AsyncGenerator<ExportedTick[]> {
  for (const symbol of symbols) yield* readSymbol(ask, symbol, range);
}
