import { Buffer } from "node:buffer";
import { setImmediate } from "node:timers/promises";
import type { Sql } from "../../../db/connection.ts";
import { openCopy } from "../../../db/copy.ts";
import { baseType, binaryTypes } from "../../../db/partitions/proof/content.ts";
import { quoteIdent } from "../../../db/sql.ts";
import type { Manifest } from "../sealing/manifest.ts";
import { readArchive } from "./read.ts";
import { splitRecord } from "./record.ts";

const staging = "holdfast_restore";

/** A row of the binary COPY format from one of record_send: the count has two bytes, and no type stands before a value. */
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

/** Loads an archive's rows into a table: by COPY beside it, then cast to what the table's columns are. */
export async function loadArchive(
  sql: Sql,
  path: string,
  { columns }: Manifest,
  leaf: string,
  writable: readonly string[],
): Promise<void> {
  const types = columns.map(({ name, type }) =>
    `${quoteIdent(name)} ${baseType(type) in binaryTypes ? baseType(type) : "text"}`
  );
  await sql.unsafe(`create temporary table ${staging} (${types.join(", ")}) on commit drop`);
  const copy = await openCopy(sql, `copy pg_temp.${staging} from stdin (format binary)`);
  try {
    for await (const records of readArchive(path, columns)) {
      for (let at = 0; at < records.length; at += 1_000) {
        await setImmediate();
        await copy.write(Buffer.concat(records.slice(at, at + 1_000).map(copyRow)));
      }
    }
    await copy.end();
  } catch (error) {
    await copy.abort();
    throw error;
  }
  const kept = columns.filter(({ name }) => writable.includes(name));
  const names = kept.map(({ name }) => quoteIdent(name)).join(", ");
  const values = kept.map(({ name, type }) => `${quoteIdent(name)}::${type}`).join(", ");
  await sql.unsafe(`insert into ${leaf} (${names}) select ${values} from pg_temp.${staging}`);
}
