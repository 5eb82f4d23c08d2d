import { encodeParquet } from "./encode_parquet.ts";
import type { ExportedTick } from "./reader.ts";

type Encoder = (pages: AsyncIterable<ExportedTick[]>) => AsyncIterable<string | Uint8Array>;

const columns = ["ts", "symbol", "price", "size", "exchange", "side", "trade_id"] as const;

/** Formats one field by RFC 4180; null is empty. */
function field(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

async function* encodeCsv(pages: AsyncIterable<ExportedTick[]>): AsyncGenerator<string> {
  yield `${columns.join(",")}\n`;
  for await (const ticks of pages) {
    yield ticks.map((tick) => `${columns.map((column) => field(tick[column])).join(",")}\n`)
      .join("");
  }
}

async function* encodeNdjson(pages: AsyncIterable<ExportedTick[]>): AsyncGenerator<string> {
  for await (const ticks of pages) {
    yield ticks.map((tick) => `${JSON.stringify(tick)}\n`).join("");
  }
}

export type ExportFormat = "csv" | "ndjson" | "parquet";

/** Encoders from pages of ticks to the chunks of a file. */
export const encoders: Record<ExportFormat, Encoder> = {
  csv: encodeCsv,
  ndjson: encodeNdjson,
  parquet: encodeParquet,
};
