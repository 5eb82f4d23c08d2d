import type { BenchmarkContext } from "../../services/benchmarks/case.ts";
import { quoteIdent, quoteLiteral } from "../../db/sql.ts";
import { firstTickUs, timestampOf } from "../ticks.ts";

/** Days laid out ahead, as rotation would: more than any profile fills. */
const days = 14;
const dayUs = 86_400_000_000;

const naiveColumns = `
  ts timestamptz not null,
  symbol text not null,
  price numeric not null,
  size numeric not null,
  exchange text`;

/**
 * What an application framework makes: a surrogate key, numeric columns, one heap. Its indexes answer the same two
 * questions as the optimised table's: a slice of time, and the latest tick of a symbol.
 */
export async function createNaive(ctx: BenchmarkContext, name: string): Promise<void> {
  const table = ctx.table(name);
  await ctx.sql.unsafe(`
    create table ${table} (
      id bigint generated always as identity primary key,
      ${naiveColumns}
    ) with (autovacuum_enabled = off);
    create index on ${table} (ts);
    create index on ${table} (symbol, ts);`).simple();
}

/** The least one might index, without a key: the baseline that flatters the optimised table least. */
export async function createBare(ctx: BenchmarkContext, name: string): Promise<void> {
  const table = ctx.table(name);
  await ctx.sql.unsafe(`
    create table ${table} (${naiveColumns}) with (autovacuum_enabled = off);
    create index on ${table} (ts);
    create index on ${table} (symbol);`).simple();
}

/** Laid out like market.ticks: float8, an instrument's number, daily partitions, btree (instrument, ts) and BRIN. */
export async function createOptimised(ctx: BenchmarkContext, name: string): Promise<void> {
  const table = ctx.table(name);
  const first = firstTickUs - firstTickUs % dayUs;
  const at = (day: number) => quoteLiteral(timestampOf(first + day * dayUs));
  const partitions = Array.from({ length: days }, (_, day) => `
    create table ${quoteIdent(ctx.schema)}.${quoteIdent(`${name}_p${day}`)} partition of ${table}
      for values from (${at(day)}) to (${at(day + 1)}) with (autovacuum_enabled = off);`);
  await ctx.sql.unsafe(`
    create table ${table} (
      ts timestamptz not null,
      price double precision not null,
      size double precision not null,
      instrument_id int4 not null,
      exchange text
    ) partition by range (ts);
    create index on ${table} (instrument_id, ts);
    create index on ${table} using brin (ts);
    ${partitions.join("")}`).simple();
}

export async function dropTables(ctx: BenchmarkContext, names: readonly string[]): Promise<void> {
  await ctx.sql.unsafe(`drop table ${names.map((name) => ctx.table(name)).join(", ")}`);
}
