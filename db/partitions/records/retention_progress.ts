import type { Sql } from "../../connection.ts";

/** Progress of retention with a table at the last rotation under a trusted clock. Milliseconds since 1970. */
export interface ProgressRow {
  schema: string;
  table: string;
  seen: number;
  peak: number;
  /** Oids of leaves that expired in the usual numbers. */
  admitted: number[];
}

export async function listProgress(sql: Sql): Promise<ProgressRow[]> {
  return await sql<ProgressRow[]>`
    select
      schema_name as schema,
      table_name as "table",
      (extract(epoch from seen_at) * 1000)::float8 as seen,
      (extract(epoch from peak_at) * 1000)::float8 as peak,
      admitted::float8[] as admitted
    from holdfast.retention_progress`;
}

/** Keeps the progress of these tables; forgets that of tables not `managed` any more. */
export async function keepProgress(
  sql: Sql,
  rows: readonly ProgressRow[],
  managed: readonly { schema: string; table: string }[] | "unchanged",
): Promise<void> {
  await sql`
    insert into holdfast.retention_progress as p (schema_name, table_name, seen_at, peak_at, admitted)
    select
      r.schema, r."table", to_timestamp(r.seen / 1000), to_timestamp(r.peak / 1000), r.admitted
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
      as r (schema text, "table" text, seen float8, peak float8, admitted int8[])
    on conflict (schema_name, table_name) do update set
      seen_at = excluded.seen_at, peak_at = excluded.peak_at, admitted = excluded.admitted`;
  if (managed === "unchanged") return;
  await sql`
    delete from holdfast.retention_progress
    where (schema_name, table_name) not in (
      select * from unnest(
        ${managed.map(({ schema }) => schema)}::text[],
        ${managed.map(({ table }) => table)}::text[]
      )
    )`;
}
