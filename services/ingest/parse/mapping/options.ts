import { createHash } from "node:crypto";
import { HoldfastError } from "../../../../errors.ts";
import {
  buyerIsMaker,
  type Field,
  fieldNames,
  type FieldRule,
  type Preset,
  type PresetName,
  presetNames,
  presets,
} from "./presets.ts";
import { type DateOrder, dateOrders, type TimeUnit, timeUnits } from "./times.ts";
import { openZone } from "./zones.ts";

/** How columns or keys of a body map to fields; all undefined or false for Holdfast's own format. */
export interface MappingOptions {
  /** Fields with the columns they are read from, in place of columns of the same name. */
  columns: Partial<Record<Field, FieldRule>> | undefined;
  /** The symbol of every row. */
  symbol: string | undefined;
  /** The exchange of every row. */
  exchange: string | undefined;
  timeUnit: TimeUnit | undefined;
  timeZone: string | undefined;
  dateOrder: DateOrder | undefined;
  preset: PresetName | undefined;
  /** Whether the first line of CSV names the columns; undefined: detected. */
  header: boolean | undefined;
  /** The delimiter of CSV; undefined: detected from the first line. */
  delimiter: string | undefined;
  decimalComma: boolean;
  ignoreUnknown: boolean;
}

/** Names of the options in a query; with dashes they are the flags of `import`. */
export const optionNames = [
  "columns",
  "symbol",
  "exchange",
  "time_unit",
  "time_zone",
  "date_order",
  "preset",
  "header",
  "delimiter",
  "decimal",
  "ignore_unknown",
] as const;
export type OptionName = (typeof optionNames)[number];
export type WrittenOptions = Partial<Record<OptionName, string>>;

const delimiterNames: Readonly<Record<string, string>> = {
  comma: ",",
  semicolon: ";",
  tab: "\t",
  pipe: "|",
  space: " ",
};

export const presetOf = ({ preset }: MappingOptions): Preset | undefined =>
  preset === undefined ? undefined : presets[preset];

function refuse(option: OptionName, message: string): HoldfastError {
  return new HoldfastError("invalid_request", `${option}: ${message}`, {
    problems: [{ path: option, message }],
  });
}

function oneOf<T extends string>(option: OptionName, text: string, known: readonly T[]): T {
  const found = known.find((one) => one === text.toLowerCase());
  if (found === undefined) {
    throw refuse(option, `${JSON.stringify(text.slice(0, 40))} is not one of ${known.join(", ")}`);
  }
  return found;
}

const joined: readonly string[] = ["ts", "symbol"];

/** Reads `ts=date+time,price=px,size=3,buyer_is_maker=m`. */
function readColumns(text: string): Partial<Record<Field, FieldRule>> {
  const known: readonly string[] = fieldNames;
  const columns: Partial<Record<Field, FieldRule>> = {};
  for (const part of text.split(",")) {
    const equals = part.indexOf("=");
    const name = part.slice(0, Math.max(0, equals)).trim().toLowerCase();
    const source = part.slice(equals + 1).trim();
    if (equals < 0 || name === "" || source === "") {
      throw refuse(
        "columns",
        `${
          JSON.stringify(part.slice(0, 40))
        } is not FIELD=COLUMN; a list of these, parted by commas, is wanted (a column by its name, or by its number from 1)`,
      );
    }
    const maker = name === "buyer_is_maker";
    const field = (maker ? "side" : name) as Field;
    if (!known.includes(field)) {
      throw refuse(
        "columns",
        `${JSON.stringify(name.slice(0, 40))} is not a field; known: ${
          fieldNames.join(", ")
        }, buyer_is_maker`,
      );
    }
    if (columns[field]) throw refuse("columns", `${field} is given twice`);
    const from = joined.includes(field) ? source.split("+").map((one) => one.trim()) : [source];
    if (from.includes("")) throw refuse("columns", `${source} names a column without a name`);
    columns[field] = { columns: from, ...(maker ? { values: buyerIsMaker } : {}) };
  }
  return columns;
}

function readDelimiter(text: string): string {
  const named = delimiterNames[text.toLowerCase()] ?? (text === "\\t" ? "\t" : text);
  if (named.length !== 1 || /["\r\n\w.+-]/.test(named)) {
    throw refuse(
      "delimiter",
      `must be one character or ${Object.keys(delimiterNames).join(", ")}; it is ${
        JSON.stringify(text.slice(0, 10))
      }`,
    );
  }
  return named;
}

function readFlag(option: OptionName, text: string): boolean {
  const flag = oneOf(option, text, ["true", "false", "1", "0"]);
  return flag === "true" || flag === "1";
}

/** Reads written options. Throws a HoldfastError that names the option and the values allowed. */
export function readMappingOptions(written: WrittenOptions): MappingOptions {
  const read = <T>(option: OptionName, how: (text: string) => T): T | undefined => {
    const text = written[option];
    if (text === undefined) return undefined;
    if (text.length > 1_000) throw refuse(option, "must have at most 1000 characters");
    if (text === "") throw refuse(option, "must not be empty");
    return how(text);
  };
  const options: MappingOptions = {
    columns: read("columns", readColumns),
    symbol: read("symbol", (text) => text),
    exchange: read("exchange", (text) => text),
    timeUnit: read("time_unit", (text) => oneOf("time_unit", text, timeUnits)),
    timeZone: read("time_zone", (text) => {
      if (openZone(text)) return text;
      throw refuse(
        "time_zone",
        `${
          JSON.stringify(text.slice(0, 40))
        } is not a time zone; use UTC, an offset such as +05:30, or a name such as America/New_York`,
      );
    }),
    dateOrder: read("date_order", (text) => oneOf("date_order", text, dateOrders)),
    preset: read("preset", (text) => oneOf("preset", text, presetNames)),
    header: read("header", (text) => readFlag("header", text)),
    delimiter: read("delimiter", readDelimiter),
    decimalComma: read("decimal", (text) => oneOf("decimal", text, ["comma", "point"])) === "comma",
    ignoreUnknown: read("ignore_unknown", (text) => readFlag("ignore_unknown", text)) ?? false,
  };
  const { choose } = presetOf(options) ?? {};
  if (choose !== undefined) throw refuse("preset", choose);
  if (options.decimalComma && options.delimiter === ",") {
    throw refuse("decimal", "a comma cannot be both the delimiter and the decimal mark");
  }
  if (options.symbol !== undefined && options.columns?.symbol) {
    throw refuse("symbol", "columns also names a column for it; omit one of the two");
  }
  if (options.exchange !== undefined && options.columns?.exchange) {
    throw refuse("exchange", "columns also names a column for it; omit one of the two");
  }
  return options;
}

/** Returns a digest of the options, equal for equal options; empty for none. */
export function optionsDigest(written: WrittenOptions): string {
  const said = optionNames.filter((name) => written[name] !== undefined)
    .map((name) => `${name}=${written[name]}`);
  return said.length === 0
    ? ""
    : createHash("sha256").update(said.join("\n")).digest("hex").slice(0, 16);
}

/** Says whether bodies are in Holdfast's own format. */
export function isOwnForm(written: WrittenOptions): boolean {
  return optionNames.every((name) => written[name] === undefined);
}
