import { idMax, isWithinBounds, labelMax, type ParsedTick, symbolMax } from "../../tick.ts";
import { createRowReader, type RowReader } from "./row_reader.ts";
import type { ByteScanner } from "./scanner.ts";

const comma = 0x2c;

export type CsvColumn = "ts" | "symbol" | "price" | "size" | "exchange" | "side" | "trade_id";

/**
 * Makes a reader of plain CSV records whose columns come in the given order: answers the tick and leaves the
 * scanner on the next line, or answers undefined for whatever it does not know (quotes, other alphabets, faults).
 */
export function createCsvRowReader(
  scanner: ByteScanner,
  columns: readonly CsvColumn[],
): RowReader {
  const last = columns.length - 1;

  /** A text field; undefined for one without a comma or line end behind it, too. */
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
    // Comparisons that NaN fails, so that one unread number is enough.
    if (!(tsUs >= 0) || !isWithinBounds(price) || !isWithinBounds(size) || !symbol) {
      return undefined;
    }
    return { line, instrumentId: 0, tsUs, symbol, price, size, exchange, side, tradeId };
  }

  return createRowReader(scanner, read);
}
