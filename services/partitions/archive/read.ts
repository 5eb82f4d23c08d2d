import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";
import { type AsyncBuffer, type DecodedArray, parquetMetadataAsync, parquetRead } from "hyparquet";
import type { ContentColumn } from "../../../db/partitions/proof/content.ts";
import { compressors } from "../../transfer/import/decompress.ts";
import { addTallies, noRows, type Tally, tallyRow } from "../sealing/manifest.ts";
import { archiveColumn } from "./columns.ts";
import { joinRecord, type Value } from "./record.ts";

/** Rows handled before other work of the process runs: an archive must not keep requests waiting. */
export const rowsAtOnce = 500;

function openRanges(handle: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = new Uint8Array(Math.max(0, end - start));
      for (let at = 0; at < bytes.length;) {
        const { bytesRead } = await handle.read(bytes, at, bytes.length - at, start + at);
        if (bytesRead === 0) throw new Error("the file is truncated");
        at += bytesRead;
      }
      return bytes.buffer;
    },
  };
}

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Numbers are read unchanged: a Date would lose fractions of a millisecond. */
const parsers = {
  stringFromBytes: (bytes: Uint8Array | undefined) => bytes && decoder.decode(bytes),
  timestampFromMicroseconds: (micros: bigint | undefined) => micros,
  dateFromDays: (days: number | undefined) => days,
};

/** Returns the rows of an archive as record_send wrote them, a row group at a time. */
export async function* readArchive(
  path: string,
  columns: readonly ContentColumn[],
): AsyncGenerator<Uint8Array[]> {
  const ways = columns.map(archiveColumn);
  const handle = await open(path);
  try {
    const { size } = await handle.stat();
    const file = openRanges(handle, size);
    const metadata = await parquetMetadataAsync(file, { geoparquet: false });
    let start = 0;
    for (const group of metadata.row_groups) {
      const end = start + Number(group.num_rows);
      const rows = Array.from({ length: end - start }, (): Value[] => []);
      for (const way of ways) {
        await setImmediate();
        await parquetRead({
          file,
          metadata,
          columns: [way.element.name],
          rowStart: start,
          rowEnd: end,
          compressors,
          parsers,
          utf8: false,
          onChunk({ columnData, rowStart }: { columnData: DecodedArray; rowStart: number }) {
            for (let at = 0; at < columnData.length; at++) {
              const value: unknown = columnData[at];
              rows[rowStart - start + at]?.push(
                value === null || value === undefined ? null : way.read(value),
              );
            }
          },
        });
      }
      if (rows.some((values) => values.length !== ways.length)) {
        throw new Error(`row group from row ${start + 1} on is incomplete`);
      }
      await setImmediate();
      yield rows.map((values) => joinRecord(columns, values));
      start = end;
    }
  } finally {
    await handle.close();
  }
}

/** Returns the tally of all rows of an archive on disk. */
export async function tallyArchive(
  path: string,
  columns: readonly ContentColumn[],
): Promise<Tally> {
  let tally = noRows;
  for await (const records of readArchive(path, columns)) {
    for (const [at, record] of records.entries()) {
      if (at % rowsAtOnce === 0) await setImmediate();
      tally = addTallies(tally, tallyRow(record));
    }
  }
  return tally;
}

/** Returns the digest of a file in hex. `onRead` is called with the bytes read so far. */
export async function sha256File(
  path: string,
  onRead: (bytes: number) => void = () => {},
): Promise<string> {
  const digest = createHash("sha256");
  let read = 0;
  for await (const chunk of createReadStream(path)) {
    digest.update(chunk);
    onRead(read += chunk.length);
  }
  return digest.digest("hex");
}
