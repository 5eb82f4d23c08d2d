import { type FileHandle, open } from "node:fs/promises";
import {
  type AsyncBuffer,
  type DecodedArray,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
} from "hyparquet";
import { HoldfastError, messageOf } from "../../errors.ts";
import { compressors } from "./decompress.ts";
import { checkPages } from "./parquet_pages.ts";
import { type ParquetColumn, type ParquetPlan, planParquet } from "./parquet_columns.ts";
import { NotText } from "./parquet_types.ts";
import type { FileBatch, SourceFile } from "./source.ts";

/** Rows decoded at a time: a row group may hold millions, and a decoded row is many times its bytes. */
const sliceRows = 100_000;

function damaged(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError("malformed_body", message, { cause });
}

/** The file, read by ranges; what was read of the row group at hand is kept for its next slice. */
function openRanges(handle: FileHandle, byteLength: number): AsyncBuffer & { forget(): void } {
  const kept = new Map<string, Promise<ArrayBuffer>>();
  async function read(start: number, end: number): Promise<ArrayBuffer> {
    const bytes = new Uint8Array(Math.max(0, end - start));
    let at = 0;
    while (at < bytes.length) {
      const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at);
      if (bytesRead === 0) throw new Error("the file ends too early");
      at += bytesRead;
    }
    return bytes.buffer;
  }
  return {
    byteLength,
    slice(start, end = byteLength) {
      const key = `${start}-${end}`;
      const range = kept.get(key) ?? read(start, end);
      kept.set(key, range);
      return range;
    },
    forget: () => kept.clear(),
  };
}

/** Strict, unlike the reader's own: bytes that are not text must not become other text. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text, or what stands for bytes that are none: they spoil their row, not the file. */
function decodeText(bytes: Uint8Array): string | NotText {
  try {
    return decoder.decode(bytes);
  } catch {
    return new NotText(bytes);
  }
}

const parsers = {
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && decodeText(bytes),
  timestampFromNanoseconds: (nanos: bigint | undefined) => nanos,
};

/** Refuses a damaged column of a row group before the reader meets it. */
async function checkColumn(
  file: AsyncBuffer,
  { row_groups }: FileMetaData,
  { name, optional, typeLength }: ParquetColumn,
  group: number,
): Promise<void> {
  const found = row_groups[group];
  const meta = found?.columns.find((one) => one.meta_data?.path_in_schema[0] === name)?.meta_data;
  const where = `Cannot read column ${name} in row group ${group + 1}`;
  if (!found || !meta) throw damaged(`${where}: it is not there`);
  const { total_uncompressed_size, type } = meta;
  const pages = [meta.dictionary_page_offset, meta.data_page_offset].map(Number);
  const start = Math.min(...pages.filter((offset) => offset > 0));
  const end = start + Number(meta.total_compressed_size);
  try {
    if (!(start >= 4 && end >= start && end <= file.byteLength)) {
      throw new Error("it does not lie in the file");
    }
    const bytes = new Uint8Array(await file.slice(start, end));
    const rows = Number(found.num_rows);
    checkPages(bytes, { rows, optional, type, typeLength, total_uncompressed_size });
  } catch (error) {
    throw damaged(`${where}: ${messageOf(error)}`, error);
  }
}

/** The values of one column from row `from` to before `to`, through a function that is called in order. */
async function readColumn(
  file: AsyncBuffer,
  metadata: FileMetaData,
  { name, plain }: ParquetColumn,
  from: number,
  to: number,
): Promise<(row: number) => unknown> {
  const pages: { rowStart: number; rowEnd: number; columnData: DecodedArray }[] = [];
  try {
    await parquetRead({
      file,
      metadata,
      columns: [name],
      rowStart: from,
      rowEnd: to,
      compressors,
      parsers,
      utf8: !plain,
      onChunk: (page) => pages.push(page),
    });
  } catch (error) {
    throw damaged(`Cannot read column ${name} from row ${from + 1} on: ${messageOf(error)}`, error);
  }
  let next = from;
  for (const { rowStart, rowEnd } of pages) if (rowStart <= next) next = Math.max(next, rowEnd);
  if (next < to) throw damaged(`Column ${name} ends at row ${next}; the file says it has more`);
  let at = 0;
  return (row) => {
    while (row >= (pages[at]?.rowEnd ?? Infinity)) at++;
    const page = pages[at];
    return page?.columnData[row - page.rowStart];
  };
}

