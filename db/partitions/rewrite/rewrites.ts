import { and, eq, getTableColumns, isNull, type SQL, sql as sqlText } from "drizzle-orm";
import type { Sql } from "../../connection.ts";
import { recordsIn } from "../../records/records.ts";
import { rewriteRecords } from "../../records/schema.ts";
import { quoteLiteral } from "../../sql.ts";
import { type LockedStatement, quoteName } from "../ddl.ts";
import type { RewriteFailure, RewritePhase, RewriteSpec } from "./spec.ts";

/** The statements that begin a rewrite, and those of its later phases. */
export interface RewritePlan {
  begin: LockedStatement[];
  spec: RewriteSpec;
}

export type RewriteRow = Omit<typeof rewriteRecords.$inferSelect, "direct_at">;

const { direct_at: _direct_at, outcome, waits_for, ...same } = getTableColumns(rewriteRecords);
const { id, kind, schema, table, spec, phase, ended_at } = same;

const columns = {
  ...same,
  // Versions without the column outcome keep it in waits_for; one of them may still run beside this one.
  outcome: sqlText<
    RewriteRow["outcome"]
  >`coalesce(${outcome}, case when ${phase} = 'cleaning' then ${waits_for} end)`,
  waits_for: sqlText<string | null>`case when ${phase} <> 'cleaning' then ${waits_for} end`,
};

/** The rewrites that `condition` holds for. */
const selectRewrites = (sql: Sql, condition: SQL | undefined) =>
  recordsIn(sql).select(columns).from(rewriteRecords).where(condition);

/** Where a page of rewrites ended. */
export interface RewritePosition {
  isOpen: boolean;
  id: string;
}

/** Returns the rewrites under way, then those that ended, newest first; those `after` a position of that order. */
export async function listRewrites(
  sql: Sql,
  limit = 100,
  after?: RewritePosition,
): Promise<RewriteRow[]> {
  const rest = after &&
    sqlText`(${ended_at} is null, ${id}) < (${after.isOpen}::bool, ${after.id}::int8)`;
  return await selectRewrites(sql, rest)
    .orderBy(sqlText`${ended_at} is null desc`, sqlText`${id} desc`)
    .limit(limit);
}

export async function findRewrite(sql: Sql, wanted: string): Promise<RewriteRow | undefined> {
  const [row] = await selectRewrites(sql, eq(id, wanted));
  return row;
}

/** Returns one rewrite and locks its row until the transaction ends, so that two Holdfasts never do the same work. */
export async function lockRewrite(sql: Sql, wanted: string): Promise<RewriteRow | undefined> {
  const [row] = await selectRewrites(sql, eq(id, wanted)).for("update");
  return row;
}

/** Returns how far a rewrite is; undefined when there is no such one. */
export async function readRewritePhase(
  sql: Sql,
  wanted: string,
): Promise<RewritePhase | undefined> {
  const [row] = await recordsIn(sql).select({ phase }).from(rewriteRecords).where(eq(id, wanted));
  return row?.phase;
}

/** Returns the rewrite of this table that has not ended. */
export async function findOpenRewrite(
  sql: Sql,
  name: { schema: string; table: string },
): Promise<RewriteRow | undefined> {
  const [row] = await selectRewrites(
    sql,
    and(eq(schema, name.schema), eq(table, name.table), isNull(ended_at)),
  );
  return row;
}

/** Stores a rewrite that begins, and returns its id. The blocks that its source has now are those to copy. */
export async function insertRewrite(
  sql: Sql,
  { at, ...begun }: Pick<RewriteRow, "kind" | "schema" | "table" | "spec"> & { at: Date },
): Promise<string> {
  const source = quoteName(begun.spec.source);
  const now = at.toISOString();
  const [row] = await recordsIn(sql).insert(rewriteRecords)
    .values({
      ...begun,
      phase: "copying",
      blocks:
        sqlText`pg_relation_size(${source}::text::regclass) / current_setting('block_size')::int8`,
      started_at: now,
      updated_at: now,
    })
    .returning({ id });
  return row?.id ?? "";
}

/** What changes in the course of a rewrite. */
export type RewriteChange =
  & Partial<
    Pick<
      typeof rewriteRecords.$inferInsert,
      | "phase"
      | "next_block"
      | "rows_copied"
      | "changes_applied"
      | "direct_xid"
      | "rows_verified"
      | "content_hash"
      | "lock_ms"
      | "outcome"
      | "waits_for"
      | "error"
    >
  >
  & {
    /** Null removes the failure stored before. */
    failure?: RewriteFailure | null;
    ended_at?: Date;
  };

export async function updateRewrite(
  sql: Sql,
  changed: string,
  { ended_at, failure, ...change }: RewriteChange,
  at: Date,
): Promise<void> {
  await recordsIn(sql).update(rewriteRecords)
    .set({
      ...change,
      updated_at: at.toISOString(),
      ...(ended_at ? { ended_at: ended_at.toISOString() } : {}),
      ...(failure === undefined ? {} : {
        spec: sqlText`${spec} - 'failure' || ${
          JSON.stringify(failure === null ? {} : { failure })
        }::text::jsonb`,
      }),
    })
    .where(eq(id, changed));
}

/** Returns the tables whose last drain failed, with the reason. Reads few columns, for each survey runs it. */
export async function listFailedDrains(
  sql: Sql,
): Promise<{ schema: string; table: string; failure: RewriteFailure; signature: string }[]> {
  const db = recordsIn(sql);
  const last = db
    .selectDistinctOn([schema, table], { schema, table, phase, spec })
    .from(rewriteRecords)
    .where(eq(kind, "drain"))
    .orderBy(schema, table, sqlText`${id} desc`)
    .as("last");
  return await db
    .select({
      schema: last.schema,
      table: last.table,
      failure: sqlText<RewriteFailure>`${last.spec} -> 'failure'`,
      signature: sqlText<string>`${last.spec} ->> 'signature'`,
    })
    .from(last)
    .where(and(eq(last.phase, "failed"), sqlText`${last.spec} ? 'failure'`));
}

/** Returns what an operator runs to replace the signature of a planned rewrite. */
export function resignStatement(id: string, signature: string): string {
  const value = quoteLiteral(JSON.stringify(signature));
  return `update holdfast.partition_moves set spec = jsonb_set(spec, '{signature}', ${value}) where id = ${id}`;
}
