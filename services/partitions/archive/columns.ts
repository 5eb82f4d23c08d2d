import { Buffer } from "node:buffer";
import type { SchemaElement } from "hyparquet-writer";
import { baseType, type ContentColumn } from "../../../db/partitions/proof/content.ts";

/**
 * Converts a column of Postgres to a column of a Parquet file and back, byte for byte; otherwise the archive is refused.
 */
export interface ArchiveColumn {
  element: SchemaElement;
  write(bytes: Uint8Array): unknown;
  read(value: unknown): Uint8Array;
  /** Whether the file has minima and maxima: of doubles they would be wrong with a NaN among the values. */
  statistics: boolean;
}

type Kind = Omit<ArchiveColumn, "element"> & { element: Omit<SchemaElement, "name"> };

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function fixed(length: number, set: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(length);
  set(viewOf(bytes));
  return bytes;
}

/** Postgres counts days and microseconds from 2000, Parquet from 1970; the values of infinity are not shifted. */
const microseconds2000 = 946_684_800_000_000n;
const days2000 = 10_957;
const int8Least = -(1n << 63n);
const int8Most = (1n << 63n) - 1n;
const int4Least = -(2 ** 31);
const int4Most = 2 ** 31 - 1;

const text: Kind = {
  element: { type: "BYTE_ARRAY", converted_type: "UTF8", logical_type: { type: "STRING" } },
  write: (bytes) => decoder.decode(bytes),
  read: (value) => encoder.encode(String(value)),
  statistics: true,
};

function timestamp(isAdjustedToUTC: boolean): Kind {
  const shift = (micros: bigint, by: bigint) => {
    if (micros === int8Least || micros === int8Most) return micros;
    const shifted = micros + by;
    if (shifted <= int8Least || shifted >= int8Most) throw new RangeError("a time beyond Parquet");
    return shifted;
  };
  return {
    element: {
      type: "INT64",
      ...(isAdjustedToUTC ? { converted_type: "TIMESTAMP_MICROS" as const } : {}),
      logical_type: { type: "TIMESTAMP", isAdjustedToUTC, unit: "MICROS" },
    },
    write: (bytes) => shift(viewOf(bytes).getBigInt64(0), microseconds2000),
    read: (value) =>
      fixed(8, (view) => view.setBigInt64(0, shift(BigInt(value as bigint), -microseconds2000))),
    statistics: true,
  };
}

const uuidText = (bytes: Uint8Array) =>
  hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");

const kinds: Record<string, Kind> = {
  boolean: {
    element: { type: "BOOLEAN" },
    write: (bytes) => bytes[0] === 1,
    read: (value) => new Uint8Array([value === true ? 1 : 0]),
    statistics: true,
  },
  smallint: {
    element: { type: "INT32" },
    write: (bytes) => viewOf(bytes).getInt16(0),
    read: (value) => fixed(2, (view) => view.setInt16(0, Number(value))),
    statistics: true,
  },
  integer: {
    element: { type: "INT32" },
    write: (bytes) => viewOf(bytes).getInt32(0),
    read: (value) => fixed(4, (view) => view.setInt32(0, Number(value))),
    statistics: true,
  },
  bigint: {
    element: { type: "INT64" },
    write: (bytes) => viewOf(bytes).getBigInt64(0),
    read: (value) => fixed(8, (view) => view.setBigInt64(0, BigInt(value as bigint))),
    statistics: true,
  },
  real: {
    element: { type: "FLOAT" },
    write: (bytes) => viewOf(bytes).getFloat32(0),
    read: (value) => fixed(4, (view) => view.setFloat32(0, Number(value))),
    statistics: false,
  },
  "double precision": {
    element: { type: "DOUBLE" },
    write: (bytes) => viewOf(bytes).getFloat64(0),
    read: (value) => fixed(8, (view) => view.setFloat64(0, Number(value))),
    statistics: false,
  },
  date: {
    element: { type: "INT32", converted_type: "DATE", logical_type: { type: "DATE" } },
    write(bytes) {
      const days = viewOf(bytes).getInt32(0);
      return days === int4Least || days === int4Most ? days : days + days2000;
    },
    read: (value) =>
      fixed(4, (view) => {
        const days = Number(value);
        view.setInt32(0, days === int4Least || days === int4Most ? days : days - days2000);
      }),
    statistics: true,
  },
  "timestamp with time zone": timestamp(true),
  "timestamp without time zone": timestamp(false),
  bytea: {
    element: { type: "BYTE_ARRAY" },
    write: (bytes) => bytes,
    read: (value) => value as Uint8Array,
    statistics: false,
  },
  uuid: {
    ...text,
    write: uuidText,
    read: (value) => Buffer.from(String(value).replaceAll("-", ""), "hex"),
  },
};

/** Returns the conversion of one column; a type that Parquet lacks is written as text. */
export function archiveColumn({ name, type }: ContentColumn): ArchiveColumn {
  const kind = kinds[baseType(type)] ?? text;
  return { ...kind, element: { ...kind.element, name, repetition_type: "OPTIONAL" } };
}

export function archiveSchema(columns: readonly ArchiveColumn[]): SchemaElement[] {
  return [{ name: "rows", num_children: columns.length }, ...columns.map(({ element }) => element)];
}
