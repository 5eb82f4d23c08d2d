import { CopyEncoder } from "../../../db/copy.ts";
import type { BenchmarkContext, ProfileName } from "../../../services/benchmarks/case.ts";
import { createTickSource } from "../ticks.ts";
import { copyBinary } from "../insert/methods.ts";

export const floatTable = "calc_float8";
export const numericTable = "calc_numeric";

const rowsOf: Record<ProfileName, number> = { quick: 100_000, full: 400_000 };
/** Small enough that the event loop breathes and an abort is heard between two. */
const chunkRows = 20_000;

/**
 * Makes the same ticks once in each type and answers how many; the kernels of one run share them. No parallel
 * plans: the question is what one core gets done, and a second one would be the neighbours' noise.
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
  // Cents have few digits, so the cast to numeric gives the decimal that was meant.
  // One message, so one transaction: a numeric table that exists is a full one.
  await ctx.sql.unsafe(`
    create table ${numeric} ${columns("numeric")};
    insert into ${numeric}
    select ts, instrument_id, price::numeric, size::numeric, exchange from ${float};`).simple();
  // Hint bits are set here, not by the first arm that reads.
  await ctx.sql.unsafe(`vacuum (analyze) ${float}`);
  await ctx.sql.unsafe(`vacuum (analyze) ${numeric}`);
  return rows;
}
