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

/** The place of each field in a row. */
export interface Layout {
  names: readonly string[];
  fields: readonly PlacedField[];
  /** Columns that are not read, as the file names them. */
  leftOut: readonly string[];
  /** Only rows with one of these values in that column are trades. */
  only: { at: number; column: string; values: readonly string[] } | undefined;
}

/** A column that pandas adds for an index without a name. */
const pandasIndex = /^__index_level_\d+__$/;
const shown = 30;

/** Returns the error of an unusable first line; `more`, the remedy, is part of the problem only. */
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
 * Returns the place of a column, or -1: by its name, by the same name in another case when only one column has it, or by its
 * number. Single letters of a preset keep their case: `m` and `M` differ there.
 */
function placeOf(names: readonly string[], wanted: string, preset: boolean): number {
  const exact = names.indexOf(wanted);
  if (exact >= 0) return exact;
  if (!preset || wanted.length > 1) {
    const lower = wanted.toLowerCase();
    const same = names.flatMap((name, at) => name.toLowerCase() === lower ? [at] : []);
    if (same.length === 1) return same[0]!;
    if (same.length > 1) throw headerError(`Column ${wanted} occurs ${same.length} times`);
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

/** Places the fields of a preset; undefined when a required one is neither among the columns nor given. */
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

/** Says whether the columns are those of candles. */
function isCandles(names: readonly string[]): boolean {
  const lower = new Set(names.map((name) => name.toLowerCase()));
  return ["open", "high", "low", "close"].every((name) => lower.has(name));
}

/** Returns a remedy for missing fields. */
function remedyOf(names: readonly string[], missing: readonly Field[], preset: boolean): string {
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

/** Returns the format that a preset gives a field; it also applies to another column named for the field. */
function formOf(rule: FieldRule | undefined): Partial<FieldRule> {
  const { units, zone, wholeScale } = rule ?? {};
  return {
    ...(units ? { units } : {}),
    ...(zone === undefined ? {} : { zone }),
    ...(wholeScale === undefined ? {} : { wholeScale }),
  };
}

/** Words of a refusal that depend on the kind of file. */
interface LayoutTexts {
  /** Stands before "missing". */
  missing: string;
  /** Describes an unknown column further. */
  describe: (at: number) => string;
}

const csvTexts: LayoutTexts = {
  missing: "The first line must name the columns; ",
  describe: () => "",
};

type Rules = Partial<Record<Field, readonly FieldRule[]>>;

/** Returns the rules of the preset; without one, each field has a column of its own name. */
function rulesOf(preset: PresetName | undefined): Rules {
  if (preset) return presets[preset].fields;
  return Object.fromEntries(fieldNames.map((field) => [field, [{ columns: [field] }]]));
}

/** Places the fields that the option `columns` names. */
function placeNamed(
  names: readonly string[],
  columns: NonNullable<MappingOptions["columns"]>,
  rules: Rules,
): PlacedField[] {
  return fieldNames.flatMap((field) => {
    const named = columns[field];
    if (!named) return [];
    const rule = { ...formOf(rules[field]?.[0]), ...named };
    const found = place(names, field, rule, false);
    if (found) return [found];
    throw headerError(
      `There is no column ${
        rule.columns.join("+")
      }, which columns names for ${field}; there are ${names.length}: ${list(names)}`,
    );
  });
}

/** Places the other fields by the rules, and returns all of them. */
function placeRest(
  names: readonly string[],
  named: readonly PlacedField[],
  rules: Rules,
  preset: boolean,
): PlacedField[] {
  const placed = [...named];
  const done = new Set(named.map(({ field }) => field));
  for (const field of fieldNames) {
    if (done.has(field)) continue;
    for (const rule of rules[field] ?? []) {
      const found = place(names, field, rule, preset);
      // A column that `columns` names for one field does not serve another by its own name.
      if (!found || (!preset && placed.some(({ at }) => at.includes(found.at[0]!)))) continue;
      placed.push(found);
      break;
    }
  }
  return placed;
}

function checkMissing(
  names: readonly string[],
  placed: readonly PlacedField[],
  { symbol, preset }: MappingOptions,
  lead: string,
): void {
  const missing = requiredFields.filter((field) =>
    !placed.some((one) => one.field === field) && !(field === "symbol" && symbol)
  );
  if (missing.length === 0) return;
  throw headerError(
    `${lead}missing: ${missing.join(", ")}`,
    remedyOf(names, missing, preset !== undefined),
  );
}

function checkUnknown(
  names: readonly string[],
  used: ReadonlySet<number>,
  { columns, preset, ignoreUnknown }: MappingOptions,
  describe: LayoutTexts["describe"],
): void {
  const at = names.findIndex((name, at) => !used.has(at) && !pandasIndex.test(name));
  const unknown = names[at];
  if (unknown === undefined || columns || preset || ignoreUnknown) return;
  const lower = unknown.toLowerCase();
  if (fieldNames.some((field) => field === lower)) {
    throw headerError(`Column ${lower} occurs twice`);
  }
  throw headerError(
    `Unknown column ${JSON.stringify(unknown.slice(0, 40))}${describe(at)}; known: ${
      fieldNames.join(", ")
    }`,
    "; leave out what is unknown with ignore_unknown=true (import: --ignore-unknown), or say which column is which with columns (import: --columns)",
  );
}

/** Finds the fields among named columns. Throws a HoldfastError that names what is missing, unknown or there twice. */
export function layOut(
  given: readonly string[],
  options: MappingOptions,
  { missing: lead, describe }: LayoutTexts = csvTexts,
): Layout {
  const names = given.map((name) => name.trim());
  const { columns = {}, preset } = options;
  const rules = rulesOf(preset);
  const named = placeNamed(names, columns, rules);
  const fields = placeRest(names, named, rules, preset !== undefined);
  checkGiven(fields, options);
  checkMissing(names, fields, options, lead);
  const used = new Set(fields.flatMap(({ at }) => at));
  checkUnknown(names, used, options, describe);
  const only = presetOf(options)?.only;
  const onlyAt = only ? placeOf(names, only.column, true) : -1;
  return {
    names,
    fields,
    leftOut: names.filter((_, at) => !used.has(at)),
    only: only && onlyAt >= 0 ? { ...only, at: onlyAt } : undefined,
  };
}
