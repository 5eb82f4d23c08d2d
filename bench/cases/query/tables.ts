import { CopyEncoder } from "../../../db/copy.ts";
import type { BenchmarkContext, ProfileName } from "../../../services/benchmarks/case.ts";
import { copyBinary } from "../insert/methods.ts";
import { bare, createTable, layoutOf, optimised, type TableDesign } from "../insert/tables.ts";
import { createTickSource, type TickSource } from "../ticks.ts";
import { defaultMarket } from "../market/profile.ts";

export const tables = {
  naive: "query_naive",
  indexed: "query_indexed",
  partitioned: "query_partitioned",
  optimised: "query_optimised",
  instruments: "query_instruments",
} as const;

const rowsOf: Record<ProfileName, number> = { quick: 150_000, full: 600_000 };
export const queryDays = 5;
const chunkRows = 20_000;

/** The tables, each with its difference from the naive one. */
const designs: readonly (readonly [string, TableDesign])[] = [
  [tables.naive, bare],
  [tables.indexed, { ...bare, keyIndex: "key_ts" }],
  [tables.partitioned, { ...bare, partitioned: true }],
];

/** Creates five days of ticks, the same in each design; the queries of one run share them. */
export async function ensureTables(ctx: BenchmarkContext): Promise<void> {
  const [found] = await ctx.sql`
    select to_regclass(${ctx.table(tables.instruments)}) is not null as made`;
  if (found?.made) return;
  const rows = Math.round(rowsOf[ctx.profile] * ctx.dataShare);
  await createTable(ctx, tables.optimised, optimised);
  const source: TickSource = createTickSource(ctx.seed, {
    ...defaultMarket,
    ticksPerDay: rows / queryDays,
  });
  const encoder = new CopyEncoder();
  for (let done = 0; done < rows; done += chunkRows) {
    ctx.signal.throwIfAborted();
    await copyBinary(ctx, tables.optimised, encoder, source.next(Math.min(chunkRows, rows - done)));
  }
  for (const [name, design] of designs) {
    ctx.signal.throwIfAborted();
    await createTable(ctx, name, design);
    await ctx.sql.unsafe(`
      insert into ${ctx.table(name)} (${layoutOf(design).columns})
      select
        ts,
        'SYM' || lpad((instrument_id - 1)::text, 4, '0'),
        price::numeric,
        size::numeric,
        exchange
      from ${ctx.table(tables.optimised)}`);
  }
  for (const name of [...designs.map(([name]) => name), tables.optimised]) {
    await ctx.sql.unsafe(`vacuum (analyze) ${ctx.table(name)}`);
  }
  // Last, because existing instruments show that all tables are filled.
  await ctx.sql.unsafe(`
    create table ${ctx.table(tables.instruments)} as
    select distinct instrument_id as id, 'SYM' || lpad((instrument_id - 1)::text, 4, '0') as symbol
    from ${ctx.table(tables.optimised)} order by 1`);
  await ctx.sql.unsafe(`analyze ${ctx.table(tables.instruments)}`);
}
