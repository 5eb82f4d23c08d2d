import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { StartError } from "../../errors.ts";
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

function streamOf(path: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  return Readable.toWeb(createReadStream(path)) as unknown as ReadableStream<
    Uint8Array<ArrayBuffer>
  >;
}

/** SHA-256 of the file's bytes: the same file is known again under any name. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of streamOf(path)) hash.update(chunk);
  return hash.digest("hex");
}

/** Reads a file as batches of `batchRows` lines, each a body of its own: CSV gets its header every time. */
export async function* readBatches(file: SourceFile, batchRows: number): AsyncGenerator<FileBatch> {
  let bytesRead = 0;
  const counted = streamOf(file.path).pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        bytesRead += chunk.length;
        controller.enqueue(chunk);
      },
    }),
  );
  const plain = file.gzip ? counted.pipeThrough(new DecompressionStream("gzip")) : counted;
  let header: string | undefined;
  let lines: string[] = [];
  let index = 0;
  const take = (): FileBatch => {
    const text = `${header === undefined ? "" : `${header}\n`}${lines.join("\n")}\n`;
    const batch = { index: index++, rows: lines.length, text, bytesRead };
    lines = [];
    return batch;
  };
  for await (const some of readLines(plain)) {
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
