import type { AnswerOf, Client } from "../../../client/client.ts";
import { HoldfastProblem } from "../../../client/problem.ts";
import { HoldfastError } from "../../../errors.ts";
import { refusalOf } from "../refusal.ts";

/** A tick as the API returns it. */
export type ExportedTick = AnswerOf<"listTicks">["ticks"][number];

export interface ExportRange {
  /** RFC 3339; included. */
  from?: string | undefined;
  /** RFC 3339; not included. */
  to?: string | undefined;
}

const pageTicks = 10_000;
const pageInstruments = 1_000;

/** Yields pages; throws a problem of the API as a HoldfastError. */
async function* pagesOf<Page>(pages: AsyncGenerator<Page>): AsyncGenerator<Page> {
  try {
    yield* pages;
  } catch (error) {
    if (!(error instanceof HoldfastProblem)) throw error;
    throw refusalOf(error, ({ status, message }) =>
      new HoldfastError(
        status === 404 ? "not_found" : "invalid_request",
        `Holdfast refused the request (${status}): ${message}`,
      ));
  }
}

/** How many instruments have a symbol, how many deleted ones had it, and its present tick size. */
export interface KnownSymbol {
  living: number;
  deleted: number;
  tick_size: number | null;
}

/** Returns every symbol of an instrument, deleted ones included. */
export async function listSymbols(client: Client): Promise<Map<string, KnownSymbol>> {
  const symbols = new Map<string, KnownSymbol>();
  const query = { deleted: true, limit: pageInstruments };
  for await (const { instruments } of pagesOf(client.pages("listInstruments", { query }))) {
    for (const { symbol, deleted_at, tick_size } of instruments) {
      const found = symbols.get(symbol) ?? { living: 0, deleted: 0, tick_size: null };
      if (deleted_at === null) {
        found.living++;
        found.tick_size = tick_size;
      } else found.deleted++;
      symbols.set(symbol, found);
    }
  }
  return symbols;
}

/** Yields the ticks of one symbol in order of time and arrival, page by page. */
async function* readSymbol(
  client: Client,
  symbol: string,
  { from, to }: ExportRange,
): AsyncGenerator<ExportedTick[]> {
  const query = {
    symbol,
    limit: pageTicks,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
  };
  for await (const { ticks } of pagesOf(client.pages("listTicks", { query }))) {
    if (ticks.length > 0) yield ticks;
  }
}

/**
 * Yields the ticks of the given symbols, one symbol after the other: in the order of the index, so that every page costs the
 * same.
 */
export async function* readTicks(
  client: Client,
  symbols: Iterable<string>,
  range: ExportRange,
): AsyncGenerator<ExportedTick[]> {
  for (const symbol of symbols) yield* readSymbol(client, symbol, range);
}
