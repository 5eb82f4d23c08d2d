import { type SQL, sql } from "drizzle-orm";
import type { PgTable } from "drizzle-orm/pg-core";

/** One row, for a select that reads no table or joins those that may be empty. */
export const oneRow = sql`(values (true)) as one (is_one)`;

/**
 * Returns objects as rows of a table, to select from. They are one parameter, so the statement has one text at any number
 * of rows. A column without a value is null.
 */
export function rowsOf(table: PgTable, rows: readonly object[]): SQL {
  return sql`jsonb_populate_recordset(null::${table}, ${JSON.stringify(rows)}::text::jsonb)`;
}
