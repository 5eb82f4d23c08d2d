import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers/promises";
import type { Sql } from "../../../db/connection.ts";
import type { TableName } from "../../../db/partitions/ddl.ts";
import { insertStaged, openStaging } from "../../../db/partitions/proof/staging.ts";
import type { WorkContext } from "../../requests/work.ts";
import type { Manifest } from "../sealing/manifest.ts";
import { readArchive } from "./read.ts";
import { splitRecord } from "./record.ts";

/** Rows sent at once; other work of the process runs in between. */
const rowsTogether = 1_000;

/** Returns a row of the binary COPY format from one of record_send: the count has two bytes, and values have no type. */
function copyRow(record: Uint8Array): Uint8Array {
  const values = splitRecord(record);
  const row = new Uint8Array(2 + values.reduce((sum, one) => sum + 4 + (one?.length ?? 0), 0));
  const view = new DataView(row.buffer);
  view.setInt16(0, values.length);
  let at = 2;
  for (const value of values) {
    view.setInt32(at, value === null ? -1 : value.length);
    if (value) row.set(value, at + 4);
    at += 4 + (value?.length ?? 0);
  }
  return row;
}

/** Loads the rows of an archive into a table, those of the columns in `writable`: by COPY into a temporary table, then cast. */
export async function loadArchive(
  sql: Sql,
  path: string,
  { columns, rows }: Manifest,
  { leaf, writable }: { leaf: TableName; writable: readonly string[] },
  { report, signal }: WorkContext,
): Promise<void> {
  let loaded = 0;
  const tell = (step: string) => report({ step, done: loaded, of: rows, unit: "rows" });
  tell("load the rows");
  const copy = await openStaging(sql, columns);
  try {
    for await (const records of readArchive(path, columns)) {
      for (let at = 0; at < records.length; at += rowsTogether) {
        await setImmediate();
        signal?.throwIfAborted();
        const together = records.slice(at, at + rowsTogether);
        await copy.write(Buffer.concat(together.map(copyRow)));
        loaded += together.length;
        tell("load the rows");
      }
    }
    await copy.end();
  } catch (error) {
    await copy.abort();
    throw error;
  }
  tell("insert the loaded rows");
  await insertStaged(sql, leaf, columns.filter(({ name }) => writable.includes(name)));
}
