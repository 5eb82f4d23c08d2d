import type { ParsedTick } from "../../tick.ts";
import type { ByteScanner } from "./scanner.ts";

/** Reads ticks line by line from a block of bytes. */
export interface RowReader {
  /** Where the line after the last tick read begins. */
  readonly next: number;
  /** Returns the tick of the line that begins at `at`; undefined when the full parser must read the line. */
  read(block: Uint8Array, at: number, line: number): ParsedTick | undefined;
}

/** Creates a reader whose `readLine` reads from the position of the scanner. */
export function createRowReader(
  scanner: ByteScanner,
  readLine: (line: number) => ParsedTick | undefined,
): RowReader {
  return {
    get next() {
      return scanner.at;
    },
    read(block, at, line) {
      scanner.bytes = block;
      scanner.at = at;
      return readLine(line);
    },
  };
}
