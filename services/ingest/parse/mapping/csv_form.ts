import { headerError, type Layout, layOut } from "./layout.ts";
import { type MappingOptions, presetOf } from "./options.ts";
import { type Preset, requiredFields } from "./presets.ts";
import { splitRecord } from "./records.ts";

/** The format of a CSV body, read from its first line. */
export interface CsvForm {
  layout: Layout;
  delimiter: string;
  /** Whether the first line names the columns; otherwise it is a row. */
  isHeader: boolean;
}

/** Accepts a decimal point or comma: the header is detected before the decimal mark is known. */
const looksNumeric = /^[+-]?(\d+[.,]?\d*|[.,]\d+)([eE][+-]?\d+)?$/;
/** Number of columns of candle files without a header, by the exchange of the preset. */
const candleWidths: Record<string, number> = { binance: 12, kraken: 7, kibot: 7, firstrate: 6 };

/** Detects the delimiter; a comma takes precedence. */
function findDelimiter(text: string, options: MappingOptions): string {
  if (options.delimiter !== undefined) return options.delimiter;
  const known = options.decimalComma ? [";", "\t", "|"] : [",", ";", "\t", "|"];
  return known.find((one) => text.includes(one)) ?? ",";
}

function namesByPosition(
  fields: readonly string[],
  preset: Preset | undefined,
  options: MappingOptions,
): readonly string[] {
  const numbered = fields.map((_, at) => String(at + 1));
  if (!preset) return numbered;
  const named = preset.headerless?.[fields.length];
  if (named) return named;
  if (options.columns && requiredFields.every((field) => options.columns?.[field])) return numbered;
  const widths = Object.keys(preset.headerless ?? {});
  const [exchange = ""] = (options.preset ?? "").split("-");
  const candles = candleWidths[exchange] === fields.length
    ? "; these are candles, it seems, not trades"
    : "";
  throw headerError(
    widths.length === 0
      ? `preset=${options.preset} needs a first line that names the columns`
      : `The first line has ${fields.length} columns; preset=${options.preset} knows ${
        widths.join(" or ")
      }${candles}`,
  );
}

/** Says whether the first line is a header; by default, when it holds no number. */
function findHeader(fields: readonly string[], options: MappingOptions): boolean {
  if (options.header !== undefined) return options.header;
  const sources = Object.values(options.columns ?? {}).flatMap(({ columns }) => columns);
  const byNumber = sources.length > 0 && sources.every((source) => /^\d+$/.test(source));
  if (!byNumber && !presetOf(options)?.headerless) return true;
  return !fields.some((field) => looksNumeric.test(field.trim()));
}

/** Reads the format of a CSV body from its first line. Throws a HoldfastError that names the fault. */
export function readCsvForm(text: string, options: MappingOptions): CsvForm {
  const delimiter = findDelimiter(text, options);
  const fields = splitRecord(text, delimiter) ?? [];
  const isHeader = findHeader(fields, options);
  const preset = presetOf(options);
  const names = isHeader ? fields : namesByPosition(fields, preset, options);
  return { layout: layOut(names, options), delimiter, isHeader };
}
