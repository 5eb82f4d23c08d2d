import type { SchemaElement } from "hyparquet";
import { HoldfastError } from "../../../errors.ts";
import type { Field, FieldRule } from "../../ingest/parse/mapping/presets.ts";
import { formatTimestamp } from "../../ingest/timestamp.ts";

/** How to read the values of a column. */
export interface Reading {
  /** Returns a value as exact JSON. A value that no tick can hold becomes JSON that ingest refuses with its reason. */
  toJson(value: unknown): string;
  /** Whether to read values as stored, without the conversion of the library. */
  plain?: boolean;
}

/** Options of the import that affect types. */
export interface ReadingOptions {
  /** Reads times without a zone as UTC. */
  assumeUtc: boolean;
  /** Whether the zone of times without one is given. */
  hasZone: boolean;
  /** Whether the unit of plain numbers in `ts` is given. */
  hasUnit: boolean;
}

/** Bytes of a text column that are not UTF-8. */
export class NotText {
  readonly hex: string;
  constructor(bytes: Uint8Array) {
    this.hex = [...bytes.subarray(0, 40)].map((byte) => byte.toString(16).padStart(2, "0")).join(
      "",
    );
  }
}

export function refuse(column: string, message: string): HoldfastError {
  return new HoldfastError("malformed_body", message, {
    problems: [{ path: column.slice(0, 40), message }],
  });
}

