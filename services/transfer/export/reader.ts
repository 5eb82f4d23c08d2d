import type { AnswerOf, Client } from "../../../client/client.ts";
import { HoldfastProblem } from "../../../client/problem.ts";
import { HoldfastError } from "../../../errors.ts";
import { refusalOf } from "../refusal.ts";

/** A tick as the API answers it. */
export type ExportedTick = AnswerOf<"listTicks">["ticks"][number];

export interface ExportRange {
  /** RFC 3339; included. */
  from?: string | undefined;
  /** RFC 3339; not included. */
  to?: string | undefined;
}

const pageTicks = 10_000;
const pageInstruments = 1_000;

/** Passes pages on; a problem becomes an error of ours. */
async function* told<Page>(pages: AsyncGenerator<Page>): AsyncGenerator<Page> {
  try {
    yield* pages;
  } catch (error) {
    if (!(error instanceof HoldfastProblem)) throw error;
    throw refusalOf(error, ({ status, message }) =>
      new HoldfastError(
        status === 404 ? "not_found" : "invalid_request",
        `Holdfast refused to answer (${status}): ${message}`,
      ));
  }
}

/** What a Holdfast knows of a symbol: how many instruments have and had it, and the living one's tick size. */
export interface KnownSymbol {
  living: number;
  deleted: number;
  tick_size: number | null;
}

/** Every symbol there is or was. */
export async function listSymbols(client: Client): Promise<Map<string, KnownSymbol>> {
  const symbols = new Map<string, KnownSymbol>();
  const query = { deleted: true, limit: pageInstruments };
  for await (const { instruments } of told(client.pages("listInstruments", { query }))) {
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

/** The ticks of one symbol in order of time and arrival, page by page. */
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
  for await (const { ticks } of told(client.pages("listTicks", { query }))) {
    if (ticks.length > 0) yield ticks;
  }
}

/**
 * The ticks of the given symbols, one symbol after the other: so the index has them, and so a page costs the same
 * however much came before.
 */
export async function* readTicks(
  client: Client,
  symbols: Iterable<string>,
  range: ExportRange,
): AsyncGenerator<ExportedTick[]> {
  for (const symbol of symbols) yield* readSymbol(client, symbol, range);
}
