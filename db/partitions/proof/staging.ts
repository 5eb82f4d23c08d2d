import type { Sql } from "../../connection.ts";
import { type CopyStream, openCopy } from "../../copy.ts";
import { quoteIdent } from "../../sql.ts";
import { quoteName, type TableName } from "../ddl.ts";
import { baseType, binaryTypes, type ContentColumn } from "./content.ts";

const staging = "pg_temp.holdfast_restore";

/** Creates a temporary table for archived rows and opens a binary COPY into it. Values of other than binary types are text. */
export async function openStaging(
  sql: Sql,
  columns: readonly ContentColumn[],
): Promise<CopyStream> {
  const types = columns.map(({ name, type }) =>
    `${quoteIdent(name)} ${baseType(type) in binaryTypes ? baseType(type) : "text"}`
  );
  await sql.unsafe(`create temporary table holdfast_restore (${types.join(", ")}) on commit drop`);
  return await openCopy(sql, `copy ${staging} from stdin (format binary)`);
}

/** Inserts the staged rows into a leaf, each value cast to the type of its column. */
export async function insertStaged(
  sql: Sql,
  leaf: TableName,
  columns: readonly ContentColumn[],
): Promise<void> {
  const names = columns.map(({ name }) => quoteIdent(name)).join(", ");
  const values = columns.map(({ name, type }) => `${quoteIdent(name)}::${type}`).join(", ");
  await sql.unsafe(`insert into ${quoteName(leaf)} (${names}) select ${values} from ${staging}`);
}