/** Returns a column's type as Parquet tools print it. */
export function typeName(
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
/** Largest time of a Date, in microseconds; no tick is later. */
const farUs = 8.64e18;

/** Formats a time in UTC, or as wall-clock time without a zone. */
function timeToJson(unit: Unit, wallClock = false): (value: unknown) => string {
  const toUs = perMicro[unit];
  return (value) => {
    if (typeof value !== "bigint") return "null";
    const us = toUs(value);
    if (Math.abs(us) >= farUs) return `"${value} ${unit}"`;
    const text = formatTimestamp(us);
    return wallClock ? `"${text.slice(0, -1)}"` : `"${text}"`;
  };
}

/** Formats a value of type DATE, which counts days. */
function dateToJson(value: unknown): string {
  if (typeof value !== "number") return "null";
  const date = new Date(value * 86_400_000);
  return Number.isNaN(date.getTime()) ? `"${value} days"` : `"${date.toISOString().slice(0, 10)}"`;
}

/** Formats the time of day of a column of type TIME. */
function clockToJson(unit: Unit): (value: unknown) => string {
  return (value) => {
    if (typeof value !== "bigint" && typeof value !== "number") return "null";
    const us = perMicro[unit](BigInt(value));
    return us >= 0 && us < 86_400_000_000
      ? `"${formatTimestamp(us).slice(11, -1)}"`
      : `"${value} ${unit} of a day"`;
  };
}

/** Formats text as JSON; caches the last value, because symbols and venues repeat. */
function textToJson(): (value: unknown) => string {
  let last: unknown;
  let json = "null";
  return (value) => {
    if (value !== last) {
      json = typeof value === "string"
        ? JSON.stringify(value)
        : value instanceof NotText
        ? `{"not_utf8":"${value.hex}"}`
        : "null";
      last = value;
    }
    return json;
  };
}

/** Formats a trade id as text with all its digits. */
function idToJson(value: unknown): string {
  return typeof value === "number" || typeof value === "bigint" ? `"${value}"` : "null";
}

const boolToJson = (value: unknown) => typeof value === "boolean" ? String(value) : "null";

/** Formats a double with a decimal point, so that an integer is not read as a number of smaller units. */
function pointedToJson(value: unknown): string {
  const json = numberToJson(value);
  return typeof value === "number" && /^-?\d+$/.test(json) ? `${json}.0` : json;
}

/** Formats a number; NaN and Infinity stay literals that are not JSON, which ingest refuses by name. */
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

/** Formats a decimal with all its digits, so that it is rounded only once, when it is parsed. */
function decimalToJson(scale: number): (value: unknown) => string {
  return (value) => {
    const digits = unscaled(value);
    return digits === undefined ? "null" : `${digits}e${-scale}`;
  };
}

function isText({ type, converted_type: converted, logical_type: logical }: SchemaElement) {
  if (type !== "BYTE_ARRAY") return false;
  return logical ? ["STRING", "ENUM"].includes(logical.type) : !converted || converted === "UTF8" ||
    converted === "ENUM";
}

function isInteger({ type, converted_type: converted, logical_type: logical }: SchemaElement) {
  if (type !== "INT32" && type !== "INT64") return false;
  return logical ? logical.type === "INTEGER" : !converted || /^U?INT_/.test(converted);
}

function isDouble({ type, logical_type: logical, converted_type: converted }: SchemaElement) {
  return type === "DOUBLE" && !logical && !converted;
}

/** Returns the reading of a date or a time of day, the parts of a time. */
function readPart(element: SchemaElement): Reading | undefined {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (isText(element)) return { toJson: textToJson() };
  if (type === "INT32" && (converted === "DATE" || logical?.type === "DATE")) {
    return { toJson: dateToJson, plain: true };
  }
  if (logical?.type === "TIME") return { toJson: clockToJson(logical.unit), plain: true };
  if (converted === "TIME_MILLIS") return { toJson: clockToJson("MILLIS"), plain: true };
  if (converted === "TIME_MICROS") return { toJson: clockToJson("MICROS"), plain: true };
  return isInteger(element) ? { toJson: idToJson } : undefined;
}

function readTime(name: string, element: SchemaElement, options: ReadingOptions): Reading {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (isText(element)) return { toJson: textToJson() };
  // Older Spark and Impala: always nanoseconds, in Spark always UTC.
  if (type === "INT96") return { toJson: timeToJson("NANOS") };
  if (type === "INT64" && logical?.type === "TIMESTAMP") {
    const local = !logical.isAdjustedToUTC && !options.assumeUtc;
    if (local && !options.hasZone) {
      throw refuse(
        name,
        `Column ${name} is ${
          typeName(element)
        }: which moments these are is a guess; write it in UTC, or say --assume-utc or --time-zone`,
      );
    }
    return { toJson: timeToJson(logical.unit, local), plain: true };
  }
  if (type === "INT64" && converted === "TIMESTAMP_MILLIS") {
    return { toJson: timeToJson("MILLIS"), plain: true };
  }
  if (type === "INT64" && converted === "TIMESTAMP_MICROS") {
    return { toJson: timeToJson("MICROS"), plain: true };
  }
  if (options.hasUnit && (isInteger(element) || isDouble(element))) return { toJson: numberToJson };
  const isDate = converted === "DATE" || logical?.type === "DATE";
  throw refuse(
    name,
    `Column ${name} is ${typeName(element)}; it must be a TIMESTAMP, or RFC 3339 text${
      isInteger(element) || isDouble(element)
        ? " (a bare number does not say its unit: say --time-unit)"
        : isDate
        ? " (a date and a time of day are joined by --columns ts=DATE+TIME)"
        : ""
    }`,
  );
}

function readNumber(name: string, element: SchemaElement, wholeScale?: number): Reading {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (converted === "DECIMAL" || logical?.type === "DECIMAL") {
    const scale = (logical?.type === "DECIMAL" ? logical.scale : undefined) ?? element.scale ?? 0;
    return { toJson: decimalToJson(scale), plain: true };
  }
  if (isInteger(element)) return { toJson: wholeScale === undefined ? numberToJson : idToJson };
  if (type === "DOUBLE" || type === "FLOAT" || logical?.type === "FLOAT16") {
    return { toJson: wholeScale === undefined ? numberToJson : pointedToJson };
  }
  throw refuse(
    name,
    `Column ${name} is ${
      typeName(element)
    }; it must be a number: DOUBLE, FLOAT, an integer, DECIMAL`,
  );
}

function readId(element: SchemaElement): Reading | undefined {
  const { converted_type: converted, logical_type: logical } = element;
  if (isInteger(element)) return { toJson: idToJson };
  if (logical?.type === "UUID") return { toJson: textToJson() };
  const scale = (logical?.type === "DECIMAL" ? logical.scale : element.scale) ?? 0;
  if ((converted === "DECIMAL" || logical?.type === "DECIMAL") && scale === 0) {
    return { toJson: (value) => idToJson(unscaled(value)), plain: true };
  }
  return undefined;
}

function readText(name: string, element: SchemaElement, field: Field, mapped: boolean): Reading {
  if (isText(element)) return { toJson: textToJson() };
  const id = field === "trade_id" || mapped ? readId(element) : undefined;
  if (id) return id;
  if (mapped && element.type === "BOOLEAN") return { toJson: boolToJson };
  throw refuse(
    name,
    `Column ${name} is ${typeName(element)}; it must be text${
      field === "trade_id" ? " or an integer" : ""
    }`,
  );
}

/** Returns how to read a column by its type and field; `rule` is that of a mapped column. Throws a HoldfastError. */
export function readingOf(
  field: Field,
  element: SchemaElement,
  options: ReadingOptions,
  rule: FieldRule | undefined,
): Reading {
  const { name } = element;
  if (element.repetition_type === "REPEATED" || element.num_children) {
    throw refuse(
      name,
      `Column ${name} is ${element.num_children ? "a group" : "a list"}; it must be flat`,
    );
  }
  if (field === "ts") {
    const part = rule && rule.columns.length > 1 ? readPart(element) : undefined;
    return part ?? readTime(name, element, options);
  }
  return field === "price" || field === "size"
    ? readNumber(name, element, rule?.wholeScale)
    : readText(name, element, field, rule !== undefined);
}
