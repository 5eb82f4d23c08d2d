import type { ConversionFacts } from "../../../db/partitions/conversion_facts.ts";
import type { TableName } from "../../../db/partitions/ddl.ts";
import { quoteIdent, quoteLiteral, quoteTable } from "../../../db/sql.ts";
import { nameWith } from "../axis/names.ts";

/** A conversion's tables and functions, by names that say whose they are. */
export interface ConversionNames {
  plain: TableName;
  shadow: TableName;
  old: TableName;
  rest: TableName;
  log: string;
  forward: string;
  back: string;
}

export function namesOf({ schema, table }: TableName, oid: number): ConversionNames {
  const beside = (ending: string) => ({ schema, table: nameWith(table, ending) });
  return {
    plain: { schema, table },
    shadow: beside("_holdfast_new"),
    old: beside("_holdfast_plain"),
    rest: beside("_holdfast_rest"),
    log: quoteTable("holdfast", `move_log_${oid}`),
    forward: quoteTable("holdfast", `move_${oid}`),
    back: quoteTable("holdfast", `move_back_${oid}`),
  };
}

export const quoted = ({ schema, table }: TableName) => quoteTable(schema, table);

/** Names of indexes are the schema's: those of the shadow are others until the swap. */
const indexName = (table: string, at: number) => nameWith(table, `_holdfast_i${at}`);
const oldIndexName = (name: string) => nameWith(name, "_holdfast_plain");

/** A key's definition with the partition key added where it is lacking. */
function widened(definition: string, columns: readonly string[], keyColumn: string): string {
  if (columns.includes(keyColumn)) return definition;
  return definition.replace(/\)/, `, ${quoteIdent(keyColumn)})`);
}

export function indexStatements(facts: ConversionFacts, names: ConversionNames, keyColumn: string) {
  const table = quoted(names.shadow);
  return facts.indexes.map((index, at) => {
    const temporary = quoteIdent(indexName(names.plain.table, at));
    const key = facts.constraints.find(({ name, type }) =>
      name === index.name && (type === "p" || type === "u")
    );
    if (key) {
      return `alter table ${table} add constraint ${temporary} ${
        widened(key.definition, key.columns, keyColumn)
      }`;
    }
    return `create ${index.unique ? "unique " : ""}index ${temporary} on ${table} ${index.suffix}`;
  });
}

/** What gives the new table's indexes the names of the old one's, or takes them back. */
export function renameIndexes(facts: ConversionFacts, { plain }: ConversionNames, back: boolean) {
  const rename = (from: string, to: string) =>
    `alter index ${quoteTable(plain.schema, from)} rename to ${quoteIdent(to)}`;
  return facts.indexes.flatMap(({ name }, at) => {
    const [temporary, old] = [indexName(plain.table, at), oldIndexName(name)];
    return back
      ? [rename(name, temporary), rename(old, name)]
      : [rename(name, old), rename(temporary, name)];
  });
}

/** The new owner's sequences go on where the old one's stand. */
export function sequenceStatements(facts: ConversionFacts, from: TableName, to: TableName) {
  return facts.sequences.map(({ schema, name, column, identity }) => {
    if (!identity) {
      return `alter sequence ${quoteTable(schema, name)} owned by ${quoted(to)}.${
        quoteIdent(column)
      }`;
    }
    const of = (table: TableName) =>
      `pg_get_serial_sequence(${quoteLiteral(quoted(table))}, ${quoteLiteral(column)})`;
    return [
      "do $holdfast$ declare last bigint; called boolean; begin",
      `  execute format('select last_value, is_called from %s', ${of(from)}) into last, called;`,
      `  perform setval(${of(to)}, last, called); end $holdfast$`,
    ].join("\n");
  });
}

export function viewStatements(facts: ConversionFacts): string[] {
  return facts.views.map(({ schema, name, definition, options }) =>
    `create or replace view ${quoteTable(schema, name)}${
      options.length > 0 ? ` with (${options.join(", ")})` : ""
    } as ${definition}`
  );
}

export const enabling: Record<string, string> = {
  D: "disable",
  A: "enable always",
  R: "enable replica",
};

export function userTriggers(facts: ConversionFacts, table: TableName): string[] {
  return facts.triggers.flatMap(({ name, definition, enabled }) => {
    const how = enabling[enabled];
    return [
      definition,
      ...(how ? [`alter table ${quoted(table)} ${how} trigger ${quoteIdent(name)}`] : []),
    ];
  });
}
