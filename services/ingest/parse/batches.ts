import { HoldfastError } from "../../../errors.ts";
import type { ByteScanner } from "./bytes/scanner.ts";
import type { MappingOptions } from "./mapping/options.ts";
import { isRefusal, type ParsedTick, type Refusal, type RowBatch } from "../tick.ts";

/** Bytes of blank lines in a row that a body may hold. */
const blankBytesMax = 1024 * 1024;

/** Gathers rows into batches of `size` and keeps count against the limit of one upload. */
export function createBatcher({ size, maxRows }: { size: number; maxRows: number }) {
  let batch: RowBatch = { ticks: [], refusals: [] };
  let total = 0;
  let blankBytes = 0;
  return {
    /** Counts a blank line of `bytes`, its end included; throws where they go on and on. */
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
    /** Hands out what was gathered and starts anew. */
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
  /** Shared by all parsers of a process; one of its own costs a parser more than a small body. */
  scanner?: ByteScanner;
  /** How columns or keys become fields; undefined for Holdfast's own form. */
  mapping?: MappingOptions | undefined;
  /** The clock by which a time may be no time; milliseconds since 1970. */
  nowMs?: number;
}
