import { type CopyEncoder, openCopy } from "../copy.ts";
import type { Sql } from "../connection.ts";
import { HoldfastError } from "../../errors.ts";
import { utcText } from "../utc_text.ts";

/** A tick that passed the firewall, with its instrument. Times are microseconds since 1970. */
export interface StoredTick {
  tsUs: number;
  instrumentId: number;
  price: number;
  size: number;
  exchange: string | null;
  side: string | null;
  tradeId: string | null;
}

/** Most rows of one COPY: the increment of market.tick_seq. */
export const maxCopyRows = 2 ** 20;

const copyStatement =
  "copy market.ticks (ts, price, size, seq, instrument_id, exchange, side, trade_id) from stdin (format binary)";

interface CopyStart {
  /** The first of the arrival numbers that are reserved; row i gets this number plus i. */
  base: bigint;
  /** Whether market.ticks has a trigger, which can leave rows out of a COPY without an error. */
  hasTriggers: boolean;
}

/** Reserves the arrival numbers of one COPY. */
async function startCopy(sql: Sql): Promise<CopyStart> {
  const [row] = await sql<{ base: string; triggers: boolean }[]>`
    select
      nextval('market.tick_seq') as base,
      exists (select from pg_trigger where tgrelid = 'market.ticks'::regclass) as triggers`;
  if (!row) throw new Error("Cannot take a number from market.tick_seq");
  return { base: BigInt(row.base), hasTriggers: row.triggers };
}

/** Encodes ticks in order of arrival; tick i has the arrival number `seq + i`. */
export function encodeTicks(
  encoder: CopyEncoder,
  ticks: readonly StoredTick[],
  seq: bigint,
): Uint8Array {
  let high = Number(seq >> 32n);
  let low = Number(seq & 0xffff_ffffn);
  encoder.reset();
  for (const tick of ticks) {
    encoder.row(8);
    encoder.timestamp(tick.tsUs);
    encoder.float8(tick.price);
    encoder.float8(tick.size);
    encoder.int8(high, low);
    if (++low === 2 ** 32) {
      low = 0;
      high++;
    }
    encoder.int4(tick.instrumentId);
    encoder.text(tick.exchange);
    encoder.text(tick.side);
    encoder.text(tick.tradeId);
  }
  return encoder.rows();
}

/** One COPY into market.ticks of at most `maxCopyRows` rows. */
export interface TickCopy {
  readonly rows: number;
  /**
   * Encodes ticks, sends them and returns the arrival number of the first. Waits only for the write before the last, so that
   * parsing continues while the server works.
   */
  write(ticks: readonly StoredTick[]): Promise<bigint>;
  /** Ends the COPY. Throws `database_error` when the server has not stored every row. */
  end(): Promise<void>;
  /**
   * Sends the end, so that other statements may follow at once; `ended` settles when the server has answered. Where a trigger
   * can leave rows out, that answer is awaited before: rows that were left out can no longer be refused after a commit.
   */
  sendEnd(): Promise<{ ended: Promise<unknown> }>;
  abort(): Promise<void>;
}

/** Starts a COPY in the caller's transaction. One of the two encoders is filled while the other is sent. */
export async function openTickCopy(
  sql: Sql,
  [current, other]: readonly [CopyEncoder, CopyEncoder],
): Promise<TickCopy> {
  const started = startCopy(sql);
  const opening = openCopy(sql, copyStatement);
  const [{ base, hasTriggers }, copy] = await Promise.all([started, opening]).catch(
    async (error) => {
      // Outside a transaction, one of the two can fail alone.
      await opening.then((copy) => copy.abort(), () => {});
      throw error;
    },
  );
  let encoder = current;
  let rows = 0;
  let sending: Promise<void> = Promise.resolve();

  async function end(): Promise<void> {
    const stored = await copy.end();
    if (stored === rows) return;
    throw new HoldfastError(
      "database_error",
      `The database took ${stored} of ${rows} rows, so none of them is stored: a trigger on market.ticks leaves rows out; drop it, or let it raise an error`,
    );
  }

  return {
    get rows() {
      return rows;
    },
    async write(ticks) {
      const seq = base + BigInt(rows);
      rows += ticks.length;
      const bytes = encodeTicks(encoder, ticks, seq);
      encoder = encoder === current ? other : current;
      await sending;
      sending = copy.write(bytes);
      sending.catch(() => {}); // thrown by the next write or the end
      return seq;
    },
    end,
    async sendEnd() {
      if (!hasTriggers) return await copy.sendEnd();
      await end();
      return { ended: Promise.resolve() };
    },
    abort: () => copy.abort(),
  };
}

/** A tick as read from the database. */
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
  fromUs: number | undefined;
  toUs: number | undefined;
  limit: number;
  descending: boolean;
  /** The exact time and arrival number of the last tick of the page before. */
  after: { tsUs: number; seq: string } | undefined;
}

/**
 * Returns microseconds since 1970 as a timestamptz expression. postgres.js would convert text through Date, which cuts
 * microseconds. The expression is immutable, so that the planner can prune partitions.
 */
export function instant(sql: Sql, us: number) {
  return sql`((timestamp '1970-01-01' + ${us}::float8 * interval '1 microsecond') at time zone 'UTC')`;
}

/** Returns ticks of one instrument in order of time, then of arrival; `fromUs` is included, `toUs` is not. */
export async function listTicks(sql: Sql, query: TickQuery): Promise<TickRow[]> {
  const { instrumentId, fromUs, toUs, after, limit, descending } = query;
  const direction = descending ? sql`desc` : sql`asc`;
  // The plain bound on ts lets the planner prune partitions; a row comparison does not.
  const beyond = !after
    ? sql``
    : descending
    ? sql`and t.ts <= ${instant(sql, after.tsUs)} and (t.ts, t.seq) < (${
      instant(sql, after.tsUs)
    }, ${after.seq}::int8)`
    : sql`and t.ts >= ${instant(sql, after.tsUs)} and (t.ts, t.seq) > (${
      instant(sql, after.tsUs)
    }, ${after.seq}::int8)`;
  return await sql<TickRow[]>`
    select
      ${sql.unsafe(utcText("t.ts", 6))} as ts,
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
      ${fromUs === undefined ? sql`` : sql`and t.ts >= ${instant(sql, fromUs)}`}
      ${toUs === undefined ? sql`` : sql`and t.ts < ${instant(sql, toUs)}`}
      ${beyond}
    order by t.ts ${direction}, t.seq ${direction}
    limit ${limit}`;
}
