import type { Sql } from "../connection.ts";
import { quoteName, type TableName } from "./ddl.ts";

/** Sends statements one after the other. */
export async function runStatements(
  sql: Sql,
  statements: readonly (string | { sql: string })[],
): Promise<void> {
  for (const statement of statements) {
    await sql.unsafe(typeof statement === "string" ? statement : statement.sql);
  }
}

/** Sends statements in one message, which saves a round trip for each of them. */
export async function runTogether(sql: Sql, statements: readonly string[]): Promise<void> {
  await sql.unsafe(statements.join(";\n")).simple();
}

/** Gathers the statistics of a table. */
export async function analyzeTable(sql: Sql, table: TableName): Promise<void> {
  await sql.unsafe(`analyze ${quoteName(table)}`);
}
