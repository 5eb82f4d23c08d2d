import { crc32 } from "node:zlib";
import type { ColumnMetaData, ParquetType } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";

/** A page that would make the reader loop or allocate without bound, because it trusts the header. */
class DamagedPage extends Error {}

/** Checks that the definition levels of a page (RLE hybrid, one bit per value) match its number of values. */
function checkLevels(bytes: Uint8Array, values: number): void {
  let at = 0;
  let seen = 0;
  while (seen < values) {
    let header = 0;
    for (let shift = 0;; shift += 7) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 28) throw new DamagedPage("its levels are incomplete");
      header += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    const packed = header % 2 === 1;
    const count = Math.floor(header / 2) * (packed ? 8 : 1);
    // Bit-packed runs are padded to eight values; an empty run would be an endless loop.
    if (count === 0 || seen + count > values + (packed ? 7 : 0)) {
      throw new DamagedPage("its levels do not match its number of values");
    }
    at += packed ? count / 8 : 1;
    seen += count;
  }
}

/** Returns the fewest bytes of a value in a dictionary page; text has a length prefix. */
function plainBytes(type: ParquetType, typeLength = 1): number {
  if (type === "FIXED_LEN_BYTE_ARRAY") return Math.max(1, typeLength);
  if (type === "INT96") return 12;
  return type === "INT64" || type === "DOUBLE" ? 8 : type === "BOOLEAN" ? 1 : 4;
}

/**
 * Checks the pages of one column of a row group against the metadata: sizes, numbers of values and, if present, checksums.
 * Throws when they differ.
 */
export function checkPages(
  bytes: Uint8Array<ArrayBuffer>,
  { rows, optional, typeLength, type: physical, total_uncompressed_size: whole }:
    & { rows: number; optional: boolean; typeLength: number | undefined }
    & Pick<ColumnMetaData, "total_uncompressed_size" | "type">,
): void {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
  let seen = 0;
  while (seen < rows) {
    if (reader.offset >= bytes.length) throw new DamagedPage("pages are missing");
    const header = parquetHeader(reader);
    const { type, compressed_page_size: size, uncompressed_page_size: full, crc } = header;
    const page = bytes.subarray(reader.offset, reader.offset + size);
    // The size is that of the column chunk with its headers, so no page can be larger.
    if (!(size >= 0) || page.length !== size || !(full >= 0) || full > Number(whole)) {
      throw new DamagedPage("a page is larger than its column");
    }
    if (crc !== undefined && crc >>> 0 !== crc32(page)) {
      throw new DamagedPage("a page's checksum is wrong");
    }
    reader.offset += size;
    if (type === "DICTIONARY_PAGE") {
      // A dictionary can hold more values than the row group has rows: pandas and polars write every category.
      const values = header.dictionary_page_header?.num_values ?? -1;
      if (values < 0 || values * plainBytes(physical, typeLength) > full) {
        throw new DamagedPage("its dictionary has fewer bytes than values");
      }
      continue;
    }
    if (type !== "DATA_PAGE" && type !== "DATA_PAGE_V2") continue;
    const v2 = header.data_page_header_v2;
    const levelEncoding = header.data_page_header?.definition_level_encoding;
    if (optional && !v2 && levelEncoding !== "RLE") {
      throw new DamagedPage(`its nulls are written as ${levelEncoding}, which cannot be read`);
    }
    const values = (type === "DATA_PAGE_V2" ? v2 : header.data_page_header)?.num_values ?? -1;
    if (values < 0 || seen + values > rows) throw new DamagedPage("a page has too many values");
    if (v2) {
      const { num_rows, num_nulls, definition_levels_byte_length: levels } = v2;
      if (
        num_rows !== values || num_nulls < 0 || num_nulls > values || levels < 0 || levels > size
      ) {
        throw new DamagedPage("a page contradicts itself");
      }
      if (v2.repetition_levels_byte_length !== 0) throw new DamagedPage("a flat column repeats");
      if (optional) checkLevels(page.subarray(0, levels), values);
    }
    seen += values;
  }
}
