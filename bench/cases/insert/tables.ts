import type { BenchmarkContext } from "../../../services/benchmarks/case.ts";
import { quoteIdent, quoteLiteral } from "../../../db/sql.ts";
import { firstTickUs, timestampOf } from "../ticks.ts";
import type { Layout } from "./methods.ts";

/** Daily partitions created ahead: more than the longest case fills (tests/benchmarks/market_test.ts). */
export const daysAhead = 60;
const dayUs = 86_400_000_000;

/** A table design: each property is one choice, so that arms can differ in one of them. */
export interface TableDesign {
  /** The type of price and size. */
  number: "numeric" | "float8";
  /** Has an identity column as primary key, as frameworks create it. */
  surrogate: boolean;
  /** The symbol as text, or the instrument's id. */
  key: "text" | "int4";
  timeIndex: "btree" | "brin";
  /** The index for the latest tick of a symbol: on key and time, or on the key alone. */
  keyIndex: "key_ts" | "key";
  partitioned: boolean;
}

/**
 * The table of an application framework: a surrogate key, numeric columns, no partitions. Its indexes serve the same two
 * queries as those of the optimised table: a range of time, and the latest tick of a symbol.
 */
export const naive: TableDesign = {
  number: "numeric",
  surrogate: true,
  key: "text",
  timeIndex: "btree",
  keyIndex: "key_ts",
  partitioned: false,
};

/** The fewest indexes, without a key: the baseline that favours the optimised table least. */
export const bare: TableDesign = { ...naive, surrogate: false, keyIndex: "key" };

/** The design of market.ticks: float8, instrument ids, daily partitions, btree (instrument, ts) and BRIN. */
export const optimised: TableDesign = {
  number: "float8",
  surrogate: false,
  key: "int4",
  timeIndex: "brin",
  keyIndex: "key_ts",
  partitioned: true,
};

const keyColumn = ({ key }: TableDesign) => key === "text" ? "symbol" : "instrument_id";

export function layoutOf(design: TableDesign): Layout {
  return {
    columns: `ts, ${keyColumn(design)}, price, size, exchange`,
    number: design.number,
    key: design.key === "text"
      ? { type: "text", of: (tick) => tick.symbol }
      : { type: "int4", of: (tick) => tick.instrumentId },
  };
}

export async function createTable(
  ctx: BenchmarkContext,
  name: string,
  design: TableDesign,
  days = daysAhead,
): Promise<void> {
  const table = ctx.table(name);
  const type = design.number === "float8" ? "double precision" : "numeric";
  const key = keyColumn(design);
  // The widest columns first, so that neither table has padding.
  const columns = [
    ...design.surrogate ? ["id bigint generated always as identity"] : [],
    "ts timestamptz not null",
    ...design.number === "float8"
      ? [`price ${type} not null`, `size ${type} not null`, `${key} ${design.key} not null`]
      : [`${key} ${design.key} not null`, `price ${type} not null`, `size ${type} not null`],
    "exchange text",
    // A key of a partitioned table must contain the partition key.
    ...design.surrogate ? [`primary key (id${design.partitioned ? ", ts" : ""})`] : [],
  ];
  const storage = "with (autovacuum_enabled = off)";
  const first = firstTickUs - firstTickUs % dayUs;
  const at = (day: number) => quoteLiteral(timestampOf(first + day * dayUs));
  const leaves = Array.from({ length: design.partitioned ? days : 0 }, (_, day) => `
    create table ${quoteIdent(ctx.schema)}.${quoteIdent(`${name}_p${day}`)} partition of ${table}
      for values from (${at(day)}) to (${at(day + 1)}) ${storage};`);
  await ctx.sql.unsafe(`
    create table ${table} (${columns.join(", ")})
      ${design.partitioned ? "partition by range (ts)" : storage};
    create index on ${table} using ${design.timeIndex} (ts);
    create index on ${table} (${design.keyIndex === "key" ? key : `${key}, ts`});
    ${leaves.join("")}`).simple();
}

export async function dropTables(ctx: BenchmarkContext, names: readonly string[]): Promise<void> {
  await ctx.sql.unsafe(`drop table ${names.map((name) => ctx.table(name)).join(", ")}`);
}
