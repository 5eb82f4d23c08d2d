import { type AsyncBuffer, type DecodedArray, type FileMetaData, parquetSchema } from "hyparquet";
import { parquetHeader, readPage } from "hyparquet/src/column.js";
import { convert, DEFAULT_PARSERS } from "hyparquet/src/convert.js";
import { getTreePath } from "hyparquet/src/schema.js";
import { HoldfastError, messageOf } from "../../../errors.ts";
import { compressors } from "./decompress.ts";
import type { ParquetColumn } from "./parquet_columns.ts";
import { checkPages } from "./parquet_pages.ts";
import { NotText } from "./parquet_types.ts";

export function damaged(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError("malformed_body", message, { cause });
}

/** Strict, unlike the decoder of the library: invalid bytes must not become other text. */
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Decodes text; bytes that are not UTF-8 cause the refusal of their row, not of the file. */
function decodeText(bytes: Uint8Array): string | NotText {
  try {
    return decoder.decode(bytes);
  } catch {
    return new NotText(bytes);
  }
}

const parsers = {
  ...DEFAULT_PARSERS,
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && decodeText(bytes),
  timestampFromNanoseconds: (nanos: bigint | undefined) => nanos,
};

/** The bytes of one column of one row group. */
export interface ColumnChunk {
  column: ParquetColumn;
  group: number;
  /** Rows in the row group, and rows before it. */
  rows: number;
  rowsBefore: number;
  bytes: Uint8Array<ArrayBuffer>;
}

function metaOf({ row_groups }: FileMetaData, { name }: ParquetColumn, group: number) {
  return row_groups[group]?.columns.find((one) => one.meta_data?.path_in_schema[0] === name)
    ?.meta_data;
}

/** Reads the raw bytes of a column of a row group. */
export async function readChunk(
  file: AsyncBuffer,
  metadata: FileMetaData,
  { column, group, rows, rowsBefore }: Omit<ColumnChunk, "bytes">,
): Promise<ColumnChunk> {
  const where = `Cannot read column ${column.name} in row group ${group + 1}`;
  const meta = metaOf(metadata, column, group);
  if (!meta) throw damaged(`${where}: it is missing`);
  const offsets = [meta.dictionary_page_offset, meta.data_page_offset].map(Number);
  const start = Math.min(...offsets.filter((offset) => offset > 0));
  const end = start + Number(meta.total_compressed_size);
  if (!(start >= 4 && end >= start && end <= file.byteLength)) {
    throw damaged(`${where}: its offset is outside of the file`);
  }
  try {
    return { column, group, rows, rowsBefore, bytes: new Uint8Array(await file.slice(start, end)) };
  } catch (error) {
    throw damaged(`${where}: ${messageOf(error)}`, error);
  }
}

/** Refuses damaged pages before they are decoded. */
export function checkChunk(
  metadata: FileMetaData,
  { column, group, rows, bytes }: ColumnChunk,
): void {
  const meta = metaOf(metadata, column, group);
  if (!meta) return;
  const { total_uncompressed_size, type } = meta;
  const { optional, typeLength, name } = column;
  try {
    checkPages(bytes, { rows, optional, type, typeLength, total_uncompressed_size });
  } catch (error) {
    throw damaged(
      `Cannot read column ${name} in row group ${group + 1}: ${messageOf(error)}`,
      error,
    );
  }
}

/** Yields the values of a checked chunk page by page; only one page is decoded at a time. */
export function* pagesOf(
  metadata: FileMetaData,
  { column, group, rows, rowsBefore, bytes }: ColumnChunk,
): Generator<DecodedArray> {
  const { name, plain } = column;
  const meta = metaOf(metadata, column, group);
  if (!meta) return;
  let schemaPath: ReturnType<typeof getTreePath>;
  try {
    schemaPath = getTreePath(parquetSchema(metadata), [name]);
  } catch (error) {
    throw damaged(`Cannot read column ${name}: ${messageOf(error)}`, error);
  }
  const element = schemaPath.at(-1)?.element;
  if (!element) return;
  const columnDecoder = {
    ...meta,
    pathInSchema: meta.path_in_schema,
    element,
    schemaPath,
    compressors,
    parsers,
    utf8: !plain,
  };
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
  let dictionary: DecodedArray | undefined;
  let seen = 0;
  while (seen < rows) {
    let values: DecodedArray | undefined;
    try {
      const header = parquetHeader(reader);
      const { data } = readPage(reader, header, columnDecoder, dictionary, undefined, 0);
      if (header.type === "DICTIONARY_PAGE") {
        if (data) dictionary = convert(data, columnDecoder);
        continue;
      }
      values = data;
    } catch (error) {
      const row = rowsBefore + seen + 1;
      throw damaged(`Cannot read column ${name} from row ${row} on: ${messageOf(error)}`, error);
    }
    if (!values || values.length === 0) continue; // an empty page; a chunk without further pages throws
    seen += values.length;
    yield values;
  }
}
