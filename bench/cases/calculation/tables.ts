import { CopyEncoder } from "../../../db/copy.ts";
import type { BenchmarkContext, ProfileName } from "../../../services/benchmarks/case.ts";
import { createTickSource } from "../ticks.ts";
import { copyBinary } from "../insert/methods.ts";

export const floatTable = "calc_float8";
export const numericTable = "calc_numeric";

const rowsOf: Record<ProfileName, number> = { quick: 100_000, full: 400_000 };
/** Rows of one statement: few, so that the event loop can run and an abort takes effect between two. */
const chunkRows = 20_000;

/**
 * Creates the same ticks once for each type and returns their number; the kernels of one run share them. Parallel plans are
 * off, because the cases measure the work of one core.
 */
export async function ensureTables(ctx: BenchmarkContext): Promise<number> {
  const rows = Math.round(rowsOf[ctx.profile] * ctx.dataShare);
  const [found] = await ctx.sql`select to_regclass(${ctx.table(numericTable)}) is not null as made`;
  if (found?.made) return rows;
  const float = ctx.table(floatTable);
  const numeric = ctx.table(numericTable);
  const columns = (type: string) =>
    `(
    ts timestamptz not null,
    instrument_id int4 not null,
    price ${type} not null,
    size ${type} not null,
    exchange text
  ) with (autovacuum_enabled = off, parallel_workers = 0)`;
  await ctx.sql.unsafe(`create table ${float} ${columns("double precision")}`);
  const source = createTickSource(ctx.seed);
  const encoder = new CopyEncoder();
  for (let done = 0; done < rows; done += chunkRows) {
    ctx.signal.throwIfAborted();
    await copyBinary(ctx, floatTable, encoder, source.next(Math.min(chunkRows, rows - done)));
  }
  // Cents have few digits, so the cast to numeric gives the exact decimal.
  // One message is one transaction: a numeric table that exists is filled.
  await ctx.sql.unsafe(`
    create table ${numeric} ${columns("numeric")};
    insert into ${numeric}
    select ts, instrument_id, price::numeric, size::numeric, exchange from ${float};`).simple();
  // Sets hint bits now, so that the first arm does not pay for them.
  await ctx.sql.unsafe(`vacuum (analyze) ${float}`);
  await ctx.sql.unsafe(`vacuum (analyze) ${numeric}`);
  return rows;
}
