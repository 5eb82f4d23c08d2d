import {
  baseType,
  binaryTypes,
  type ContentColumn,
  textOid,
} from "../../../db/partitions/proof/content.ts";

/** One value in the server's binary format; null is SQL's null. */
export type Value = Uint8Array | null;

/** Parses a row of record_send: for each column its type's oid, its length, its bytes. */
export function splitRecord(record: Uint8Array): Value[] {
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  const values: Value[] = [];
  let at = 4;
  for (let column = view.getInt32(0); column > 0; column--) {
    const length = view.getInt32(at + 4);
    at += 8;
    values.push(length < 0 ? null : record.subarray(at, at + length));
    at += Math.max(0, length);
  }
  return values;
}

/** Writes a row as record_send does, byte for byte. */
export function joinRecord(
  columns: readonly ContentColumn[],
  values: readonly Value[],
): Uint8Array {
  const length = values.reduce((sum, value) => sum + 8 + (value?.length ?? 0), 4);
  const record = new Uint8Array(length);
  const view = new DataView(record.buffer);
  view.setInt32(0, columns.length);
  let at = 4;
  for (const [index, { type }] of columns.entries()) {
    const value = values[index] ?? null;
    view.setInt32(at, binaryTypes[baseType(type)] ?? textOid);
    view.setInt32(at + 4, value === null ? -1 : value.length);
    if (value) record.set(value, at + 8);
    at += 8 + (value?.length ?? 0);
  }
  return record;
}
