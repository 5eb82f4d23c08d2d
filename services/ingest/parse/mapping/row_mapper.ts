import { type ParsedTick, type RawFields, readTick, type Refusal, refuse } from "../../tick.ts";
import type { Layout, PlacedField } from "./layout.ts";
import { type MappingOptions, presetOf } from "./options.ts";
import type { Field } from "./presets.ts";
import { createTimeReader, type TimeReader } from "./times.ts";
import { openZone } from "./zones.ts";

/** Maps the values of one row, in the order of the layout's names, to a tick. */
export type RowMapper = (
  values: readonly unknown[],
  line: number,
  /** The row as received; undefined to keep its mapped form as JSON. */
  raw?: string,
) => ParsedTick | Refusal;

/** Written by some feeds for a missing price. */
const noPrice = "9223372036854775807";
const decimal = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const notFinite = /^[+-]?(nan|inf|infinity)$/i;

/** Returns a CSV field as a number, or a value that `readTick` refuses with the right message. */
export function numberOf(field: unknown, decimalComma = false): unknown {
  if (typeof field !== "string") return field;
  const trimmed = field.trim();
  const text = decimalComma ? trimmed.replace(",", ".") : trimmed;
  if (decimalComma && trimmed.includes(".")) return field;
  if (decimal.test(text)) return Number(text);
  return notFinite.test(text) ? NaN : field;
}

const keyOf = (value: unknown) => String(value).trim().toLowerCase();

function numberAt({ rule, at }: PlacedField, values: readonly unknown[], comma: boolean): unknown {
  const { combine, wholeScale } = rule;
  if (combine) {
    const numbers = at.map((place) => numberOf(values[place], comma));
    const odd = numbers.find((one) => typeof one !== "number");
    if (odd !== undefined || numbers.includes(undefined)) return odd;
    const sum = (numbers as number[]).reduce((all, one) => all + one, 0);
    return combine === "sum" ? sum : sum / numbers.length;
  }
  const value = values[at[0]!];
  const text = typeof value === "string" ? value.trim() : undefined;
  if (wholeScale !== undefined && text !== undefined && /^-?\d+$/.test(text)) {
    return text === noPrice ? undefined : Number(`${text}e${-wholeScale}`);
  }
  if (wholeScale !== undefined && Number.isInteger(value)) return Number(`${value}e${-wholeScale}`);
  return numberOf(value, comma);
}

function textAt({ at }: PlacedField, values: readonly unknown[]): unknown {
  if (at.length > 1) {
    return at.map((place) => values[place]).filter((one) => one !== "" && one !== null).join(".");
  }
  const value = values[at[0]!];
  // An integer beyond these bounds has already lost digits.
  const exact = typeof value === "number" && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  return exact || typeof value === "boolean" ? String(value) : value;
}

/** Creates the mapper of one body. */
export function createRowMapper(
  layout: Layout,
  options: MappingOptions,
  nowUs: number,
): RowMapper {
  const valued = layout.fields.filter(({ rule }) => rule.values !== undefined);
  const { ts, symbol, price, size, exchange, side, trade_id: tradeId } = Object.fromEntries(
    layout.fields.map((one) => [one.field, one]),
  ) as Partial<Record<Field, PlacedField>>;
  const zoneName = options.timeZone ?? ts?.rule.zone;
  const readTime = createTimeReader({
    units: options.timeUnit ? [options.timeUnit] : ts?.rule.units ?? [],
    zone: zoneName === undefined ? undefined : openZone(zoneName),
    zoneName,
    order: options.dateOrder ?? presetOf(options)?.order ?? "ymd",
    nowUs,
  });
  const timeOf: TimeReader = (value) => {
    const us = readTime(value);
    if (typeof us === "number" || !ts || ts.rule.columns.join() === "ts") return us;
    return { ...us, message: `${us.message} (column ${ts.rule.columns.join("+")})` };
  };

  /** Returns a text field, mapped by the meanings of its values; null when empty. */
  function label(
    one: PlacedField | undefined,
    values: readonly unknown[],
    given: string | null = null,
  ): unknown {
    if (!one) return given;
    const value = textAt(one, values);
    if (value === "" || value === null || value === undefined) return null;
    return one.rule.values ? one.rule.values[keyOf(value)] : value;
  }

  /** Returns the fault of a value without a known meaning. */
  function unknownValue(values: readonly unknown[]): { field: Field; message: string } | undefined {
    for (const one of valued) {
      const meanings = one.rule.values ?? {};
      const value = textAt(one, values);
      if (value === "" || value === null || value === undefined) continue;
      if (Object.hasOwn(meanings, keyOf(value))) continue;
      const known = Object.keys(meanings).join(", ");
      const found = JSON.stringify(String(value).slice(0, 40));
      const column = one.rule.columns.join("+");
      return {
        field: one.field,
        message: `${one.field}: column ${column} is ${found}; it must be one of ${known}`,
      };
    }
    return undefined;
  }

  function timeValue(values: readonly unknown[]): unknown {
    if (!ts) return undefined;
    return ts.at.length === 1 ? values[ts.at[0]!] : ts.at.map((at) => values[at]).join(" ");
  }

  function fieldsOf(values: readonly unknown[]): RawFields {
    return {
      ts: timeValue(values),
      symbol: symbol ? textAt(symbol, values) : options.symbol,
      price: price && numberAt(price, values, options.decimalComma),
      size: size && numberAt(size, values, options.decimalComma),
      exchange: label(exchange, values, options.exchange),
      side: label(side, values),
      trade_id: label(tradeId, values),
    };
  }

  function notTrade(values: readonly unknown[]): string | undefined {
    const { only } = layout;
    if (!only || only.values.includes(String(values[only.at]))) return undefined;
    return `${only.column} is ${String(values[only.at]).slice(0, 40)}, not ${
      only.values.join(" or ")
    }: the row is no trade`;
  }

  return (values, line, raw) => {
    const other = notTrade(values);
    const asRaw = (fields?: RawFields) => raw ?? JSON.stringify(fields ?? values) ?? "";
    if (other !== undefined) return refuse(line, layout.only?.column ?? "line", other, asRaw());
    const unknown = unknownValue(values);
    if (unknown) return refuse(line, unknown.field, unknown.message, asRaw());
    const fields = fieldsOf(values);
    return readTick(fields, line, () => asRaw(fields), timeOf);
  };
}
