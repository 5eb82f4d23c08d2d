import { type SQL, sql } from "drizzle-orm";
import type { PgColumn } from "drizzle-orm/pg-core";

/** Says that a column has one of these values. The list is one parameter, so the statement has one text at any length. */
export function isAnyOf(column: PgColumn, values: readonly unknown[]): SQL {
  return sql`${column} = any(${sql.param([...values])}::${sql.raw(column.getSQLType())}[])`;
}

/** Says that the two columns name one of these tables. */
export function isAnyTable(
  { schema, table }: { schema: PgColumn; table: PgColumn },
  tables: readonly { schema: string; table: string }[],
): SQL {
  return sql`(${schema}, ${table}) in (
    select * from unnest(
      ${sql.param(tables.map((one) => one.schema))}::text[],
      ${sql.param(tables.map((one) => one.table))}::text[]
    )
  )`;
}

/** The time by which records are deleted for their age, less so many days. */
export function daysAgo(days: number): SQL {
  return sql`(select holdfast.trusted_now()) - ${days}::int4 * interval '1 day'`;
}

/** Returns the values that an upsert takes from the row it could not insert, by the columns' names in TypeScript. */
export function excluded<T extends Record<string, PgColumn>>(
  columns: T,
): { [K in keyof T]: SQL } {
  return Object.fromEntries(
    Object.entries(columns).map(([key, { name }]) => [
      key,
      sql`excluded.${sql.identifier(name)}`,
    ]),
  ) as { [K in keyof T]: SQL };
}
