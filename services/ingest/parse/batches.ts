import { HoldfastError } from "../../../errors.ts";
import type { ByteScanner } from "./bytes/scanner.ts";
import type { MappingOptions } from "./mapping/options.ts";
import { isRefusal, type ParsedTick, type Refusal, type RowBatch } from "../tick.ts";

/** Bytes of blank lines in a row that a body may hold. */
const blankBytesMax = 1024 * 1024;

/** Collects rows into batches of `size` and enforces the row limit of one upload. */
export function createBatcher({ size, maxRows }: { size: number; maxRows: number }) {
  let batch: RowBatch = { ticks: [], refusals: [] };
  let total = 0;
  let blankBytes = 0;
  return {
    /** Counts a blank line of `bytes`, its end included. Throws when there are too many in a row. */
    skip(line: number, bytes: number): void {
      blankBytes += bytes;
      if (blankBytes <= blankBytesMax) return;
      const message = `more than ${blankBytesMax} bytes of blank lines`;
      throw new HoldfastError("malformed_body", `Line ${line} comes after ${message}`, {
        problems: [{ line, path: "line", message: `comes after ${message}` }],
      });
    },
    add(row: ParsedTick | Refusal): void {
      blankBytes = 0;
      if (++total > maxRows) {
        throw new HoldfastError("too_many_rows", `The body has more than ${maxRows} rows`);
      }
      if (isRefusal(row)) batch.refusals.push(row);
      else batch.ticks.push(row);
    },
    get full(): boolean {
      return batch.ticks.length + batch.refusals.length >= size;
    },
    /** Returns the batch and begins the next one. */
    take(): RowBatch {
      const taken = batch;
      batch = { ticks: [], refusals: [] };
      return taken;
    },
  };
}

export interface ParseOptions {
  batchRows: number;
  maxRows: number;
  /** Shared by all parsers of a process: a new one costs more than parsing a small body. */
  scanner?: ByteScanner;
  /** Maps columns or keys to fields; undefined for Holdfast's own format. */
  mapping?: MappingOptions | undefined;
  /** The time by which implausible times are recognized; milliseconds since 1970. */
  nowMs?: number;
}
