import { inArray } from "drizzle-orm";
import type { Sql } from "../connection.ts";
import { recordsIn } from "../records/records.ts";
import { rollupRecords } from "../records/schema.ts";
import type { SampleTable } from "./leaves.ts";

/** Returns until when each of the tables is rolled up, in milliseconds since 1970; those that never were are left out. */
export async function readRolledUntil(
  sql: Sql,
  tables: readonly SampleTable[],
): Promise<Map<string, number>> {
  const { table_name, rolled_until } = rollupRecords;
  const rows = await recordsIn(sql).select({ table_name, rolled_until }).from(rollupRecords)
    .where(inArray(table_name, [...tables]));
  return new Map(rows.map((row) => [row.table_name, row.rolled_until.getTime()]));
}
