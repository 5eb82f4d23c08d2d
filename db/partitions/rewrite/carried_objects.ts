import { doBlock, quoteIdent, quoteLiteral, quoteTable } from "../../sql.ts";
import { quoteName as quoted, type TableName } from "../ddl.ts";
import { suffixedName } from "../names.ts";
import type { ConversionFacts } from "../catalogue/table_facts.ts";
import type { ConversionNames } from "./names.ts";

/** Returns the name of a new index until the swap: index names are unique in a schema. */
const indexName = (table: string, at: number) => suffixedName(table, `_holdfast_i${at}`);
const oldIndexName = (name: string) => suffixedName(name, "_holdfast_plain");

/** Returns a key's definition with the partition key added where it is missing. */
function widened(definition: string, columns: readonly string[], keyColumn: string): string {
  if (columns.includes(keyColumn)) return definition;
  // Matches the first list in parentheses; a quoted name may contain a parenthesis.
  return definition.replace(
    /\(((?:"(?:[^"]|"")*"|[^")])*)\)/,
    (_, list) => `(${list}, ${quoteIdent(keyColumn)})`,
  );
}

export function indexStatements(facts: ConversionFacts, names: ConversionNames, keyColumn: string) {
  const table = quoted(names.shadow);
  return facts.indexes.flatMap((index, at) => {
    const temporary = quoteIdent(indexName(names.plain.table, at));
    const own = quoteTable(names.plain.schema, indexName(names.plain.table, at));
    const after = [
      ...index.statistics.map(({ column, target }) =>
        `alter index ${own} alter column ${column} set statistics ${target}`
      ),
      ...(index.comment === null
        ? []
        : [`comment on index ${own} is ${quoteLiteral(index.comment)}`]),
    ];
    const key = facts.constraints.find(({ name, type }) =>
      name === index.name && (type === "p" || type === "u")
    );
    if (key) {
      const options = index.options.length === 0 ? "" : ` with (${index.options.join(", ")})`;
      return [
        `alter table ${table} add constraint ${temporary} ${
          widened(key.definition, key.columns, keyColumn)
        }${options}`,
        ...(key.comment === null ? [] : [
          `comment on constraint ${temporary} on ${table} is ${quoteLiteral(key.comment)}`,
        ]),
        ...after,
      ];
    }
    return [
      `create ${index.unique ? "unique " : ""}index ${temporary} on ${table} ${index.suffix}`,
      ...after,
    ];
  });
}

/** Returns what gives the new table's indexes the names of the old ones, or takes them back. */
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

const statisticsName = (table: string, at: number) => suffixedName(table, `_holdfast_s${at}`);

/** Returns what creates the new table's extended statistics under free names, for `owner` where it is another role. */
export function statisticsStatements(
  facts: ConversionFacts,
  names: ConversionNames,
  owner: string | undefined,
): string[] {
  return facts.statistics.flatMap(({ schema, body, target, comment }, at) => {
    const temporary = quoteTable(schema, statisticsName(names.plain.table, at));
    return [
      `create statistics ${temporary}${body} from ${quoted(names.shadow)}`,
      ...(target === null ? [] : [`alter statistics ${temporary} set statistics ${target}`]),
      ...(comment === null
        ? []
        : [`comment on statistics ${temporary} is ${quoteLiteral(comment)}`]),
      ...(owner === undefined
        ? []
        : [`alter statistics ${temporary} owner to ${quoteIdent(owner)}`]),
    ];
  });
}

export function renameStatistics(facts: ConversionFacts, names: ConversionNames, back: boolean) {
  const rename = (schema: string, from: string, to: string) =>
    `alter statistics ${quoteTable(schema, from)} rename to ${quoteIdent(to)}`;
  return facts.statistics.flatMap(({ schema, name }, at) => {
    const [temporary, old] = [statisticsName(names.plain.table, at), oldIndexName(name)];
    return back
      ? [rename(schema, name, temporary), rename(schema, old, name)]
      : [rename(schema, name, old), rename(schema, temporary, name)];
  });
}

/**
 * Returns what gives the new table's identity sequences the rights and comments of the old ones. The server chooses their
 * names.
 */
export function identityStatements(facts: ConversionFacts, { shadow }: ConversionNames): string[] {
  return facts.sequences.filter(({ identity }) => identity).flatMap(
    ({ column, type, grants, comment }) => {
      const of = `pg_get_serial_sequence(${quoteLiteral(quoted(shadow))}, ${quoteLiteral(column)})`;
      const run = (format: string) =>
        doBlock(`begin execute format(${quoteLiteral(format)}, ${of}); end`);
      // format() interprets a per cent sign.
      const literal = (text: string) => text.replaceAll("%", "%%");
      return [
        // LIKE always makes it a bigint.
        run(`alter sequence %s as ${type}`),
        ...grants.map(({ grantee, privilege, grantable }) =>
          run(
            `grant ${privilege} on sequence %s to ${
              grantee === "PUBLIC" ? "public" : literal(quoteIdent(grantee))
            }${grantable ? " with grant option" : ""}`,
          )
        ),
        ...(comment === null
          ? []
          : [run(`comment on sequence %s is ${literal(quoteLiteral(comment))}`)]),
      ];
    },
  );
}

/** Returns what makes the sequences of `to` continue where those of `from` are. */
export function sequenceStatements(facts: ConversionFacts, from: TableName, to: TableName) {
  return facts.sequences.map(({ schema, name, column, identity }, at) => {
    if (!identity) {
      return `alter sequence ${quoteTable(schema, name)} owned by ${quoted(to)}.${
        quoteIdent(column)
      }`;
    }
    const of = (table: TableName) =>
      `pg_get_serial_sequence(${quoteLiteral(quoted(table))}, ${quoteLiteral(column)})`;
    return doBlock([
      "declare last bigint; called boolean; begin",
      `  execute format('select last_value, is_called from %s', ${of(from)}) into last, called;`,
      `  perform setval(${of(to)}, last, called);`,
      // The sequences exchange their names.
      `  execute format('alter sequence %s rename to %I', ${of(from)}, ${
        quoteLiteral(suffixedName(from.table, `_holdfast_n${at}`))
      });`,
      `  execute format('alter sequence %s rename to %I', ${of(to)}, ${quoteLiteral(name)});`,
      "end",
    ].join("\n"));
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
  return facts.triggers.flatMap(({ name, definition, enabled, comment }) => {
    const how = enabling[enabled];
    return [
      definition,
      ...(how ? [`alter table ${quoted(table)} ${how} trigger ${quoteIdent(name)}`] : []),
      ...(comment === null ? [] : [
        `comment on trigger ${quoteIdent(name)} on ${quoted(table)} is ${quoteLiteral(comment)}`,
      ]),
    ];
  });
}
