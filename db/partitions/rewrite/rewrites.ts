import type { Sql } from "../../connection.ts";
import type { DatabaseFailure } from "../../permanence.ts";

/** How far a move is. What ends with "ed" rests; the others go on by themselves. */
export type RewritePhase =
  | "copying"
  | "replaying"
  | "verifying"
  | "waiting"
  | "swapped"
  | "undoing"
  | "finishing"
  | "cancelling"
  | "cleaning"
  | "undone"
  | "finished"
  | "cancelled"
  | "failed";

/** Why an attempt was given up: an error that comes again each time. */
export interface MoveFailure extends DatabaseFailure {
  /** What was under way. */
  phase: RewritePhase;
  /** RFC 3339. */
  at: string;
}

/** Everything that is still to be done with a table on the move, as statements. */
export interface RewriteSpec {
  source: { schema: string; table: string };
  shadow: { schema: string; table: string };
  /** The log of changed keys while rows are copied. */
  log: string;
  columns: string[];
  /** Columns that name a row. */
  identity: string[];
  /** From here on each write goes to both tables. */
  direct: string;
  swap: string[];
  undo: string[];
  finish: string[];
  cancel: string[];
  /** After undo, finish, cancel or the swap of a drain: what is left over goes. */
  clean: { undone: string[]; finished: string[]; cancelled: string[] };
  /** Of the table as it was planned: the swap does not take place when it is another one. */
  signature: string;
  /** Set with the swap, taken back with the undo. */
  policy: Record<string, unknown> | null;
  /** Bounds of the leaves that a drain makes, as DDL has them: nobody else makes a leaf there meanwhile. */
  ranges?: { from: string; to: string }[];
  failure?: MoveFailure;
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
  waits_for,
  error,
  to_char(started_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as started_at,
  to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as updated_at,
  to_char(ended_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as ended_at`;

/** Where a page of moves ended. */
export interface MovePosition {
  isOpen: boolean;
  id: string;
}

/** The moves under way, and those that ended, newest first; those `after` a position of that order. */
export async function listRewrites(
  sql: Sql,
  limit = 100,
  after?: MovePosition,
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

export async function findMove(sql: Sql, id: string): Promise<RewriteRow | undefined> {
  const [row] = await sql<RewriteRow[]>`
    select ${columns(sql)} from holdfast.partition_moves
    where partition_moves.id = ${id}::text::int8`;
  return row;
}

/** One move, held until the transaction ends: two Holdfasts never do the same work. */
export async function lockRewrite(sql: Sql, id: string): Promise<RewriteRow | undefined> {
  const [row] = await sql<RewriteRow[]>`
    select ${
    columns(sql)
  } from holdfast.partition_moves where partition_moves.id = ${id}::text::int8 for update`;
  return row;
}

export async function findOpenRewrite(
  sql: Sql,
  { schema, table }: { schema: string; table: string },
): Promise<RewriteRow | undefined> {
  const [row] = await sql<RewriteRow[]>`
    select ${columns(sql)} from holdfast.partition_moves
    where schema_name = ${schema} and table_name = ${table} and partition_moves.ended_at is null`;
  return row;
}

/** Remembers a move that begins; the blocks its source has now are what there is to copy. */
export async function insertRewrite(
  sql: Sql,
  { kind, schema, table, spec, source, at }: {
    kind: "convert" | "drain";
    schema: string;
    table: string;
    spec: RewriteSpec;
    source: string;
    at: Date;
  },
): Promise<string> {
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
  waits_for?: string | null;
  error?: string | null;
  /** Null takes back what was noted before. */
  failure?: MoveFailure | null;
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

/** Tables whose last drain was given up, with the reason; slim, for it is asked at each reading. */
export async function listFailedDrains(
  sql: Sql,
): Promise<{ schema: string; table: string; failure: MoveFailure; signature: string }[]> {
  return await sql<{ schema: string; table: string; failure: MoveFailure; signature: string }[]>`
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
