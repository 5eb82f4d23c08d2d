import type { FileMetaData, SchemaElement } from "hyparquet";
import { HoldfastError } from "../../errors.ts";
import { formatTimestamp } from "../ingest/timestamp.ts";
import { readableCodecs } from "./decompress.ts";

const fields = ["ts", "symbol", "price", "size", "exchange", "side", "trade_id"] as const;
type Field = (typeof fields)[number];
const required: readonly Field[] = ["ts", "symbol", "price", "size"];

/** A column of the file that is a field of a tick. */
export interface ParquetColumn {
  field: Field;
  /** As the file names it. */
  name: string;
  /** A value as JSON, exactly; what no tick may hold becomes JSON that ingest refuses with its reason. */
  toJson(value: unknown): string;
  /** Whether values are wanted as they are stored, without the reader's conversion. */
  plain: boolean;
  optional: boolean;
  typeLength: number | undefined;
}

export interface ParquetPlan {
  columns: ParquetColumn[];
  /** The file's description, with those types taken off whose conversion would lose digits. */
  metadata: FileMetaData;
}

function refuse(column: string, message: string): HoldfastError {
  return new HoldfastError("malformed_body", message, {
    problems: [{ path: column.slice(0, 40), message }],
  });
}

/** A column's type as Parquet tools print it. */
function typeName(
  { type, type_length, converted_type, logical_type, num_children }: SchemaElement,
) {
  if (num_children) return "a group";
  const physical = type === "FIXED_LEN_BYTE_ARRAY" ? `${type}(${type_length})` : String(type);
  if (logical_type?.type === "TIMESTAMP") {
    return `${physical} TIMESTAMP(${logical_type.unit}, ${
      logical_type.isAdjustedToUTC ? "UTC" : "without a zone"
    })`;
  }
  const logical = logical_type?.type ?? converted_type;
  return logical ? `${physical} ${logical}` : physical;
}

type Unit = "MILLIS" | "MICROS" | "NANOS";
const perMicro: Record<Unit, (value: bigint) => number> = {
  MILLIS: (value) => Number(value) * 1000,
  MICROS: (value) => Number(value),
  NANOS: (value) => Number(value / 1000n),
};
/** Times beyond these are no Date, and no tick either. */
const farUs = 8.64e18;

function timeToJson(unit: Unit): (value: unknown) => string {
  const toUs = perMicro[unit];
  return (value) => {
    if (typeof value !== "bigint") return "null";
    const us = toUs(value);
    return Math.abs(us) < farUs ? `"${formatTimestamp(us)}"` : `"${value} ${unit}"`;
  };
}

/** Text as JSON; what was written last is remembered, for symbols and venues repeat. */
function textToJson(): (value: unknown) => string {
  let last: unknown;
  let json = "null";
  return (value) => {
    if (value !== last) {
      json = typeof value === "string" ? JSON.stringify(value) : "null";
      last = value;
    }
    return json;
  };
}

/** Every digit of a trade's number, as text. */
function idToJson(value: unknown): string {
  return typeof value === "number" || typeof value === "bigint" ? `"${value}"` : "null";
}

/** NaN and Infinity stand there bare: no JSON, and ingest knows them. */
function numberToJson(value: unknown): string {
  return typeof value === "number" || typeof value === "bigint" ? String(value) : "null";
}

function unscaled(value: unknown): bigint | undefined {
  if (typeof value === "bigint" || typeof value === "number") return BigInt(value);
  if (!(value instanceof Uint8Array)) return undefined;
  let big = 0n;
  for (const byte of value) big = big * 256n + BigInt(byte);
  return BigInt.asIntN(value.length * 8, big);
}

/** All digits are written out, so that the one rounding is that of reading them as a double. */
function decimalToJson(scale: number): (value: unknown) => string {
  return (value) => {
    const digits = unscaled(value);
    return digits === undefined ? "null" : `${digits}e${-scale}`;
  };
}

type Reading = Pick<ParquetColumn, "toJson"> & { plain?: boolean };

function isText({ type, converted_type: converted, logical_type: logical }: SchemaElement) {
  if (type !== "BYTE_ARRAY") return false;
  return logical ? ["STRING", "ENUM"].includes(logical.type) : !converted || converted === "UTF8" ||
    converted === "ENUM";
}

function isInteger({ type, converted_type: converted, logical_type: logical }: SchemaElement) {
  if (type !== "INT32" && type !== "INT64") return false;
  return logical ? logical.type === "INTEGER" : !converted || /^U?INT_/.test(converted);
}

