import { HoldfastError } from "../../../../errors.ts";
import { type MappingOptions, presetOf } from "./options.ts";
import {
  type Field,
  fieldNames,
  type FieldRule,
  type PresetName,
  presets,
  requiredFields,
} from "./presets.ts";

/** A field with the places of the columns it comes from. */
export interface PlacedField {
  field: Field;
  rule: FieldRule;
  at: readonly number[];
}

/** Where in a row each field stands. */
export interface Layout {
  names: readonly string[];
  fields: readonly PlacedField[];
  /** Columns that are not read, as the file names them. */
  leftOut: readonly string[];
  /** Rows with another value there are no trades. */
  only: { at: number; column: string; values: readonly string[] } | undefined;
}

/** A column that pandas adds for an index that has no name. */
const pandasIndex = /^__index_level_\d+__$/;
const shown = 30;

/** A first line that does not do; `more`, what helps, stands with the problem only. */
export function headerError(message: string, more = ""): HoldfastError {
  return new HoldfastError("malformed_body", message, {
    problems: [{ line: 1, path: "header", message: message + more }],
  });
}

const list = (names: readonly string[]) => {
  const some = names.slice(0, shown).map((name) => name.slice(0, 40)).join(", ");
  return names.length > shown ? `${some} and ${names.length - shown} more` : some;
};

/**
 * The place of a column: by its name, or by the same name in another case where that is one column only, or by its
 * number; -1 for none. A preset's single letters are names in one case only: `m` and `M` differ there.
 */
function placeOf(names: readonly string[], wanted: string, preset: boolean): number {
  const exact = names.indexOf(wanted);
  if (exact >= 0) return exact;
  if (!preset || wanted.length > 1) {
    const lower = wanted.toLowerCase();
    const same = names.flatMap((name, at) => name.toLowerCase() === lower ? [at] : []);
    if (same.length === 1) return same[0]!;
    if (same.length > 1) throw headerError(`Column ${wanted} is there ${same.length} times`);
  }
  const number = !preset && /^\d{1,5}$/.test(wanted) ? Number(wanted) : 0;
  return number >= 1 && number <= names.length ? number - 1 : -1;
}

function place(
  names: readonly string[],
  field: Field,
  rule: FieldRule,
  preset: boolean,
): PlacedField | undefined {
  const at = rule.columns.map((column) => placeOf(names, column, preset));
  return at.includes(-1) ? undefined : { field, rule, at };
}

/** Where a preset's fields are; undefined when a required one is not there and not given. */
function placePreset(
  names: readonly string[],
  preset: PresetName,
  given: ReadonlySet<Field>,
): PlacedField[] | undefined {
  const rules: Partial<Record<Field, readonly FieldRule[]>> = presets[preset].fields;
  const placed: PlacedField[] = [];
  for (const field of fieldNames) {
    if (given.has(field)) continue;
    for (const rule of rules[field] ?? []) {
      const found = place(names, field, rule, true);
      if (!found) continue;
      placed.push(found);
      break;
    }
    if (requiredFields.includes(field) && placed.at(-1)?.field !== field) return undefined;
  }
  return placed;
}

/** Candles have been taken for trades by their columns. */
export function isCandles(names: readonly string[]): boolean {
  const lower = new Set(names.map((name) => name.toLowerCase()));
  return ["open", "high", "low", "close"].every((name) => lower.has(name));
}

/** What helps when fields are missing. */
function wayOut(names: readonly string[], missing: readonly Field[], preset: boolean): string {
  if (isCandles(names)) return ": these are candles, not trades";
  const has = names.some((name) => name !== "") ? `; the columns are: ${list(names)}` : "";
  const given = new Set<Field>(["symbol"]);
  const fitting = preset
    ? []
    : (Object.keys(presets) as PresetName[]).filter((name) =>
      placePreset(names, name, given) !== undefined && Object.keys(presets[name].fields).length > 0
    );
  if (fitting.length > 0) {
    const some = placePreset(names, fitting[0]!, given)?.some(({ field }) => field === "symbol");
    const symbol = some ? "" : " with symbol=…";
    return `${has}; it looks like preset=${fitting.slice(0, 3).join(" or ")}${symbol}`;
  }
  const numbers = names.some((name) => /^[+-]?\d/.test(name));
  const named = missing.filter((field) => field !== "symbol")
    .map((field) => `${field}=${numbers ? "NUMBER" : "COLUMN"}`).join(",");
  const ways = (columns: string, symbol: string) =>
    [...(named ? [`${columns}${named}`] : []), ...(missing.includes("symbol") ? [symbol] : [])]
      .join(" ");
  const row = numbers ? "; the first line is a row, it seems" : "";
  return `${has}${row}; say where they are: ${ways("columns=", "symbol=…")} (import: ${
    ways("--columns ", "--symbol …")
  })`;
}

