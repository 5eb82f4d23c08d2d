import type { Sql } from "../../connection.ts";
import { quoteIdent, quoteLiteral, quoteTable } from "../../sql.ts";
import { inTransaction } from "../../session/transaction.ts";
import type { TableName } from "../ddl.ts";

/** A stored column in a manifest; the type as format_type writes it. */
export interface ContentColumn {
  name: string;
  type: string;
}

/**
 * Types whose binary form is the same on every server (manual, "typsend"), with their oids, which record_send writes before
 * each value. Values of other types are hashed as text in one fixed style.
 */
export const binaryTypes: Record<string, number> = {
  boolean: 16,
  bytea: 17,
  bigint: 20,
  smallint: 21,
  integer: 23,
  text: 25,
  real: 700,
  "double precision": 701,
  "character varying": 1043,
  date: 1082,
  "timestamp without time zone": 1114,
  "timestamp with time zone": 1184,
  uuid: 2950,
};
export const textOid = 25;

/** Returns a type without its modifier: `character varying(8)` becomes `character varying`. */
export function baseType(type: string): string {
  return type.replace(/ ?\(\d+(,-?\d+)?\)(?=$| )/, "");
}

function rowOf(columns: readonly ContentColumn[]): string {
  const values = columns.map(({ name, type }) =>
    baseType(type) in binaryTypes ? quoteIdent(name) : `${quoteIdent(name)}::text`
  );
  return `record_send(row(${values.join(", ")}))`;
}

/** Returns the stored columns of a table in order, and its size in blocks and bytes. Waits for its locks. */
export async function describeLeaf(
  sql: Sql,
  oid: number,
): Promise<{ columns: ContentColumn[]; blocks: number; bytes: number } | undefined> {
  const [row] = await sql<{ columns: ContentColumn[]; blocks: number; bytes: number }[]>`
    select
      coalesce((
        select json_agg(json_build_object(
          'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) order by a.attnum)
        from pg_attribute as a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated <> 'v'
      ), '[]') as columns,
      ceil(pg_relation_size(c.oid)::float8 / current_setting('block_size')::float8) as blocks,
      pg_total_relation_size(c.oid)::float8 as bytes
    from pg_class as c
    where c.oid = ${oid}::int8::oid and c.relkind = 'r'`;
  return row;
}

/** Rows of some blocks of a table, by range of its key; the lanes are sums over the rows' hashes. */
export interface BucketRow {
  bucket: number;
  rows: number;
  lane1: string;
  lane2: string;
  least: string | null;
  most: string | null;
}

export interface ContentKey {
  column: string;
  type: string;
}

export interface BlockRange {
  from: number;
  to: number;
}

const statementMs = 60_000;

/** Sets the styles of output for this transaction: a value must have the same text in every session. */
async function pinStyles(sql: Sql): Promise<void> {
  await sql`
    select
      set_config('datestyle', 'ISO, YMD', true),
      set_config('timezone', 'UTC', true),
      set_config('intervalstyle', 'postgres', true),
      set_config('extra_float_digits', '1', true),
      set_config('bytea_output', 'hex', true),
      set_config('lc_monetary', 'C', true),
      -- A policy that hides rows from us is an error: what is hidden would be neither hashed nor archived.
      set_config('row_security', 'off', true),
      set_config('statement_timeout', ${String(statementMs)}, true)`;
}

/** Runs `work` in a transaction of its own, or within the one there is. */
async function pinned<T>(
  sql: Sql,
  nested: boolean,
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const run = async (one: Sql) => {
    await pinStyles(one);
    return await work(one);
  };
  return nested ? await run(sql) : await inTransaction(sql, run);
}

const within = ({ from, to }: BlockRange) => `ctid >= '(${from},0)' and ctid < '(${to},0)'`;

/**
 * Counts and hashes the rows of some blocks on the server: each row's SHA-256 (of record_send), its first two 64-bit
 * words summed, so that the order of rows does not matter. Takes ACCESS SHARE only.
 */
export async function hashBlocks(
  sql: Sql,
  { schema, table }: TableName,
  { columns, key, thresholds, nested = false }: {
    columns: readonly ContentColumn[];
    key: ContentKey;
    thresholds: readonly string[];
    /** Whether to use the caller's transaction. */
    nested?: boolean;
  },
  blocks: BlockRange,
): Promise<BucketRow[]> {
  const ends = thresholds.map(quoteLiteral).join(", ");
  const bucket = thresholds.length === 0
    ? "0"
    : `coalesce(width_bucket(k, array[${ends}]::${key.type}[]), 0)`;
  // uuid has no min() before 18; its text sorts in the same order.
  const least = key.type === "uuid" ? 'k::text collate "C"' : "k";
  return await pinned(sql, nested, (one) =>
    one.unsafe<BucketRow[]>(`
      select
        ${bucket} as bucket,
        count(*)::float8 as rows,
        sum(('x' || substr(h, 1, 16))::bit(64)::int8)::text as lane1,
        sum(('x' || substr(h, 17, 16))::bit(64)::int8)::text as lane2,
        min(${least})::text as least,
        max(${least})::text as most
      from (
        select ${quoteIdent(key.column)} as k, encode(sha256(${rowOf(columns)}), 'hex') as h
        from only ${quoteTable(schema, table)}
        where ${within(blocks)}
        offset 0
      ) as hashed
      group by 1`));
}

/** Returns the rows of some blocks as record_send writes them, the bytes that hashBlocks hashes. */
export async function readBlocks(
  sql: Sql,
  { schema, table }: TableName,
  columns: readonly ContentColumn[],
  blocks: BlockRange,
): Promise<Uint8Array[]> {
  const rows = await pinned(sql, false, (one) =>
    one.unsafe<{ r: Uint8Array }[]>(
      `select ${rowOf(columns)} as r from only ${quoteTable(schema, table)} where ${
        within(blocks)
      }`,
    ));
  return rows.map(({ r }) => r);
}
