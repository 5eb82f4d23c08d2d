import { HoldfastError } from "../../../errors.ts";
import type { ByteScanner } from "../bytes/scanner.ts";
import { isRefusal, type ParsedTick, type Refusal, type RowBatch } from "../tick.ts";

/** Gathers rows into batches of `size` and keeps count against the limit of one upload. */
export function createBatcher({ size, maxRows }: { size: number; maxRows: number }) {
  let batch: RowBatch = { ticks: [], refusals: [] };
  let total = 0;
  return {
    add(row: ParsedTick | Refusal): void {
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
}
