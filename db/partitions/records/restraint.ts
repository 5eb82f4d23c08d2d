import type { Sql } from "../../connection.ts";

/** The server's time, and that of the last rotation under clocks that agreed; milliseconds since 1970. */
export interface ClockRow {
  server: number;
  /** Undefined before the first rotation. */
  recorded: { server: number; peak: number } | undefined;
}

export async function readClocks(sql: Sql): Promise<ClockRow> {
  const [row] = await sql<{ server: number; at: number | null; peak: number | null }[]>`
    select
      (extract(epoch from clock_timestamp()) * 1000)::float8 as server,
      (extract(epoch from c.server_at) * 1000)::float8 as at,
      (extract(epoch from c.peak_at) * 1000)::float8 as peak
    from (values (true)) as one (only_one)
    left join holdfast.rotation_clock as c using (only_one)`;
  if (!row) throw new Error("The server returned no time");
  const { server, at, peak } = row;
  return { server, recorded: at === null || peak === null ? undefined : { server: at, peak } };
}

/** Records a trusted time, in milliseconds since 1970; `anew` replaces a later one. */
export async function recordClock(sql: Sql, serverMs: number, anew: boolean): Promise<void> {
  const at = sql`${new Date(serverMs).toISOString()}::text::timestamptz`;
  await sql`
    insert into holdfast.rotation_clock as c (server_at, peak_at)
    values (${at}, ${at})
    on conflict (only_one) do update set
      server_at = excluded.server_at,
      peak_at = case when ${anew}::bool then excluded.peak_at else greatest(c.peak_at, excluded.peak_at) end`;
}

export type HoldKind = "clock" | "brake" | "newest" | "leaf";

/** Something that retention keeps although its policy says otherwise. */
export interface HoldRow {
  schema: string;
  table: string;
  kind: HoldKind;
  /** `schema.name` of one leaf, or empty where all retention of the table is held back. */
  partition: string;
  partitions: number;
  reason: string;
}

/** Replaces what is held back of these tables; returns the holds that are new. */
export async function replaceHolds(
  sql: Sql,
  tables: readonly { schema: string; table: string }[],
  holds: readonly HoldRow[],
): Promise<HoldRow[]> {
  const wanted = sql`
    select h.schema, h."table", h.kind, h.partition, h.partitions, h.reason
    from jsonb_to_recordset(${JSON.stringify(holds)}::text::jsonb)
      as h (schema text, "table" text, kind text, partition text, partitions int, reason text)`;
  await sql`
    delete from holdfast.retention_holds as old
    where (old.schema_name, old.table_name) in (
        select * from unnest(
          ${tables.map(({ schema }) => schema)}::text[],
          ${tables.map(({ table }) => table)}::text[]
        )
      )
      and not exists (
        select 1 from (${wanted}) as h
        where (h.schema, h."table", h.kind, h.partition)
          = (old.schema_name, old.table_name, old.kind, old.partition_name)
      )`;
  const changed = await sql<{ schema: string; table: string; kind: string; partition: string }[]>`
    insert into holdfast.retention_holds as old
      (schema_name, table_name, kind, partition_name, partitions, reason)
    select schema, "table", kind, partition, partitions, reason from (${wanted}) as h
    on conflict (schema_name, table_name, kind, partition_name) do update set
      partitions = excluded.partitions, reason = excluded.reason
    where (old.partitions, old.kind) is distinct from (excluded.partitions, excluded.kind)
    returning schema_name as schema, table_name as "table", kind, partition_name as partition`;
  const keys = new Set(changed.map((one) => JSON.stringify(Object.values(one))));
  return holds.filter(({ schema, table, kind, partition }) =>
    keys.has(JSON.stringify([schema, table, kind, partition]))
  );
}

export async function listHolds(sql: Sql): Promise<HoldRow[]> {
  return await sql<HoldRow[]>`
    select
      schema_name as schema,
      table_name as "table",
      kind,
      partition_name as partition,
      partitions,
      reason
    from holdfast.retention_holds
    order by schema_name, table_name, kind, partition_name
    limit 1000`;
}
