import { type FileHandle, open } from "node:fs/promises";
import {
  type AsyncBuffer,
  type DecodedArray,
  parquetMetadataAsync,
  parquetSchema,
} from "hyparquet";
import { HoldfastError, messageOf } from "../../../errors.ts";
import { type ParquetPlan, planParquet } from "./parquet_columns.ts";
import { checkChunk, damaged, pagesOf, readChunk } from "./parquet_values.ts";
import type { FileBatch, SourceFile } from "./source.ts";

/** Reads byte ranges of a file. */
function openRanges(handle: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = new Uint8Array(Math.max(0, end - start));
      let at = 0;
      while (at < bytes.length) {
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at);
        if (bytesRead === 0) throw new Error("the file is incomplete");
        at += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

/** Reads and checks the metadata of a file. Throws a HoldfastError when it is damaged. */
async function describe(file: AsyncBuffer, source: SourceFile): Promise<ParquetPlan> {
  const mark = file.byteLength < 4 ? "" : await file.slice(file.byteLength - 4);
  if (mark && new TextDecoder("latin1").decode(mark) === "PARE") {
    throw damaged("The file is encrypted; encrypted files cannot be read");
  }
  let plan: ParquetPlan;
  try {
    const metadata = await parquetMetadataAsync(file, { geoparquet: false });
    // The reader builds this tree for each chunk and fails on missing columns.
    parquetSchema(metadata);
    plan = planParquet(metadata, source);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw damaged(`The Parquet file is damaged or incomplete: ${messageOf(error)}`, error);
  }
  const groups = rowsOfGroups(plan);
  const total = Number(plan.metadata.num_rows);
  if (groups.some((rows) => rows < 0) || groups.reduce((sum, rows) => sum + rows, 0) !== total) {
    throw damaged(
      "The Parquet file is damaged or incomplete: its row groups do not match its number of rows",
    );
  }
  return plan;
}

const rowsOfGroups = ({ metadata }: ParquetPlan) =>
  metadata.row_groups.map((group) => Number(group.num_rows));

/** A row group that has rows. */
interface Group {
  group: number;
  rows: number;
  rowsBefore: number;
}

function* groupsOf(plan: ParquetPlan): Generator<Group> {
  let rowsBefore = 0;
  for (const [group, rows] of rowsOfGroups(plan).entries()) {
    if (rows > 0) yield { group, rows, rowsBefore };
    rowsBefore += rows;
  }
}

/**
 * Reads the complete file once without keeping it: its metadata, the pages of every column that is used, and their values.
 * An import after it cannot fail halfway.
 */
export async function inspectParquet(
  source: SourceFile,
  { signal, onRead }: { signal?: AbortSignal; onRead?: (fraction: number) => void } = {},
): Promise<ParquetPlan> {
  const handle = await open(source.path);
  try {
    const file = openRanges(handle, source.bytes);
    const plan = await describe(file, source);
    const { columns, metadata } = plan;
    const total = Number(metadata.num_rows) * columns.length;
    let read = 0;
    for (const group of groupsOf(plan)) {
      for (const column of columns) {
        const chunk = await readChunk(file, metadata, { ...group, column });
        checkChunk(metadata, chunk);
        for (const page of pagesOf(metadata, chunk)) {
          signal?.throwIfAborted();
          read += page.length;
          onRead?.(read / total);
        }
      }
    }
    return plan;
  } finally {
    await handle.close();
  }
}

/** Creates a function that returns the values of a column one by one, as JSON. */
function createCursor(pages: Iterator<DecodedArray>, toJson: (value: unknown) => string) {
  let page: DecodedArray = [];
  let at = 0;
  return (): string => {
    while (at >= page.length) {
      const { done, value } = pages.next();
      if (done) return "null";
      page = value;
      at = 0;
    }
    return toJson(page[at++]);
  };
}

/** Creates a function that returns the rows of a row group one by one, as lines of NDJSON. */
async function openGroup(
  file: AsyncBuffer,
  { metadata, columns }: ParquetPlan,
  group: Group,
): Promise<() => string> {
  const cells: { key: string; next: () => string }[] = [];
  for (const column of columns) {
    const chunk = await readChunk(file, metadata, { ...group, column });
    const key = `${cells.length === 0 ? "{" : ","}${JSON.stringify(column.key)}:`;
    cells.push({ key, next: createCursor(pagesOf(metadata, chunk), column.toJson) });
  }
  return () => {
    let line = cells.length === 0 ? "{" : "";
    for (const { key, next } of cells) line += key + next();
    return `${line}}`;
  };
}

/** Reads an inspected Parquet file as batches of NDJSON, row group by row group. */
export async function* readParquetBatches(
  { path, bytes }: SourceFile,
  plan: ParquetPlan,
  batchRows: number,
): AsyncGenerator<FileBatch> {
  const handle = await open(path);
  try {
    const file = openRanges(handle, bytes);
    const total = Number(plan.metadata.num_rows);
    let lines: string[] = [];
    let index = 0;
    let done = 0;
    const take = (): FileBatch => {
      const before = done - lines.length;
      const batch = {
        index: index++,
        rows: lines.length,
        text: `${lines.join("\n")}\n`,
        bytesRead: Math.round(bytes * done / total),
        placeOf: (line: number) => before + line,
      };
      lines = [];
      return batch;
    };
    for (const group of groupsOf(plan)) {
      const nextLine = await openGroup(file, plan, group);
      for (const end = done + group.rows; done < end;) {
        lines.push(nextLine());
        done++;
        if (lines.length >= batchRows) yield take();
      }
    }
    if (lines.length > 0) yield take();
  } finally {
    await handle.close();
  }
}
