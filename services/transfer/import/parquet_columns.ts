import type { FileMetaData, SchemaElement } from "hyparquet";
import { type Layout, layOut } from "../../ingest/parse/mapping/layout.ts";
import {
  isOwnForm,
  readMappingOptions,
  type WrittenOptions,
} from "../../ingest/parse/mapping/options.ts";
import { type Field, type FieldRule, requiredFields } from "../../ingest/parse/mapping/presets.ts";
import { readableCodecs } from "./decompress.ts";
import { type Reading, readingOf, type ReadingOptions, refuse, typeName } from "./parquet_types.ts";

/** A column of the file that is read. */
export interface ParquetColumn {
  /** Its key in the JSON rows. */
  key: string;
  /** Its name in the file. */
  name: string;
  toJson(value: unknown): string;
  plain: boolean;
  optional: boolean;
  typeLength: number | undefined;
}

export interface ParquetPlan {
  columns: ParquetColumn[];
  /** Columns that are ignored. */
  leftOut: readonly string[];
  /** The metadata of the file, without logical types whose conversion would lose digits. */
  metadata: FileMetaData;
}

/** Refuses unsupported codecs, encrypted columns and columns in other files before the import begins. */
function checkChunks({ row_groups }: FileMetaData, names: ReadonlySet<string>): void {
  for (const { columns } of row_groups) {
    for (const { meta_data: meta, file_path: elsewhere, crypto_metadata: encrypted } of columns) {
      const name = meta?.path_in_schema[0] ?? "";
      if (meta && !names.has(name)) continue;
      if (!meta || encrypted || elsewhere) {
        throw refuse(
          name,
          `A column is ${
            elsewhere ? "stored in another file" : "encrypted"
          }; such columns cannot be read`,
        );
      }
      if (!readableCodecs.includes(meta.codec)) {
        throw refuse(
          name,
          `Column ${name} is compressed with ${meta.codec}; readable: ${readableCodecs.join(", ")}`,
        );
      }
    }
  }
}

/** Returns the columns of the file, each with its index in the flat schema list. */
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

/** Says whether the statistics show only nulls in a column; its type then does not matter. */
function isNullOnly({ row_groups }: FileMetaData, name: string): boolean {
  return row_groups.length > 0 && row_groups.every(({ columns }) => {
    const meta = columns.find(({ meta_data }) => meta_data?.path_in_schema[0] === name)?.meta_data;
    const nulls = meta?.statistics?.null_count;
    return nulls !== undefined && BigInt(nulls) === meta?.num_values;
  });
}

/** Yields the columns of a layout with their field. */
function* columnsOf({ fields, only }: Layout): Generator<[number, Field | "only", FieldRule]> {
  for (const { field, rule, at } of fields) for (const place of at) yield [place, field, rule];
  if (only) yield [only.at, "only", { columns: [only.column] }];
}

/** Plans from the metadata which columns are which fields and how to read each. Throws a HoldfastError. Pure. */
export function planParquet(
  metadata: FileMetaData,
  { assumeUtc, mapping = {} }: { assumeUtc: boolean; mapping?: WrittenOptions },
): ParquetPlan {
  const schema = [...metadata.schema];
  const all = topLevel(metadata);
  const own = isOwnForm(mapping);
  const options = readMappingOptions(mapping);
  const layout = layOut(all.map(({ element }) => element.name), options, {
    missing: "Columns are ",
    describe: (at) => all[at] ? ` (${typeName(all[at].element)})` : "",
  });
  const timeRule = layout.fields.find(({ field }) => field === "ts")?.rule;
  const reading: ReadingOptions = {
    assumeUtc,
    hasZone: (options.timeZone ?? timeRule?.zone) !== undefined,
    hasUnit: options.timeUnit !== undefined || timeRule?.units !== undefined,
  };
  const columns = new Map<number, ParquetColumn>();
  for (const [place, field, rule] of columnsOf(layout)) {
    const found = all[place];
    if (!found || columns.has(place)) continue;
    const { element, at } = found;
    const untyped = element.logical_type?.type === "NULL";
    const needed = requiredFields.includes(field as Field);
    if (untyped && needed && metadata.num_rows > 0n) {
      throw refuse(
        element.name,
        `Column ${element.name} (${typeName(element)}) holds only nulls`,
      );
    }
    if (untyped || (!needed && isNullOnly(metadata, element.name))) continue;
    const read: Reading = readingOf(
      field === "only" ? "side" : field,
      element,
      reading,
      own ? undefined : rule,
    );
    const plain = read.plain ?? false;
    columns.set(place, {
      key: own ? field : element.name,
      name: element.name,
      toJson: read.toJson,
      plain,
      optional: element.repetition_type !== "REQUIRED",
      typeLength: element.type_length,
    });
    if (plain) schema[at] = { ...element, converted_type: undefined, logical_type: undefined };
  }
  checkChunks(metadata, new Set([...columns.values()].map(({ name }) => name)));
  return {
    columns: [...columns.values()],
    leftOut: layout.leftOut,
    metadata: { ...metadata, schema },
  };
}
