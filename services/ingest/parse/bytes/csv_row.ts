import { idMax, isWithinBounds, labelMax, type ParsedTick, symbolMax } from "../../tick.ts";
import { createRowReader, type RowReader } from "./row_reader.ts";
import type { ByteScanner } from "./scanner.ts";

const comma = 0x2c;

export type CsvColumn = "ts" | "symbol" | "price" | "size" | "exchange" | "side" | "trade_id";

/**
 * Creates a reader of plain CSV records with columns in the given order. It returns the tick and leaves the scanner on the
 * next line, or returns undefined for everything else (quotes, text outside ASCII, faults).
 */
export function createCsvRowReader(
  scanner: ByteScanner,
  columns: readonly CsvColumn[],
): RowReader {
  const last = columns.length - 1;

  /** Reads a text field; undefined also when no comma or line end follows. */
  function text(column: number, longest: number): string | undefined {
    return column < last
      ? scanner.label(comma, comma, longest)
      : scanner.label(0x0a, 0x0d, longest, comma);
  }

  function read(line: number): ParsedTick | undefined {
    let tsUs = NaN, price = NaN, size = NaN;
    let symbol: string | undefined;
    let exchange: string | null = null;
    let side: string | null = null;
    let tradeId: string | null = null;
    for (let column = 0; column <= last; column++) {
      switch (columns[column]) {
        case "ts":
          tsUs = scanner.timestamp();
          break;
        case "price":
          price = scanner.number();
          break;
        case "size":
          size = scanner.number();
          break;
        case "symbol":
          symbol = text(column, symbolMax);
          break;
        case "exchange": {
          const label = text(column, labelMax);
          if (label === undefined) return undefined;
          exchange = label || null;
          break;
        }
        case "side": {
          const label = text(column, labelMax);
          if (label === undefined) return undefined;
          side = label || null;
          break;
        }
        case "trade_id": {
          const label = text(column, idMax);
          if (label === undefined) return undefined;
          tradeId = label || null;
          break;
        }
      }
      if (column < last && !scanner.skip(comma)) return undefined;
    }
    if (!scanner.skipLineEnd()) return undefined;
    // NaN fails each comparison, so one number that was not read is enough.
    if (!(tsUs >= 0) || !isWithinBounds(price) || !isWithinBounds(size) || !symbol) {
      return undefined;
    }
    return { line, instrumentId: 0, tsUs, symbol, price, size, exchange, side, tradeId };
  }

  return createRowReader(scanner, read);
}
