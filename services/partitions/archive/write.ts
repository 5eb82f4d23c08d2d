import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { ContentColumn } from "../../../db/partitions/proof/content.ts";
import { addTallies, noRows, type Tally, tallyRow } from "../sealing/manifest.ts";
import { rowsAtOnce } from "./read.ts";
import { archiveColumn, archiveSchema } from "./columns.ts";
import { splitRecord, type Value } from "./record.ts";

/** Large enough to compress well, small enough to be read at once. */
const groupRows = 10_000;
const groupBytes = 64 * 1024 * 1024;

/** What was written: the tally of the rows, and the digest of the file. */
export interface Written {
  tally: Tally;
  bytes: number;
  sha256: string;
}

/** Encodes rows (as record_send writes them) as a Parquet file, row group by row group. Calls `written` at the end. */
export async function* encodeArchive(
  columns: readonly ContentColumn[],
  rows: AsyncIterable<Uint8Array[]>,
  { createdBy, written }: { createdBy: string; written: (what: Written) => void },
): AsyncGenerator<Uint8Array> {
  const ways = columns.map(archiveColumn);
  const buffer = new ByteWriter();
  const parquet = new ParquetWriter({ writer: buffer, schema: archiveSchema(ways), createdBy });
  const digest = createHash("sha256");
  let tally = noRows;
  let bytes = 0;
  let waiting: Value[][] = [];
  let waitingBytes = 0;
  const take = () => {
    const chunk = buffer.getBytes().slice();
    buffer.index = 0; // its offset in the file goes on counting
    digest.update(chunk);
    bytes += chunk.length;
    return chunk;
  };
  const writeGroup = (group: Value[][]) => {
    const columnData = ways.map((way, at) => ({
      name: way.element.name,
      statistics: way.statistics,
      data: group.map((values) => {
        const value = values[at] ?? null;
        return value === null ? null : way.write(value);
      }),
    }));
    // The writer is synchronous while its buffer has no flush().
    void parquet.write({ columnData, rowGroupSize: groupRows });
    return take();
  };
  for await (const records of rows) {
    for (const [at, record] of records.entries()) {
      if (at % rowsAtOnce === 0) await setImmediate();
      tally = addTallies(tally, tallyRow(record));
      waiting.push(splitRecord(record));
      waitingBytes += record.length;
      if (waiting.length < groupRows && waitingBytes < groupBytes) continue;
      yield writeGroup(waiting);
      waiting = [];
      waitingBytes = 0;
    }
  }
  if (waiting.length > 0) yield writeGroup(waiting);
  void parquet.finish();
  yield take();
  written({ tally, bytes, sha256: digest.digest("hex") });
}
