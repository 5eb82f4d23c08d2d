import { createReadStream } from "node:fs";
import { gunzip } from "../../../services/ingest/parse/gunzip.ts";
import { parseCsv } from "../../../services/ingest/parse/parse_csv.ts";
import type { ParsedTick } from "../../../services/ingest/tick.ts";
import { formatTimestamp } from "../../../services/ingest/timestamp.ts";
import { createTickSource, decimalOf } from "../../cases/ticks.ts";

/** The same rows in the format of each arm. */
export interface Rows {
  name: string;
  ticks: ParsedTick[];
  symbols: string[];
  /** Lines without line ends; the CSV without its header. */
  ndjson: string[];
  csv: string[];
}

export const csvHeader = "ts,symbol,price,size,exchange\n";
const generatedRows = 400_000;

async function* chunksOf(path: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for await (const chunk of createReadStream(path)) yield chunk as Uint8Array<ArrayBuffer>;
}

async function readTicks(path: string): Promise<ParsedTick[]> {
  const bytes = path.endsWith(".gz") ? gunzip(chunksOf(path)) : chunksOf(path);
  const ticks: ParsedTick[] = [];
  for await (const batch of parseCsv(bytes, { batchRows: 10_000, maxRows: Infinity })) {
    ticks.push(...batch.ticks);
  }
  return ticks;
}

function generate(): ParsedTick[] {
  return createTickSource(1).next(generatedRows).map((tick, at) => ({
    line: at + 1,
    instrumentId: 0,
    tsUs: tick.tsUs,
    symbol: tick.symbol,
    price: Number(decimalOf(tick.priceCents)),
    size: tick.size,
    exchange: tick.exchange,
    side: null,
    tradeId: null,
  }));
}

/** Loads the ticks of a CSV file (also .gz), or generates some, in every format. */
export async function loadRows(path: string | undefined): Promise<Rows> {
  const ticks = path ? await readTicks(path) : generate();
  const fields = ticks.map((tick) => ({ ...tick, ts: formatTimestamp(tick.tsUs) }));
  return {
    name: path?.split("/").pop() ?? "generated, seed 1",
    ticks,
    symbols: [...new Set(ticks.map(({ symbol }) => symbol))],
    ndjson: fields.map(({ ts, symbol, price, size, exchange }) =>
      JSON.stringify({ ts, symbol, price, size, exchange })
    ),
    csv: fields.map(({ ts, symbol, price, size, exchange }) =>
      `${ts},${symbol},${price},${size},${exchange ?? ""}`
    ),
  };
}