function readTime(name: string, element: SchemaElement, assumeUtc: boolean): Reading {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (isText(element)) return { toJson: textToJson() };
  // Spark and Impala of old: always nanoseconds, and in Spark always UTC.
  if (type === "INT96") return { toJson: timeToJson("NANOS") };
  if (type === "INT64" && logical?.type === "TIMESTAMP") {
    if (!logical.isAdjustedToUTC && !assumeUtc) {
      throw refuse(
        name,
        `Column ${name} is ${
          typeName(element)
        }: which moments these are is a guess; write it in UTC, or say --assume-utc`,
      );
    }
    return { toJson: timeToJson(logical.unit), plain: true };
  }
  if (type === "INT64" && converted === "TIMESTAMP_MILLIS") {
    return { toJson: timeToJson("MILLIS"), plain: true };
  }
  if (type === "INT64" && converted === "TIMESTAMP_MICROS") {
    return { toJson: timeToJson("MICROS"), plain: true };
  }
  throw refuse(
    name,
    `Column ${name} is ${typeName(element)}; it must be a TIMESTAMP, or RFC 3339 text${
      isInteger(element) ? " (a bare number does not say its unit)" : ""
    }`,
  );
}

function readNumber(name: string, element: SchemaElement): Reading {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (converted === "DECIMAL" || logical?.type === "DECIMAL") {
    const scale = (logical?.type === "DECIMAL" ? logical.scale : undefined) ?? element.scale ?? 0;
    return { toJson: decimalToJson(scale), plain: true };
  }
  if (type === "DOUBLE" || type === "FLOAT" || logical?.type === "FLOAT16" || isInteger(element)) {
    return { toJson: numberToJson };
  }
  throw refuse(
    name,
    `Column ${name} is ${
      typeName(element)
    }; it must be a number: DOUBLE, FLOAT, an integer, DECIMAL`,
  );
}

function readText(name: string, element: SchemaElement): Reading {
  if (isText(element)) return { toJson: textToJson() };
  if (name === "trade_id" && isInteger(element)) {
    return { toJson: idToJson };
  }
  throw refuse(
    name,
    `Column ${name} is ${typeName(element)}; it must be text${
      name === "trade_id" ? " or an integer" : ""
    }`,
  );
}

function read(field: Field, element: SchemaElement, assumeUtc: boolean): Reading {
  if (element.repetition_type === "REPEATED" || element.num_children) {
    throw refuse(
      field,
      `Column ${field} is ${element.num_children ? "a group" : "a list"}; it must be flat`,
    );
  }
  if (field === "ts") return readTime(field, element, assumeUtc);
  return field === "price" || field === "size"
    ? readNumber(field, element)
    : readText(field, element);
}

/** Refuses what could only be found out amid the import: compressions and places that are not read. */
function checkChunks({ row_groups }: FileMetaData, names: ReadonlySet<string>): void {
  for (const { columns } of row_groups) {
    for (const { meta_data: meta, file_path: elsewhere, crypto_metadata: encrypted } of columns) {
      const name = meta?.path_in_schema[0] ?? "";
      if (!meta || encrypted || elsewhere) {
        throw refuse(
          name,
          `A column is ${elsewhere ? "kept in another file" : "encrypted"}; that is not read`,
        );
      }
      if (names.has(name) && !readableCodecs.includes(meta.codec)) {
        throw refuse(
          name,
          `Column ${name} is compressed with ${meta.codec}; readable: ${readableCodecs.join(", ")}`,
        );
      }
    }
  }
}

/** The columns of the file, each with its place in the flat schema list, the root left out. */
function topLevel({ schema }: FileMetaData): { element: SchemaElement; at: number }[] {
  const found: { element: SchemaElement; at: number }[] = [];
  const skip = (at: number): number => {
    let next = at + 1;
    for (let child = 0; child < (schema[at]?.num_children ?? 0); child++) next = skip(next);
    return next;
  };
  for (let at = 1; at < schema.length; at = skip(at)) {
    const element = schema[at];
    if (element) found.push({ element, at });
  }
  return found;
}

/** Judges a file by its description alone: which columns are which fields, and how each is read. Pure. */
export function planParquet(
  metadata: FileMetaData,
  { assumeUtc }: { assumeUtc: boolean },
): ParquetPlan {
  const columns = new Map<Field, ParquetColumn>();
  const schema = [...metadata.schema];
  const known: readonly string[] = fields;
  for (const { element, at } of topLevel(metadata)) {
    const field = element.name.trim().toLowerCase();
    if (!known.includes(field)) {
      throw refuse(
        element.name,
        `Unknown column ${JSON.stringify(element.name.slice(0, 40))} (${
          typeName(element)
        }); known: ${fields.join(", ")}`,
      );
    }
    if (columns.has(field as Field)) throw refuse(field, `Column ${field} is there twice`);
    const { toJson, plain = false } = read(field as Field, element, assumeUtc);
    columns.set(field as Field, {
      field: field as Field,
      name: element.name,
      toJson,
      plain,
      optional: element.repetition_type !== "REQUIRED",
      typeLength: element.type_length,
    });
    if (plain) schema[at] = { ...element, converted_type: undefined, logical_type: undefined };
  }
  const missing = required.filter((field) => !columns.has(field));
  if (missing.length > 0) {
    throw refuse(missing[0] ?? "", `A column is missing: ${missing.join(", ")}`);
  }
  const found = [...columns.values()];
  checkChunks(metadata, new Set(found.map(({ name }) => name)));
  return { columns: found, metadata: { ...metadata, schema } };
}
