import { and, eq, getTableColumns, sql as sqlText } from "drizzle-orm";
import type { Sql } from "../../connection.ts";
import { excluded } from "../../records/conditions.ts";
import { recordsIn } from "../../records/records.ts";
import { policyRecords } from "../../records/schema.ts";
import type { TableName } from "../ddl.ts";

const { updated_at, ...policyColumns } = getTableColumns(policyRecords);
const { schema, table, ...changing } = policyColumns;

export type PolicyRow = Omit<typeof policyRecords.$inferSelect, "updated_at"> & {
  /** Whether it is the default policy, which nobody has changed. */
  shipped: boolean;
};

export async function listPolicies(sql: Sql): Promise<PolicyRow[]> {
  return await recordsIn(sql)
    .select({ ...policyColumns, shipped: sqlText<boolean>`${updated_at} is null` })
    .from(policyRecords)
    .orderBy(schema, table);
}

/** Locks all policies against changes until the transaction ends; reads do not wait. */
export async function holdPolicies(sql: Sql): Promise<void> {
  await sql`lock table holdfast.partition_policies in share row exclusive mode`;
}

export async function putPolicy(sql: Sql, policy: Omit<PolicyRow, "shipped">): Promise<void> {
  await recordsIn(sql).insert(policyRecords)
    .values({ ...policy, updated_at: sqlText`now()` })
    .onConflictDoUpdate({
      target: [schema, table],
      set: excluded({ ...changing, updated_at }),
    });
}

/** Says whether there was one. */
export async function deletePolicy(sql: Sql, name: TableName): Promise<boolean> {
  const rows = await recordsIn(sql).delete(policyRecords)
    .where(and(eq(schema, name.schema), eq(table, name.table)))
    .returning({ table });
  return rows.length > 0;
}

/**
 * Returns an interval in Postgres's own style, whatever the session's style is. Throws the server's error for an invalid
 * one.
 */
export async function canonicalInterval(sql: Sql, text: string): Promise<string> {
  const [row] = await sql<{ text: string }[]>`
    with style as materialized (select set_config('intervalstyle', 'postgres', true) as name)
    select (${text}::text::interval)::text as text
    from style
    where style.name is not null`;
  return row?.text ?? text;
}

export async function schemaExists(sql: Sql, name: string): Promise<boolean> {
  const rows = await sql`select 1 from pg_namespace where nspname = ${name}`;
  return rows.length > 0;
}
