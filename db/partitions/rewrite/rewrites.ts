import type { Sql } from "../../connection.ts";
import { quoteLiteral } from "../../sql.ts";
import { type LockedStatement, quoteName } from "../ddl.ts";
import { utcText } from "../../utc_text.ts";
import type { RewriteFailure, RewriteOutcome, RewritePhase, RewriteSpec } from "./spec.ts";

/** The statements that begin a rewrite, and those of its later phases. */
export interface RewritePlan {
  begin: LockedStatement[];
  spec: RewriteSpec;
}

export interface RewriteRow {
  id: string;
  kind: "convert" | "drain";
  schema: string;
  table: string;
  spec: RewriteSpec;
  phase: RewritePhase;
  blocks: number;
  next_block: number;
  rows_copied: number;
  changes_applied: number;
  direct_xid: string | null;
  rows_verified: number | null;
  content_hash: string | null;
  lock_ms: number | null;
  /** Set while it is being cleaned up, and after. */
  outcome: RewriteOutcome | null;
  /** For people. */
  waits_for: string | null;
  error: string | null;
  started_at: string;
  updated_at: string;
  ended_at: string | null;
}

const columns = (sql: Sql) =>
  sql`
  id::text as id,
  kind,
  schema_name as schema,
  table_name as "table",
  spec,
  phase,
  blocks::float8 as blocks,
  next_block::float8 as next_block,
  rows_copied::float8 as rows_copied,
  changes_applied::float8 as changes_applied,
  direct_xid,
  rows_verified::float8 as rows_verified,
  content_hash,
  lock_ms,
  -- Versions without the column outcome keep it in waits_for; one of them may still run beside this one.
  coalesce(outcome, case when phase = 'cleaning' then waits_for end) as outcome,
  case when phase <> 'cleaning' then waits_for end as waits_for,
  error,
  ${sql.unsafe(utcText("started_at"))} as started_at,
  ${sql.unsafe(utcText("updated_at"))} as updated_at,
  ${sql.unsafe(utcText("ended_at"))} as ended_at`;

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
  return await sql<RewriteRow[]>`
    select ${columns(sql)} from holdfast.partition_moves
    where ${
    after
      ? sql`(partition_moves.ended_at is null, partition_moves.id)
        < (${after.isOpen}::bool, ${after.id}::text::int8)`
      : sql`true`
  }
    order by partition_moves.ended_at is null desc, partition_moves.id desc
    limit ${limit}`;
}

export async function findRewrite(sql: Sql, id: string): Promise<RewriteRow | undefined> {
  const [row] = await sql<RewriteRow[]>`
    select ${columns(sql)} from holdfast.partition_moves
    where partition_moves.id = ${id}::text::int8`;
  return row;
}

/** Returns one rewrite and locks its row until the transaction ends, so that two Holdfasts never do the same work. */
export async function lockRewrite(sql: Sql, id: string): Promise<RewriteRow | undefined> {
  const [row] = await sql<RewriteRow[]>`
    select ${
    columns(sql)
  } from holdfast.partition_moves where partition_moves.id = ${id}::text::int8 for update`;
  return row;
}

/** Returns how far a rewrite is; undefined when there is no such one. */
export async function readRewritePhase(sql: Sql, id: string): Promise<RewritePhase | undefined> {
  const [row] = await sql<{ phase: RewritePhase }[]>`
    select phase
    from holdfast.partition_moves
    where id = ${id}::text::int8`;
  return row?.phase;
}

/** Returns the rewrite of this table that has not ended. */
export async function findOpenRewrite(
  sql: Sql,
  { schema, table }: { schema: string; table: string },
): Promise<RewriteRow | undefined> {
  const [row] = await sql<RewriteRow[]>`
    select ${columns(sql)} from holdfast.partition_moves
    where schema_name = ${schema} and table_name = ${table} and partition_moves.ended_at is null`;
  return row;
}

/** Stores a rewrite that begins, and returns its id. The blocks that its source has now are those to copy. */
export async function insertRewrite(
  sql: Sql,
  { kind, schema, table, spec, at }: {
    kind: "convert" | "drain";
    schema: string;
    table: string;
    spec: RewriteSpec;
    at: Date;
  },
): Promise<string> {
  const source = quoteName(spec.source);
  const now = at.toISOString();
  const [row] = await sql<{ id: string }[]>`
    insert into holdfast.partition_moves
      (kind, schema_name, table_name, spec, phase, blocks, started_at, updated_at)
    values (
      ${kind}, ${schema}, ${table}, ${JSON.stringify(spec)}::text::jsonb, 'copying',
      pg_relation_size(${source}::text::regclass) / current_setting('block_size')::int8,
      ${now}::text::timestamptz, ${now}::text::timestamptz
    )
    returning id::text as id`;
  return row?.id ?? "";
}

export interface RewriteChange {
  phase?: RewritePhase;
  next_block?: number;
  rows_copied?: number;
  changes_applied?: number;
  direct_xid?: string;
  rows_verified?: number;
  content_hash?: string;
  lock_ms?: number;
  outcome?: RewriteOutcome;
  waits_for?: string | null;
  error?: string | null;
  /** Null removes the failure stored before. */
  failure?: RewriteFailure | null;
  ended_at?: Date;
}

export async function updateRewrite(
  sql: Sql,
  id: string,
  { ended_at, failure, ...change }: RewriteChange,
  at: Date,
): Promise<void> {
  const values = {
    ...change,
    updated_at: at.toISOString(),
    ...(ended_at ? { ended_at: ended_at.toISOString() } : {}),
  };
  await sql`update holdfast.partition_moves set ${sql(values)} where id = ${id}::text::int8`;
  if (failure === undefined) return;
  await sql`
    update holdfast.partition_moves
    set spec = spec - 'failure' || ${
    JSON.stringify(failure === null ? {} : { failure })
  }::text::jsonb
    where id = ${id}::text::int8`;
}

/** Returns the tables whose last drain failed, with the reason. Reads few columns, for each survey runs it. */
export async function listFailedDrains(
  sql: Sql,
): Promise<{ schema: string; table: string; failure: RewriteFailure; signature: string }[]> {
  return await sql<{ schema: string; table: string; failure: RewriteFailure; signature: string }[]>`
    select
      m.schema_name as schema,
      m.table_name as "table",
      m.spec -> 'failure' as failure,
      m.spec ->> 'signature' as signature
    from (
      select distinct on (schema_name, table_name) *
      from holdfast.partition_moves
      where kind = 'drain'
      order by schema_name, table_name, id desc
    ) as m
    where m.phase = 'failed' and m.spec ? 'failure'`;
}

/** Returns what an operator runs to replace the signature of a planned rewrite. */
export function resignStatement(id: string, signature: string): string {
  const value = quoteLiteral(JSON.stringify(signature));
  return `update holdfast.partition_moves set spec = jsonb_set(spec, '{signature}', ${value}) where id = ${id}`;
}
