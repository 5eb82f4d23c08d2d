import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { StartError } from "../../../errors.ts";
import type { WrittenOptions } from "../../ingest/parse/mapping/options.ts";
import { gunzip } from "../../ingest/parse/gunzip.ts";

export type FileFormat = "csv" | "ndjson" | "parquet";

export interface SourceFile {
  path: string;
  format: FileFormat;
  gzip: boolean;
  bytes: number;
  /** Reads Parquet timestamps without a zone as UTC; otherwise they are refused. */
  assumeUtc: boolean;
  /** Maps its columns or keys to fields, when they are not Holdfast's own. */
  mapping: WrittenOptions;
}

/** The rows of a file that one request uploads. */
export interface FileBatch {
  index: number;
  rows: number;
  text: string;
  /** Bytes of the file read so far, before decompression. */
  bytesRead: number;
  /** Returns the place in the file of a line of the batch: its line, or its row in Parquet, from 1. */
  placeOf(line: number): number;
}

const formats: Record<string, FileFormat> = {
  csv: "csv",
  ndjson: "ndjson",
  jsonl: "ndjson",
  parq: "parquet",
  parquet: "parquet",
  pq: "parquet",
  tsv: "csv",
  txt: "csv",
};

/** Reads a file's format from its name, and its size. Throws a StartError that lists the formats. */
export async function openSource(
  path: string,
  { assumeUtc = false, mapping = {} }: { assumeUtc?: boolean; mapping?: WrittenOptions } = {},
): Promise<SourceFile> {
  const gzip = path.toLowerCase().endsWith(".gz");
  const extension = (gzip ? path.slice(0, -3) : path).split(".").pop()?.toLowerCase() ?? "";
  const format = formats[extension];
  if (!format || (gzip && format === "parquet")) {
    throw new StartError(
      `Cannot import ${path}: the name must end in .csv, .tsv, .txt, .ndjson or .jsonl, each also .gz, or .parquet`,
    );
  }
  let found;
  try {
    found = await stat(path);
  } catch (cause) {
    throw new StartError(`Cannot import ${path}: it cannot be read`, { cause });
  }
  if (!found.isFile()) throw new StartError(`Cannot import ${path}: it is not a file`);
  return { path, format, gzip, bytes: found.size, assumeUtc, mapping };
}

/** Returns the decompressed content of a file; calls `seen` with its bytes as they are on disk. */
export function contentOf(
  { path, gzip }: SourceFile,
  seen: (chunk: Uint8Array) => void,
): AsyncIterable<Uint8Array<ArrayBuffer>> {
  async function* bytes() {
    for await (const chunk of createReadStream(path)) {
      seen(chunk);
      yield chunk as Uint8Array<ArrayBuffer>;
    }
  }
  return gzip ? gunzip(bytes()) : bytes();
}
