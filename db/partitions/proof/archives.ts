import { and, asc, desc, eq, getTableColumns, isNull, lt, sql as sqlText } from "drizzle-orm";
import type { Sql } from "../../connection.ts";
import { excluded } from "../../records/conditions.ts";
import { recordsIn, type RecordsSession } from "../../records/records.ts";
import { archiveRecords, detachedRecords } from "../../records/schema.ts";
import { leafValues, type RecordedLeaf } from "../records/leaf.ts";

/** `file` is relative to the archive directory. */
export type ArchiveRow = typeof archiveRecords.$inferSelect & {
  /** The table it was written from still exists. */
  exists: boolean;
};

const { id, schema, table, leaf_oid, file_bytes, archived_at } = archiveRecords;

/** Returns the archives that were read back and found intact, newest first. */
export async function listArchives(
  sql: Sql,
  { table: name, limit, before }: {
    table?: string | undefined;
    limit: number;
    /** Only archives with a lower id. */
    before?: string | undefined;
  },
): Promise<ArchiveRow[]> {
  return await recordsIn(sql)
    .select({
      ...getTableColumns(archiveRecords),
      exists: sqlText<boolean>`exists (select from pg_class as c where c.oid = ${leaf_oid})`,
    })
    .from(archiveRecords)
    .where(and(
      name === undefined ? undefined : sqlText`${schema} || '.' || ${table} = ${name}`,
      before === undefined ? undefined : lt(id, before),
    ))
    .orderBy(desc(id))
    .limit(limit);
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
  const db = recordsIn(sql);
  const recent = db.select().from(archiveRecords).orderBy(desc(id)).limit(2_000).as("recent");
  return await db
    .selectDistinctOn([recent.schema, recent.table, recent.leaf_schema, recent.leaf_name], {
      schema: recent.schema,
      table: recent.table,
      leaf_schema: recent.leaf_schema,
      leaf_name: recent.leaf_name,
      bound: recent.bound,
      rows: recent.rows,
      file_bytes: recent.file_bytes,
      archived_at: recent.archived_at,
    })
    .from(recent)
    .where(sqlText`not exists (
      select
      from pg_class as c
      join pg_namespace as n on n.oid = c.relnamespace
      where n.nspname = ${recent.leaf_schema} and c.relname = ${recent.leaf_name}
    )`)
    .orderBy(
      asc(recent.schema),
      asc(recent.table),
      asc(recent.leaf_schema),
      asc(recent.leaf_name),
      desc(recent.id),
    );
}

/** Says when the table of this oid, detached and not ended, was archived. */
async function markArchived(db: RecordsSession, oid: number, at: string | null): Promise<void> {
  await db.update(detachedRecords).set({ archived_at: at })
    .where(and(eq(detachedRecords.leaf_oid, oid), isNull(detachedRecords.ended_at)));
}

/** Records a verified archive: from then on the detached leaf may be dropped. */
export async function recordArchive(
  sql: Sql,
  archive: RecordedLeaf & {
    file: string;
    bytes: number;
    sha256: string;
    rows: number;
    contentHash: string;
    at: Date;
  },
): Promise<void> {
  const { oid, file: path, bytes, sha256, rows: counted, contentHash, at } = archive;
  const { file, file_sha256, content_hash } = archiveRecords;
  const db = recordsIn(sql);
  await db.insert(archiveRecords)
    .values({
      ...leafValues(archive),
      file: path,
      rows: counted,
      file_bytes: bytes,
      file_sha256: sha256,
      content_hash: contentHash,
      archived_at: at.toISOString(),
    })
    .onConflictDoUpdate({
      target: [leaf_oid, content_hash],
      set: excluded({ file, file_bytes, file_sha256, archived_at }),
    });
  await markArchived(db, oid, at.toISOString());
}

/** Deletes the record of an archive whose file is gone or damaged: the leaf is archived again before it may be dropped. */
export async function forgetArchive(sql: Sql, oid: number): Promise<void> {
  const db = recordsIn(sql);
  await db.delete(archiveRecords).where(eq(leaf_oid, oid));
  await markArchived(db, oid, null);
}

export async function recordRestored(sql: Sql, wanted: string, at: Date): Promise<void> {
  await recordsIn(sql).update(archiveRecords).set({ restored_at: at.toISOString() })
    .where(eq(id, wanted));
}
