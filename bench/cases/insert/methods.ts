import { CopyEncoder, copyIn } from "../../../db/copy.ts";
import { isUnreachable } from "../../../db/errors.ts";
import type { BenchmarkContext } from "../../../services/benchmarks/case.ts";
import { type BenchTick, decimalOf, timestampOf } from "../ticks.ts";

/** The properties of a layout that matter to the client. */
export interface Layout {
  columns: string;
  /** The type of price and size. */
  number: "numeric" | "float8";
  key: { type: "text" | "int4"; of(tick: BenchTick): string | number };
}

const copyColumns = "ts, instrument_id, price, size, exchange";

/** Inserts all rows by one statement with five array parameters, the multi-row insert with the least work in the client. */
export async function insertArrays(
  { sql, table }: BenchmarkContext,
  name: string,
  { columns, number, key }: Layout,
  ticks: readonly BenchTick[],
): Promise<void> {
  await sql.unsafe(
    `insert into ${table(name)} (${columns})
     select * from unnest(
       $1::text[]::timestamptz[], $2::${key.type}[], $3::${number}[], $4::${number}[], $5::text[])`,
    [
      ticks.map((tick) => timestampOf(tick.tsUs)),
      ticks.map((tick) => key.of(tick)),
      ticks.map((tick) => decimalOf(tick.priceCents)),
      ticks.map((tick) => String(tick.size)),
      ticks.map((tick) => tick.exchange),
    ],
    { prepare: true },
  );
}

const valueColumns = 5;

/** Inserts by `insert … values (…), (…), …`, as most clients do. */
export async function insertValues(
  { sql, table }: BenchmarkContext,
  name: string,
  { columns, key }: Layout,
  ticks: readonly BenchTick[],
): Promise<void> {
  const groups = ticks.map((_, row) => {
    const first = row * valueColumns;
    return `($${first + 1}, $${first + 2}, $${first + 3}, $${first + 4}, $${first + 5})`;
  });
  await sql.unsafe(
    `insert into ${table(name)} (${columns}) values ${groups.join(", ")}`,
    ticks.flatMap((tick) => [
      timestampOf(tick.tsUs),
      key.of(tick),
      decimalOf(tick.priceCents),
      String(tick.size),
      tick.exchange,
    ]),
    { prepare: true },
  );
}

/** Inserts by binary COPY into the optimised layout, as ingest does. */
export async function copyBinary(
  { sql, table }: Pick<BenchmarkContext, "sql" | "table">,
  name: string,
  encoder: CopyEncoder,
  ticks: readonly BenchTick[],
): Promise<void> {
  encoder.reset();
  for (const tick of ticks) {
    encoder.row(5);
    encoder.timestamp(tick.tsUs);
    encoder.int4(tick.instrumentId);
    encoder.float8(tick.priceCents / 100);
    encoder.float8(tick.size);
    encoder.text(tick.exchange);
  }
  const reserved = await sql.reserve();
  try {
    await copyIn(
      reserved,
      `copy ${table(name)} (${copyColumns}) from stdin (format binary)`,
      encoder.rows(),
    );
  } catch (error) {
    // A lost connection that is released would end the process at its next query (postgres.js 3.4.9).
    if (!isUnreachable(error)) reserved.release();
    throw error;
  }
  reserved.release();
}
