import type { ParsedTick } from "../../tick.ts";
import type { ByteScanner } from "./scanner.ts";

/** Reads ticks line by line from a block of bytes. */
export interface RowReader {
  /** Where the next line begins, after a tick was read. */
  readonly next: number;
  /** The tick of the line that begins at `at`; undefined for one that must be read the long way. */
  read(block: Uint8Array, at: number, line: number): ParsedTick | undefined;
}

/** A reader whose lines are read by `readLine`, from where the scanner stands. */
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
