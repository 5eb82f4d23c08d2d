import { readLines } from "../ingest/parse/lines.ts";
import { readParquetBatches } from "./parquet.ts";
import { contentOf, type FileBatch, type SourceFile } from "./source.ts";

/** Reads a file of lines as batches, each a body of its own: CSV gets its header every time. */
async function* readLineBatches(file: SourceFile, batchRows: number): AsyncGenerator<FileBatch> {
  let bytesRead = 0;
  const content = contentOf(file, (chunk) => bytesRead += chunk.length);
  let header: string | undefined;
  let lines: string[] = [];
  /** Where the lines of this batch's text stand in the file: blank ones are left out of the text. */
  let places: number[] = [];
  let headerPlace = 0;
  let place = 0;
  let index = 0;
  const take = (): FileBatch => {
    const text = `${header === undefined ? "" : `${header}\n`}${lines.join("\n")}\n`;
    const where = header === undefined ? places : [headerPlace, ...places];
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
  for await (const some of readLines(content)) {
    for (const line of some) {
      place++;
      if (line.trim() === "") continue;
      if (file.format === "csv" && header === undefined) {
        header = line;
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

/** Reads a file as batches of `batchRows` rows, always cut in the same places. */
export function readBatches(file: SourceFile, batchRows: number): AsyncIterable<FileBatch> {
  return file.format === "parquet"
    ? readParquetBatches(file, batchRows)
    : readLineBatches(file, batchRows);
}