function checkGiven(layout: readonly PlacedField[], options: MappingOptions): void {
  for (const field of ["symbol", "exchange"] as const) {
    if (options[field] === undefined) continue;
    const own = layout.find((one) => one.field === field);
    if (!own) continue;
    throw headerError(
      `The rows have a ${field} of their own, in column ${
        own.rule.columns.join("+")
      }: leave out ${field}=${options[field]}`,
    );
  }
}

/** What a preset says of how a field is written, which holds for another column in its place, too. */
function formOf(rule: FieldRule | undefined): Partial<FieldRule> {
  const { units, zone, wholeScale } = rule ?? {};
  return {
    ...(units ? { units } : {}),
    ...(zone === undefined ? {} : { zone }),
    ...(wholeScale === undefined ? {} : { wholeScale }),
  };
}

/** How a refusal speaks of the columns. */
interface LayoutWords {
  /** What stands before "missing". */
  missing: string;
  /** More on an unknown column. */
  describe: (at: number) => string;
}

const csvWords: LayoutWords = {
  missing: "The first line must name the columns; ",
  describe: () => "",
};

/** Finds the fields among named columns. Throws a HoldfastError that names what is missing, unknown or there twice. */
export function layOut(
  given: readonly string[],
  options: MappingOptions,
  { missing: lead, describe }: LayoutWords = csvWords,
): Layout {
  const names = given.map((name) => name.trim());
  const { columns = {}, preset } = options;
  const placed: PlacedField[] = [];
  const rules: Partial<Record<Field, readonly FieldRule[]>> = preset
    ? presets[preset].fields
    : Object.fromEntries(fieldNames.map((field) => [field, [{ columns: [field] }]]));
  for (const field of fieldNames) {
    const named = columns[field];
    if (!named) continue;
    const rule = { ...formOf(rules[field]?.[0]), ...named };
    const found = place(names, field, rule, false);
    if (!found) {
      throw headerError(
        `There is no column ${
          rule.columns.join("+")
        }, which columns names for ${field}; there are ${names.length}: ${list(names)}`,
      );
    }
    placed.push(found);
  }
  const taken = new Set(placed.map(({ field }) => field));
  for (const field of fieldNames) {
    if (taken.has(field)) continue;
    for (const rule of rules[field] ?? []) {
      const found = place(names, field, rule, preset !== undefined);
      // What columns names for one field is not another's by its own name.
      if (!found || (!preset && placed.some(({ at }) => at.includes(found.at[0]!)))) continue;
      placed.push(found);
      break;
    }
  }
  checkGiven(placed, options);
  const missing = requiredFields.filter((field) =>
    !placed.some((one) => one.field === field) && !(field === "symbol" && options.symbol)
  );
  if (missing.length > 0) {
    throw headerError(
      `${lead}missing: ${missing.join(", ")}`,
      wayOut(names, missing, preset !== undefined),
    );
  }
  const used = new Set(placed.flatMap(({ at }) => at));
  const leftOut = names.filter((_, at) => !used.has(at));
  const unknownAt = names.findIndex((name, at) => !used.has(at) && !pandasIndex.test(name));
  const unknown = names[unknownAt];
  if (unknown !== undefined && !options.columns && !preset && !options.ignoreUnknown) {
    const twice = fieldNames.some((field) => field === unknown.toLowerCase());
    throw headerError(
      twice
        ? `Column ${unknown.toLowerCase()} is there twice`
        : `Unknown column ${JSON.stringify(unknown.slice(0, 40))}${describe(unknownAt)}; known: ${
          fieldNames.join(", ")
        }`,
      twice
        ? ""
        : "; leave out what is unknown with ignore_unknown=true (import: --ignore-unknown), or say which column is which with columns (import: --columns)",
    );
  }
  const only = presetOf(options)?.only;
  const onlyAt = only ? placeOf(names, only.column, true) : -1;
  return {
    names,
    fields: placed,
    leftOut,
    only: only && onlyAt >= 0 ? { ...only, at: onlyAt } : undefined,
  };
}
