import { quoteIdent, quoteTable } from "../sql.ts";
import {
  type LeafTemplate,
  type LockedStatement,
  type NewLeaf,
  quoteName,
  type TableName,
} from "./ddl.ts";

/** Keeps readers out of a parent: one that has listed the leaves would otherwise miss a new one. */
export function lockParentStatement(parent: TableName): LockedStatement {
  return {
    sql: `lock table only ${quoteName(parent)} in access exclusive mode`,
    lock: `ACCESS EXCLUSIVE on ${parent.schema}.${parent.table}`,
  };
}

/** Keeps the moved rows while their leaf is attached; temporary tables are in no publication. */
const movedTable = "holdfast_moved";

/**
 * Returns what moves the rows of a new leaf's range out of the default leaf: `out` before the attach, `back` after it. Rows
 * of a published table may be written only once the leaf is attached. Before, their deletion would be sent and their
 * insertion would not, or under a name that the subscriber does not know.
 */
export function moveStatements(
  leaf: NewLeaf,
  template: LeafTemplate,
  { from, columns, published }: {
    from: TableName;
    columns: readonly string[];
    published: boolean;
  },
): { out: LockedStatement[]; back: LockedStatement[] } {
  const [key = ""] = template.keyColumns;
  const names = columns.map(quoteIdent).join(", ");
  const ends = [
    ...(leaf.checkFrom === null ? [] : [`${quoteIdent(key)} >= ${leaf.checkFrom}`]),
    ...(leaf.checkTo === null ? [] : [`${quoteIdent(key)} < ${leaf.checkTo}`]),
  ];
  const source = quoteTable(from.schema, from.table);
  const child = quoteTable(leaf.parent.schema, leaf.name);
  const move = (to: string) => ({
    sql: `with moved as (delete from ${source} where ${
      ends.join(" and ")
    } returning ${names}) insert into ${to} (${names}) select ${names} from moved`,
    lock: `ROW EXCLUSIVE on ${from.schema}.${from.table}`,
  });
  if (!published) return { out: [move(child)], back: [] };
  const alone = { lock: "none but on a temporary table" };
  return {
    out: [
      {
        sql: `create temporary table ${movedTable} (like ${source}) on commit drop`,
        ...alone,
      },
      move(`pg_temp.${movedTable}`),
    ],
    back: [{
      sql:
        `insert into ${child} (${names}) overriding system value select ${names} from pg_temp.${movedTable}`,
      lock: `ROW EXCLUSIVE on ${leaf.parent.schema}.${leaf.name}`,
    }],
  };
}