/** Reads one slice; rows are then asked for in order, as lines of NDJSON. */
async function readSlice(
  file: AsyncBuffer,
  { metadata, columns }: ParquetPlan,
  from: number,
  to: number,
): Promise<(row: number) => string> {
  const values: { key: string; jsonAt: (row: number) => string }[] = [];
  for (const column of columns) {
    const valueAt = await readColumn(file, metadata, column, from, to);
    const key = `${values.length === 0 ? "{" : ","}${JSON.stringify(column.key)}:`;
    values.push({ key, jsonAt: (row) => column.toJson(valueAt(row)) });
  }
  return (row) => {
    let line = "";
    for (const { key, jsonAt } of values) line += key + jsonAt(row);
    return `${line}}`;
  };
}

/** What the file says of itself, judged; damage that makes nonsense of it is the file's fault too. */
async function describe(file: AsyncBuffer, source: SourceFile): Promise<ParquetPlan> {
  const mark = file.byteLength < 4 ? "" : await file.slice(file.byteLength - 4);
  if (mark && new TextDecoder("latin1").decode(mark) === "PARE") {
    throw damaged("The file is encrypted; that is not read");
  }
  let plan: ParquetPlan;
  try {
    plan = planParquet(await parquetMetadataAsync(file, { geoparquet: false }), source);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw damaged(`It is not a whole Parquet file: ${messageOf(error)}`, error);
  }
  const groups = rowsOfGroups(plan);
  const total = Number(plan.metadata.num_rows);
  if (groups.some((rows) => rows < 0) || groups.reduce((sum, rows) => sum + rows, 0) !== total) {
    throw damaged("It is not a whole Parquet file: its row groups do not add up");
  }
  return plan;
}

const rowsOfGroups = ({ metadata }: ParquetPlan) =>
  metadata.row_groups.map((group) => Number(group.num_rows));

/** A slice of rows of one row group. */
interface Slice {
  group: number;
  from: number;
  to: number;
}

/** Cuts the row groups into slices; groups without rows have none. */
function* slicesOf(plan: ParquetPlan): Generator<Slice> {
  let start = 0;
  for (const [group, rows] of rowsOfGroups(plan).entries()) {
    const end = start + rows;
    for (let from = start; from < end; from += sliceRows) {
      yield { group, from, to: Math.min(from + sliceRows, end) };
    }
    start = end;
  }
}

/**
 * Reads the whole file once and keeps nothing of it, so that an import of it cannot fail amid: its description, the
 * pages of every column that is wanted, and their values.
 */
export async function inspectParquet(
  source: SourceFile,
  { signal, onRead }: { signal?: AbortSignal; onRead?: (fraction: number) => void } = {},
): Promise<ParquetPlan> {
  const handle = await open(source.path);
  try {
    const file = openRanges(handle, source.bytes);
    const plan = await describe(file, source);
    const total = Number(plan.metadata.num_rows);
    let checked = -1;
    for (const { group, from, to } of slicesOf(plan)) {
      signal?.throwIfAborted();
      if (group !== checked) {
        file.forget();
        for (const column of plan.columns) await checkColumn(file, plan.metadata, column, group);
        checked = group;
      }
      for (const column of plan.columns) await readColumn(file, plan.metadata, column, from, to);
      onRead?.(to / total);
    }
    return plan;
  } finally {
    await handle.close();
  }
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
    let group = 0;
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
    for (const slice of slicesOf(plan)) {
      if (slice.group !== group) file.forget();
      group = slice.group;
      const lineAt = await readSlice(file, plan, slice.from, slice.to);
      while (done < slice.to) {
        lines.push(lineAt(done++));
        if (lines.length >= batchRows) yield take();
      }
    }
    if (lines.length > 0) yield take();
  } finally {
    await handle.close();
  }
}
