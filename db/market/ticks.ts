import { CopyEncoder, copyIn } from "../copy.ts";
import type { ReservedSql, Sql } from "../connection.ts";

/** A tick that may be stored: checked, with its instrument known. Times are microseconds since 1970. */
export interface StoredTick {
  tsUs: number;
  instrumentId: number;
  price: number;
  size: number;
  exchange: string | null;
  side: string | null;
  tradeId: string | null;
}

/** Rows one COPY may hold: the room between two values of market.tick_seq. */
export const maxCopyRows = 2 ** 20;

const copyStatement =
  "copy market.ticks (ts, price, size, seq, instrument_id, exchange, side, trade_id) from stdin (format binary)";

/** Takes the arrival numbers for one COPY; row i of it gets the answer plus i. */
export async function nextSeqBase(sql: ReservedSql): Promise<bigint> {
  const [row] = await sql<{ base: string }[]>`select nextval('market.tick_seq') as base`;
  if (!row) throw new Error("Cannot take a number from market.tick_seq");
  return BigInt(row.base);
}

/** Encodes ticks for `copyTicks`, in order of arrival. */
export function encodeTicks(
  encoder: CopyEncoder,
  ticks: readonly StoredTick[],
  seqBase: bigint,
): Uint8Array {
  const high = Number(seqBase >> 32n);
  const low = Number(seqBase & 0xffff_ffffn);
  encoder.reset();
  let index = 0;
  for (const tick of ticks) {
    encoder.row(8);
    encoder.timestamp(tick.tsUs);
    encoder.float8(tick.price);
    encoder.float8(tick.size);
    encoder.int8(high, low + index++);
    encoder.int4(tick.instrumentId);
    encoder.text(tick.exchange);
    encoder.text(tick.side);
    encoder.text(tick.tradeId);
  }
  return encoder.finish();
}

/** Writes encoded ticks by binary COPY inside the caller's transaction. */
export function copyTicks(sql: ReservedSql, encoded: Uint8Array): Promise<void> {
  return copyIn(sql, copyStatement, encoded);
}

/** A tick as it is read back. */
export interface TickRow {
  ts: string;
  symbol: string;
  price: number;
  size: number;
  exchange: string | null;
  side: string | null;
  trade_id: string | null;
  seq: string;
}

export interface TickQuery {
  instrumentId: number;
  from: string | undefined;
  to: string | undefined;
  limit: number;
  descending: boolean;
  /** The last tick already read: its exact time and arrival number. */
  after: { ts: string; seq: string } | undefined;
}

/** Reads ticks of one instrument in order of time, then of arrival; `from` is included, `to` is not. */
export async function listTicks(sql: Sql, query: TickQuery): Promise<TickRow[]> {
  const { instrumentId, from, to, after, limit, descending } = query;
  const direction = descending ? sql`desc` : sql`asc`;
  // The plain bound on ts lets the planner prune partitions; the row comparison alone does not.
  const beyond = !after
    ? sql``
    : descending
    ? sql`and t.ts <= ${after.ts}::timestamptz and (t.ts, t.seq) < (${after.ts}::timestamptz, ${after.seq}::int8)`
    : sql`and t.ts >= ${after.ts}::timestamptz and (t.ts, t.seq) > (${after.ts}::timestamptz, ${after.seq}::int8)`;
  return await sql<TickRow[]>`
    select
      to_char(t.ts at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as ts,
      i.symbol,
      t.price,
      t.size,
      t.exchange,
      t.side,
      t.trade_id,
      t.seq::text as seq
    from market.ticks as t
    join market.instruments as i on i.id = t.instrument_id
    where t.instrument_id = ${instrumentId}
      ${from ? sql`and t.ts >= ${from}::timestamptz` : sql``}
      ${to ? sql`and t.ts < ${to}::timestamptz` : sql``}
      ${beyond}
    order by t.ts ${direction}, t.seq ${direction}
    limit ${limit}`;
}
