import type { ParsedTick } from "../../tick.ts";
import { idMax, isWithinBounds, labelMax, symbolMax } from "../../tick.ts";
import { createRowReader, type RowReader } from "./row_reader.ts";
import type { ByteScanner } from "./scanner.ts";

const quote = 0x22;
const space = 0x20;
const bytesOf = (text: string) => new TextEncoder().encode(text);
const nullWord = bytesOf("null");

const keys = {
  ts: bytesOf('ts"'),
  symbol: bytesOf('symbol"'),
  price: bytesOf('price"'),
  size: bytesOf('size"'),
  exchange: bytesOf('exchange"'),
  side: bytesOf('side"'),
  trade_id: bytesOf('trade_id"'),
};
const seenTs = 1, seenSymbol = 2, seenPrice = 4, seenSize = 8;
const seenExchange = 16, seenSide = 32, seenTradeId = 64;
const seenRequired = seenTs | seenSymbol | seenPrice | seenSize;

/** Reads a key after its opening quote; 0 when it is not a key of a tick. */
function readKey(scanner: ByteScanner): number {
  switch (scanner.bytes[scanner.at]) {
    case 0x70:
      return scanner.word(keys.price) ? seenPrice : 0;
    case 0x65:
      return scanner.word(keys.exchange) ? seenExchange : 0;
    case 0x74:
      return scanner.word(keys.ts) ? seenTs : scanner.word(keys.trade_id) ? seenTradeId : 0;
    case 0x73:
      if (scanner.word(keys.symbol)) return seenSymbol;
      return scanner.word(keys.size) ? seenSize : scanner.word(keys.side) ? seenSide : 0;
    default:
      return 0;
  }
}

/** Reads a string without escapes; undefined for anything else. */
function readString(scanner: ByteScanner, longest: number): string | undefined {
  if (!scanner.skip(quote)) return undefined;
  const text = scanner.label(quote, quote, longest);
  scanner.at++;
  return text;
}

/** Reads a string without escapes, or null. */
function readOptional(scanner: ByteScanner, longest: number): string | null | undefined {
  return scanner.word(nullWord) ? null : readString(scanner, longest);
}

function readTime(scanner: ByteScanner): number {
  if (!scanner.skip(quote)) return NaN;
  const us = scanner.timestamp();
  return scanner.skip(quote) ? us : NaN;
}

/**
 * Creates a reader of ticks written as plain JSON objects, one per line. It returns the tick and leaves the scanner on the
 * next line, or returns undefined for everything else.
 */
export function createJsonRowReader(scanner: ByteScanner): RowReader {
  function read(line: number): ParsedTick | undefined {
    let tsUs = NaN, price = NaN, size = NaN;
    let symbol: string | undefined;
    let exchange: string | null | undefined = null;
    let side: string | null | undefined = null;
    let tradeId: string | null | undefined = null;
    let seen = 0;
    if (!scanner.skip(0x7b)) return undefined;
    do {
      scanner.skip(space);
      if (!scanner.skip(quote)) return undefined;
      const key = readKey(scanner);
      if (key === 0 || (seen & key) !== 0 || !scanner.skip(0x3a)) return undefined;
      seen |= key;
      scanner.skip(space);
      if (key === seenTs) tsUs = readTime(scanner);
      else if (key === seenSymbol) symbol = readString(scanner, symbolMax);
      else if (key === seenPrice) price = scanner.number();
      else if (key === seenSize) size = scanner.number();
      else if (key === seenExchange) exchange = readOptional(scanner, labelMax);
      else if (key === seenSide) side = readOptional(scanner, labelMax);
      else if (scanner.bytes[scanner.at] === quote) tradeId = readString(scanner, idMax);
      else tradeId = scanner.word(nullWord) ? null : scanner.wholeText();
    } while (scanner.skip(0x2c));
    if (!scanner.skip(0x7d) || !scanner.skipLineEnd()) return undefined;
    if ((seen & seenRequired) !== seenRequired) return undefined;
    // NaN fails each comparison, so one number that was not read is enough.
    if (!(tsUs >= 0) || !isWithinBounds(price) || !isWithinBounds(size)) return undefined;
    if (!symbol || exchange === undefined || side === undefined || tradeId === undefined) {
      return undefined;
    }
    return { line, instrumentId: 0, tsUs, symbol, price, size, exchange, side, tradeId };
  }

  return createRowReader(scanner, read);
}
