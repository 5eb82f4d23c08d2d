import { readLines } from "../../ingest/parse/lines.ts";
import { withLineFeeds } from "../../ingest/parse/line_ends.ts";
import { contentOf, type FileBatch, type SourceFile } from "./source.ts";

/** The first line of every batch of CSV. */
export interface BatchHeader {
  text: string;
  /** Whether it is a line of the file; otherwise the file has no header. */
  isInFile: boolean;
}

/** Yields the decoded lines of a file; calls `seen` with its bytes as they are on disk. */
export function linesOf(
  file: SourceFile,
  seen: (chunk: Uint8Array) => void,
): AsyncGenerator<string[]> {
  return readLines(withLineFeeds(contentOf(file, seen)));
}

/** Reads a file of lines as batches. Each is a complete body, so each batch of CSV has the header. */
export async function* readLineBatches(
  file: SourceFile,
  header: BatchHeader | undefined,
  batchRows: number,
): AsyncGenerator<FileBatch> {
  let bytesRead = 0;
  let lines: string[] = [];
  /** Line numbers in the file of the lines of this batch, which has no blank lines. */
  let places: number[] = [];
  let headerPlace = header?.isInFile ? undefined : 1;
  let place = 0;
  let index = 0;
  const take = (): FileBatch => {
    const text = `${header ? `${header.text}\n` : ""}${lines.join("\n")}\n`;
    const where = header ? [headerPlace ?? 1, ...places] : places;
    const batch = {
      index: index++,
      rows: lines.length,
      text,
      bytesRead,
      placeOf: (line: number) => where[line - 1] ?? line,
    };
    lines = [];
    places = [];
    return batch;
  };
  for await (const some of linesOf(file, (chunk) => bytesRead += chunk.length)) {
    for (const line of some) {
      place++;
      if (line.trim() === "") continue;
      if (header?.isInFile && headerPlace === undefined) {
        headerPlace = place;
        continue;
      }
      lines.push(line);
      places.push(place);
      if (lines.length >= batchRows) yield take();
    }
  }
  if (lines.length > 0) yield take();
}
