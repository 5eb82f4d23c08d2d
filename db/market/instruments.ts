import type { Sql } from "../connection.ts";
import { utcText } from "../utc_text.ts";

/** An instrument as the API returns it. */
export interface InstrumentRow {
  id: number;
  symbol: string;
  kind: string;
  currency: string | null;
  tick_size: number | null;
  created_at: string;
  deleted_at: string | null;
}

export interface InstrumentChanges {
  symbol?: string;
  kind?: string;
  currency?: string | null;
  tick_size?: number | null;
}

function columns(sql: Sql) {
  return sql`
    id,
    symbol,
    kind,
    currency,
    tick_size,
    ${sql.unsafe(utcText("created_at"))} as created_at,
    ${sql.unsafe(utcText("deleted_at"))} as deleted_at`;
}

export async function listInstruments(
  sql: Sql,
  { after, limit, deleted, symbol }: {
    after: number;
    limit: number;
    deleted: boolean;
    symbol: string | undefined;
  },
): Promise<InstrumentRow[]> {
  return await sql<InstrumentRow[]>`
    select ${columns(sql)}
    from market.instruments
    where id > ${after}
      ${deleted ? sql`` : sql`and deleted_at is null`}
      ${symbol ? sql`and symbol = ${symbol}` : sql``}
    order by id
    limit ${limit}`;
}

export async function findInstrument(sql: Sql, id: number): Promise<InstrumentRow | undefined> {
  const [row] = await sql<InstrumentRow[]>`
    select ${columns(sql)} from market.instruments where id = ${id}`;
  return row;
}

/** Returns an instrument and locks it against changes until the transaction ends. */
export async function holdInstrument(sql: Sql, id: number): Promise<InstrumentRow | undefined> {
  const [row] = await sql<InstrumentRow[]>`
    select ${columns(sql)} from market.instruments where id = ${id} for no key update`;
  return row;
}

/** Returns the instrument of a symbol; when all are deleted, the one deleted last, whose history can still be read. */
export async function findBySymbol(sql: Sql, symbol: string): Promise<InstrumentRow | undefined> {
  const [row] = await sql<InstrumentRow[]>`
    select ${columns(sql)}
    from market.instruments
    where symbol = ${symbol}
    order by (deleted_at is null) desc, deleted_at desc, id desc
    limit 1`;
  return row;
}

export async function createInstrument(
  sql: Sql,
  { symbol, kind = "unknown", currency = null, tick_size = null }: InstrumentChanges & {
    symbol: string;
  },
): Promise<InstrumentRow> {
  const [row] = await sql<InstrumentRow[]>`
    insert into market.instruments (symbol, kind, currency, tick_size)
    values (${symbol}, ${kind}, ${currency}, ${tick_size})
    returning ${columns(sql)}`;
  if (!row) throw new Error("Cannot read back the new instrument");
  return row;
}

export async function updateInstrument(
  sql: Sql,
  id: number,
  changes: InstrumentChanges,
): Promise<InstrumentRow | undefined> {
  const set = Object.fromEntries(
    Object.entries(changes).filter(([, value]) => value !== undefined),
  );
  if (Object.keys(set).length === 0) return await findInstrument(sql, id);
  const [row] = await sql<InstrumentRow[]>`
    update market.instruments set ${sql(set)}
    where id = ${id} and deleted_at is null
    returning ${columns(sql)}`;
  return row;
}

/** Soft-deletes or restores an instrument. Returns undefined when there was nothing to change. */
export async function setDeleted(
  sql: Sql,
  id: number,
  deleted: boolean,
): Promise<InstrumentRow | undefined> {
  const [row] = await sql<InstrumentRow[]>`
    update market.instruments
    set deleted_at = ${deleted ? sql`now()` : sql`null`}
    where id = ${id} and deleted_at is ${deleted ? sql`null` : sql`not null`}
    returning ${columns(sql)}`;
  return row;
}

/** Deletes an instrument and its candles permanently, unless a tick refers to it. */
export async function purgeInstrument(
  sql: Sql,
  id: number,
): Promise<"purged" | "missing" | "referenced"> {
  // Locked first, as uploads do: to lock candles first could deadlock with them.
  const held = await sql`select 1 from market.instruments where id = ${id} for update`;
  if (held.length === 0) return "missing";
  // The trigger would refuse it too, but only after all candles were deleted.
  const [found] = await sql<{ referenced: boolean }[]>`
    select exists (select 1 from market.ticks where instrument_id = ${id}) as referenced`;
  if (found?.referenced) return "referenced";
  await sql`delete from market.candles_1m where instrument_id = ${id}`;
  await sql`delete from market.instruments where id = ${id}`;
  return "purged";
}

export interface SymbolEntry {
  id: number;
  symbol: string;
  deleted: boolean;
  tick_size: number | null;
}

/** Returns for each symbol its instrument, or a deleted one when there is no other. */
export async function lookUpSymbols(sql: Sql, symbols: readonly string[]): Promise<SymbolEntry[]> {
  return await sql<SymbolEntry[]>`
    select distinct on (symbol) id, symbol, deleted_at is not null as deleted, tick_size
    from market.instruments
    where symbol = any(${symbols as string[]}::text[])
    order by symbol, (deleted_at is null) desc, id desc`;
}

/** Creates instruments for those of `symbols` that no instrument has, deleted ones included. */
export async function createMissing(sql: Sql, symbols: readonly string[]): Promise<void> {
  await sql`
    insert into market.instruments (symbol)
    select s.symbol
    from unnest(${symbols as string[]}::text[]) as s (symbol)
    where not exists (select 1 from market.instruments as i where i.symbol = s.symbol)
    order by s.symbol
    on conflict (symbol) where deleted_at is null do nothing`;
}

/**
 * Locks the given instruments against a purge until the transaction ends, as a foreign key would, with one row lock per
 * instrument instead of one per tick. Returns whether none was deleted and none has another symbol or tick size.
 */
export async function holdInstruments(
  sql: Sql,
  entries: readonly SymbolEntry[],
): Promise<boolean> {
  const rows = await sql<Pick<SymbolEntry, "id" | "symbol" | "tick_size">[]>`
    select id, symbol, tick_size
    from market.instruments
    where id = any(${entries.map(({ id }) => id)}::int4[]) and deleted_at is null
    order by id
    for key share`;
  const living = new Map(rows.map((row) => [row.id, row]));
  return entries.every(({ id, symbol, tick_size }) => {
    const now = living.get(id);
    return now?.symbol === symbol && now.tick_size === tick_size;
  });
}
