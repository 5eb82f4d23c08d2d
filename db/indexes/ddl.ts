import { quoteIdent, quoteTable } from "../sql.ts";

/** A table or an index by its name. */
interface Named {
  schema: string;
  name: string;
}

/** Returns the statement that builds an index again; `concurrently` does not block writes, and fails on a partitioned index. */
export function reindex({ schema, name }: Named, concurrently: boolean): string {
  return `reindex index ${concurrently ? "concurrently " : ""}${quoteTable(schema, name)}`;
}

/** Returns the statement that builds all indexes of a table again; of a hypertable, no single one can be. */
export function reindexTable({ schema, name }: Named): string {
  return `reindex table ${quoteTable(schema, name)}`;
}

/** Returns the statement that drops an index; `concurrently` does not block reads or writes, and fails on a partitioned index. */
export function dropIndex({ schema, name }: Named, concurrently: boolean): string {
  return `drop index ${concurrently ? "concurrently " : ""}${quoteTable(schema, name)}`;
}

/** Returns the statement that makes an index; `concurrently` does not block writes, and fails on a partitioned table. */
export function createIndex(
  { schema, name }: Named,
  columns: readonly string[],
  concurrently: boolean,
): string {
  const mode = concurrently ? "concurrently " : "";
  return `create index ${mode}on ${quoteTable(schema, name)} (${
    columns.map(quoteIdent).join(", ")
  })`;
}
