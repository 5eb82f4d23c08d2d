import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { StartError } from "../../errors.ts";
import { gunzip } from "../ingest/parse/gunzip.ts";

export type FileFormat = "csv" | "ndjson" | "parquet";

export interface SourceFile {
  path: string;
  format: FileFormat;
  gzip: boolean;
  bytes: number;
  /** Takes Parquet timestamps without a zone as UTC; otherwise they are refused. */
  assumeUtc: boolean;
}

/** One request's worth of a file. */
export interface FileBatch {
  index: number;
  rows: number;
  text: string;
  /** Bytes of the file read so far, compressed where it is. */
  bytesRead: number;
  /** Where in the file a line of the batch's text stands: its line, or its row in Parquet, from 1. */
  placeOf(line: number): number;
}

const formats: Record<string, FileFormat> = {
  csv: "csv",
  ndjson: "ndjson",
  jsonl: "ndjson",
  parquet: "parquet",
};

/** Looks at a file's name and size; throws a StartError that names what can be read. */
export async function openSource(path: string, { assumeUtc = false } = {}): Promise<SourceFile> {
  const gzip = path.toLowerCase().endsWith(".gz");
  const extension = (gzip ? path.slice(0, -3) : path).split(".").pop()?.toLowerCase() ?? "";
  const format = formats[extension];
  if (!format || (gzip && format === "parquet")) {
    throw new StartError(
      `Cannot import ${path}: the name must end in .csv, .ndjson or .jsonl, each also .gz, or .parquet`,
    );
  }
  let found;
  try {
    found = await stat(path);
  } catch (cause) {
    throw new StartError(`Cannot import ${path}: it cannot be read`, { cause });
  }
  if (!found.isFile()) throw new StartError(`Cannot import ${path}: it is not a file`);
  return { path, format, gzip, bytes: found.size, assumeUtc };
}

/** The file's content, decompressed; `seen` is shown its bytes as they are on disk. */
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

/**
 * SHA-256 of the file's bytes: the same file is known again under any name. Gzip cut short is refused here, before
 * its first rows are stored: the whole file will have another hash.
 */
export async function hashFile(file: SourceFile): Promise<string> {
  const hash = createHash("sha256");
  for await (const _ of contentOf(file, (chunk) => hash.update(chunk)));
  return hash.digest("hex");
}
