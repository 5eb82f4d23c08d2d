import type { SymbolEntry } from "../../../db/market/instruments.ts";
import type { KnownSymbol } from "../export/reader.ts";
import { type FirewallLimits, judgeTicks } from "../../ingest/judge/firewall.ts";
import { isOwnForm, readMappingOptions } from "../../ingest/parse/mapping/options.ts";
import { parseCsv } from "../../ingest/parse/parse_csv.ts";
import { parseNdjson } from "../../ingest/parse/parse_ndjson.ts";
import type { RowBatch } from "../../ingest/tick.ts";
import { dayOf } from "../../ingest/timestamp.ts";
import { batchRows, type RowProblem } from "./importer.ts";
import { prepareFile } from "./prepare.ts";
import type { FileBatch, SourceFile } from "./source.ts";

/** The outcome that an import of a file would have. */
export interface Verdict {
  file: SourceFile;
  bytesRead: number;
  rows: number;
  ticks: number;
  refused: number;
  /** The first few refused rows. */
  problems: RowProblem[];
  /** In order of appearance. */
  symbols: string[];
  firstUs: number | undefined;
  lastUs: number | undefined;
  /** Days since 1970 that would need a partition. */
  days: Set<number>;
  /** Why the import would refuse the file or complete batches of it. */
  stops: string | undefined;
  /** Columns that are ignored. */
  leftOut: readonly string[];
}

const problemsKept = 20;
const parsers = { csv: parseCsv, ndjson: parseNdjson, parquet: parseNdjson };

async function* bytesOf(text: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  yield new TextEncoder().encode(text);
}

/** Collects the symbols of a file, each with a number in place of its instrument's id. */
function createSymbols(known: ReadonlyMap<string, KnownSymbol>) {
  const seen = new Map<string, SymbolEntry>();
  return {
    entries: seen as ReadonlyMap<string, SymbolEntry>,
    add(symbol: string): void {
      if (seen.has(symbol)) return;
      const found = known.get(symbol) ?? { living: 1, tick_size: null };
      const state = { deleted: found.living === 0, tick_size: found.tick_size };
      seen.set(symbol, { id: seen.size, symbol, ...state });
    },
  };
}

/**
 * Reads and judges a file as an import would, batch by batch with the same parsers and firewall, and stores nothing. Treats
 * symbols that are not `known` as new.
 */
export async function judgeFile(
  file: SourceFile,
  { known, limits, maxRows, signal, onProgress }: {
    known: ReadonlyMap<string, KnownSymbol>;
    limits: FirewallLimits;
    maxRows: number;
    signal: AbortSignal;
    onProgress: (verdict: Verdict) => void;
  },
): Promise<Verdict> {
  const symbols = createSymbols(known);
  const verdict: Verdict = {
    file,
    bytesRead: 0,
    rows: 0,
    ticks: 0,
    refused: 0,
    problems: [],
    symbols: [],
    firstUs: undefined,
    lastUs: undefined,
    days: new Set(),
    stops: undefined,
    leftOut: [],
  };

  function judge(batch: FileBatch, { ticks, refusals }: RowBatch): void {
    for (const { symbol } of ticks) symbols.add(symbol);
    const judged = judgeTicks(ticks, symbols.entries, limits);
    const all = [...refusals, ...judged.refusals].toSorted((a, b) => a.line - b.line);
    verdict.rows += batch.rows;
    verdict.refused += all.length;
    verdict.ticks += judged.stored.length;
    for (const { line, path, message } of all.slice(0, problemsKept - verdict.problems.length)) {
      verdict.problems.push({ place: batch.placeOf(line), path, message });
    }
    for (const { tsUs } of judged.stored) {
      if (!(tsUs >= (verdict.firstUs ?? Infinity))) verdict.firstUs = tsUs;
      if (!(tsUs <= (verdict.lastUs ?? -Infinity))) verdict.lastUs = tsUs;
      verdict.days.add(dayOf(tsUs));
    }
    if (all.length === batch.rows && all.every(({ malformed }) => malformed)) {
      verdict.stops ??= batch.index === 0
        ? `no row of its first ${batch.rows} is a tick: the import would refuse the file`
        : `no row from ${batch.placeOf(1)} to ${
          batch.placeOf(batch.rows)
        } is a tick: the import would skip them, not quarantine them`;
    }
  }

  const prepared = await prepareFile(file, { signal });
  verdict.leftOut = prepared.leftOut;
  const mapping = isOwnForm(prepared.mapping) ? undefined : readMappingOptions(prepared.mapping);
  for await (const batch of prepared.batches(batchRows)) {
    signal.throwIfAborted();
    const options = { batchRows: batch.rows + 1, maxRows, mapping };
    for await (const rows of parsers[file.format](bytesOf(batch.text), options)) judge(batch, rows);
    verdict.bytesRead = batch.bytesRead;
    onProgress(verdict);
  }
  verdict.symbols = [...symbols.entries.keys()];
  return verdict;
}
