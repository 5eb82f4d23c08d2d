import type { Sql } from "../../connection.ts";
import type { TableName } from "../ddl.ts";
import { utcText } from "../../utc_text.ts";

export interface ArchiveRow {
  id: string;
  schema: string;
  table: string;
  leaf_schema: string;
  leaf_name: string;
  leaf_oid: number;
  bound: string;
  /** Relative to the archive directory. */
  file: string;
  file_bytes: number;
  file_sha256: string;
  rows: number;
  content_hash: string;
  archived_at: string;
  restored_at: string | null;
  /** The table it was written from still exists. */
  exists: boolean;
}

/** Returns the archives that were read back and found intact, newest first. */
export async function listArchives(
  sql: Sql,
  { table, limit, before }: {
    table?: string | undefined;
    limit: number;
    /** Only archives with a lower id. */
    before?: string | undefined;
  },
): Promise<ArchiveRow[]> {
  return await sql<ArchiveRow[]>`
    select
      a.id::text as id,
      a.schema_name as schema,
      a.table_name as "table",
      a.leaf_schema,
      a.leaf_name,
      a.leaf_oid::int8::float8 as leaf_oid,
      a.bound,
      a.file,
      a.file_bytes::float8 as file_bytes,
      a.file_sha256,
      a.rows::float8 as rows,
      a.content_hash,
      ${sql.unsafe(utcText("a.archived_at"))} as archived_at,
      ${sql.unsafe(utcText("a.restored_at"))} as restored_at,
      exists (select 1 from pg_class as c where c.oid = a.leaf_oid) as exists
    from holdfast.partition_archives as a
    where ${table === undefined ? sql`true` : sql`a.schema_name || '.' || a.table_name = ${table}`}
      and ${before === undefined ? sql`true` : sql`a.id < ${before}::text::int8`}
    order by a.id desc
    limit ${limit}`;
}

/** Returns the leaves that exist only as archives, each with its newest archive; at most the newest ones. */
export async function listGone(
  sql: Sql,
): Promise<
  Pick<
    ArchiveRow,
    | "schema"
    | "table"
    | "leaf_schema"
    | "leaf_name"
    | "bound"
    | "rows"
    | "file_bytes"
    | "archived_at"
  >[]
> {
  return await sql`
    select distinct on (a.schema_name, a.table_name, a.leaf_schema, a.leaf_name)
      a.schema_name as schema,
      a.table_name as "table",
      a.leaf_schema,
      a.leaf_name,
      a.bound,
      a.rows::float8 as rows,
      a.file_bytes::float8 as file_bytes,
      ${sql.unsafe(utcText("a.archived_at"))} as archived_at
    from (
      select *
      from holdfast.partition_archives
      order by partition_archives.id desc
      limit 2000
    ) as a
    where not exists (
      select 1
      from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
      where n.nspname = a.leaf_schema and c.relname = a.leaf_name
    )
    order by a.schema_name, a.table_name, a.leaf_schema, a.leaf_name, a.id desc`;
}

/** Records a verified archive: from then on the detached leaf may be dropped. */
export async function recordArchive(
  sql: Sql,
  archive: {
    parent: TableName;
    leaf: TableName;
    oid: number;
    bound: string;
    file: string;
    bytes: number;
    sha256: string;
    rows: number;
    contentHash: string;
    at: Date;
  },
): Promise<void> {
  const { parent, leaf } = archive;
  const at = sql`${archive.at.toISOString()}::text::timestamptz`;
  await sql`
    insert into holdfast.partition_archives (
      schema_name, table_name, leaf_schema, leaf_name, leaf_oid, bound,
      file, file_bytes, file_sha256, rows, content_hash, archived_at
    )
    values (
      ${parent.schema}, ${parent.table}, ${leaf.schema}, ${leaf.table}, ${archive.oid}::int8::oid, ${archive.bound},
      ${archive.file}, ${archive.bytes}, ${archive.sha256}, ${archive.rows}, ${archive.contentHash}, ${at}
    )
    on conflict (leaf_oid, content_hash) do update set
      file = excluded.file,
      file_bytes = excluded.file_bytes,
      file_sha256 = excluded.file_sha256,
      archived_at = excluded.archived_at`;
  await sql`
    update holdfast.detached_partitions
    set archived_at = ${at}
    where leaf_oid = ${archive.oid}::int8::oid and ended_at is null`;
}

/** Deletes the record of an archive whose file is gone or damaged: the leaf is archived again before it may be dropped. */
export async function forgetArchive(sql: Sql, oid: number): Promise<void> {
  await sql`delete from holdfast.partition_archives where leaf_oid = ${oid}::int8::oid`;
  await sql`
    update holdfast.detached_partitions set archived_at = null
    where leaf_oid = ${oid}::int8::oid and ended_at is null`;
}

export async function recordRestored(sql: Sql, id: string, at: Date): Promise<void> {
  await sql`
    update holdfast.partition_archives
    set restored_at = ${at.toISOString()}::text::timestamptz
    where id = ${id}::text::int8`;
}
