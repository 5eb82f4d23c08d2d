import { inStatementsSchema } from "../collectors/choose.ts";
import type { Sql } from "../connection.ts";
import { decodeForeignText } from "../foreign_text.ts";
import running from "./running_statement_texts.sql" with { type: "text" };
import texts from "./statement_texts.sql" with { type: "text" };

/** A statement's text by its query id; null where the role may not see it. */
export interface StatementText {
  query_id: string;
  query: string | null;
}

/**
 * Reads the texts of statements from pg_stat_statements, which lies in `schema`. Fails with 22021 or 22P05 for all of them
 * where one entry of another database has a text with no form in this database's encoding.
 */
export async function readStatementTexts(
  sql: Sql,
  schema: string,
  ids: readonly string[],
): Promise<StatementText[]> {
  return [...await sql.unsafe<StatementText[]>(inStatementsSchema(texts, schema), [[...ids]])];
}

/** Reads the texts of those statements that a session of this database runs or ran last; constants included. */
export async function readRunningTexts(
  sql: Sql,
  ids: readonly string[],
): Promise<StatementText[]> {
  const rows = await sql.unsafe<StatementText[]>(running, [[...ids]]);
  return rows.map(({ query_id, query }) => ({
    query_id,
    query: query && decodeForeignText(query),
  }));
}
