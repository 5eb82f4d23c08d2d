import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { StartError } from "../../errors.ts";
import { gunzip } from "../ingest/gunzip.ts";
import { readLines } from "../ingest/lines.ts";

export type FileFormat = "csv" | "ndjson";

export interface SourceFile {
  path: string;
  format: FileFormat;
  gzip: boolean;
  bytes: number;
}

/** One request's worth of a file. */
export interface FileBatch {
  index: number;
  rows: number;
  text: string;
  /** Bytes of the file read so far, compressed where it is. */
  bytesRead: number;
}

const formats: Record<string, FileFormat> = { csv: "csv", ndjson: "ndjson", jsonl: "ndjson" };

/** Looks at a file's name and size; throws a StartError that names what can be read. */
export async function openSource(path: string): Promise<SourceFile> {
  const gzip = path.toLowerCase().endsWith(".gz");
  const extension = (gzip ? path.slice(0, -3) : path).split(".").pop()?.toLowerCase() ?? "";
  const format = formats[extension];
  if (!format) {
    throw new StartError(
      `Cannot import ${path}: the name must end in .csv, .ndjson or .jsonl, each also .gz`,
    );
  }
  try {
    return { path, format, gzip, bytes: (await stat(path)).size };
  } catch (cause) {
    throw new StartError(`Cannot import ${path}: it cannot be read`, { cause });
  }
}

/** The file's content, decompressed; `seen` is shown its bytes as they are on disk. */
function contentOf(
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

/** Reads a file as batches of `batchRows` lines, each a body of its own: CSV gets its header every time. */
export async function* readBatches(file: SourceFile, batchRows: number): AsyncGenerator<FileBatch> {
  let bytesRead = 0;
  const content = contentOf(file, (chunk) => bytesRead += chunk.length);
  let header: string | undefined;
  let lines: string[] = [];
  let index = 0;
  const take = (): FileBatch => {
    const text = `${header === undefined ? "" : `${header}\n`}${lines.join("\n")}\n`;
    const batch = { index: index++, rows: lines.length, text, bytesRead };
    lines = [];
    return batch;
  };
  for await (const some of readLines(content)) {
    for (const line of some) {
      if (line.trim() === "") continue;
      if (file.format === "csv" && header === undefined) {
        header = line;
        continue;
      }
      lines.push(line);
      if (lines.length >= batchRows) yield take();
    }
  }
  if (lines.length > 0) yield take();
}
