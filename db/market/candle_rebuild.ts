import { and, eq, inArray, isNull } from "drizzle-orm";
import type { Sql } from "../connection.ts";
import type { TableName } from "../partitions/ddl.ts";
import { isAnyOf } from "../records/conditions.ts";
import { recordsIn } from "../records/records.ts";
import { maintenanceRecords } from "../records/schema.ts";
import { quoteTable } from "../sql.ts";

/** A range of complete minutes of one instrument in one leaf of market.ticks; microseconds, `fromUs` included. */
export interface RebuildSlice {
  instrumentId: number;
  leaf: TableName;
  /** Where its ticks are read, if not in the leaf: the rows of a chunk may be compressed in another table. */
  source?: TableName;
  fromUs: number;
  toUs: number;
}

/** Counts of a slice: minutes with ticks or a candle, and minutes whose candle differed from their ticks. */
export interface SliceReport {
  checked: number;
  changed: number;
  removed: number;
  /** Differing minutes that an upload changed meanwhile and that must be compared again. */
  overtaken: number;
}

/**
 * The statements name their leaf, so each has a different text. They are not prepared: a rebuild of years would leave
 * thousands of prepared statements. Their parameters are always the instrument, `fromUs` and `toUs`.
 */
const parametersOf = ({ instrumentId, fromUs, toUs }: RebuildSlice) => [instrumentId, fromUs, toUs];
const instant = (parameter: string) =>
  `((timestamp '1970-01-01' + ${parameter}::float8 * interval '1 microsecond') at time zone 'UTC')`;
const within = `instrument_id = $1::int4 and ts >= ${instant("$2")} and ts < ${instant("$3")}`;
const leafOf = ({ leaf }: RebuildSlice) => quoteTable(leaf.schema, leaf.table);
const ticksOf = ({ leaf, source = leaf }: RebuildSlice) => quoteTable(source.schema, source.table);

/** Limits the statements of the present transaction; milliseconds. */
export async function limitStatements(
  sql: Sql,
  { statementMs, lockMs }: { statementMs: number; lockMs: number },
): Promise<void> {
  await sql`
    select
      set_config('statement_timeout', ${String(statementMs)}, true),
      set_config('lock_timeout', ${String(lockMs)}, true)`;
}

/** Returns the start of the first minute of the slice with ticks or a candle, in microseconds; undefined when empty. */
export async function firstMinute(sql: Sql, slice: RebuildSlice): Promise<number | undefined> {
  const [row] = await sql.unsafe<{ us: number | null }[]>(
    `select extract(epoch from date_trunc('minute', least(
      (select min(ts) from ${ticksOf(slice)} where ${within}),
      (select min(ts) from market.candles_1m where ${within})
    )))::float8 * 1e6 as us`,
    parametersOf(slice),
  );
  return row?.us ?? undefined;
}

/**
 * Locks the leaf and the instrument until the transaction ends. Returns false when the leaf is not attached or the instrument
 * does not exist. The leaf is then read by its own name, because a detach that begins now hides it from its parent.
 */
export async function holdSlice(sql: Sql, slice: RebuildSlice): Promise<boolean> {
  await sql.unsafe(`lock table ${leafOf(slice)} in access share mode`);
  const held = await sql`
    select 1
    from market.instruments as i
    where i.id = ${slice.instrumentId}
      and exists (
        select 1
        from pg_inherits
        where inhrelid = ${leafOf(slice)}::regclass
          and inhparent = 'market.ticks'::regclass
          and not inhdetachpending
      )
    for key share of i`;
  return held.length > 0;
}

/**
 * Computes the candles of the slice from its ticks and pairs them with the stored ones. The last digits of a sum of
 * fractions depend on the order, and candles are merged in order of arrival, so volumes may differ by a billionth.
 */
const differences = (slice: RebuildSlice) => `
    fresh as materialized (
      select
        date_bin('1 minute', ts, timestamptz '2000-01-01 00:00+00') as ts,
        (array_agg(price order by ts, seq))[1] as open,
        max(price) as high,
        min(price) as low,
        (array_agg(price order by ts desc, seq desc))[1] as close,
        sum(size order by ts, seq) as volume,
        count(*) as trades,
        min(ts) as open_ts,
        (array_agg(seq order by ts, seq))[1] as open_seq,
        max(ts) as close_ts,
        (array_agg(seq order by ts desc, seq desc))[1] as close_seq
      from ${ticksOf(slice)}
      where ${within}
      group by 1
    ),
    kept as materialized (
      select *, xmin as version
      from market.candles_1m
      where ${within}
    ),
    paired as materialized (
      select
        coalesce(f.ts, k.ts) as ts,
        k.version,
        coalesce(f.open, k.open) as open,
        coalesce(f.high, k.high) as high,
        coalesce(f.low, k.low) as low,
        coalesce(f.close, k.close) as close,
        coalesce(f.volume, 0) as volume,
        coalesce(f.trades, 0) as trades,
        coalesce(f.open_ts, k.open_ts) as open_ts,
        coalesce(f.open_seq, k.open_seq) as open_seq,
        coalesce(f.close_ts, k.close_ts) as close_ts,
        coalesce(f.close_seq, k.close_seq) as close_seq,
        f.ts is null or k.ts is null
          or (f.open, f.high, f.low, f.close, f.trades, f.open_ts, f.open_seq, f.close_ts, f.close_seq)
            is distinct from
            (k.open, k.high, k.low, k.close, k.trades, k.open_ts, k.open_seq, k.close_ts, k.close_seq)
          or abs(f.volume - k.volume) > 1e-9 * greatest(f.volume, k.volume) as differs
      from fresh as f
      full join kept as k on k.ts = f.ts
    )`;

/** Counts the differences of a slice and changes nothing. */
export async function compareSlice(sql: Sql, slice: RebuildSlice): Promise<SliceReport> {
  const [row] = await sql.unsafe<SliceReport[]>(
    `with ${differences(slice)}
    select
      count(*)::float8 as checked,
      count(*) filter (where differs and trades > 0)::float8 as changed,
      count(*) filter (where trades = 0)::float8 as removed,
      0::float8 as overtaken
    from paired`,
    parametersOf(slice),
  );
  return row ?? { checked: 0, changed: 0, removed: 0, overtaken: 0 };
}

/**
 * Replaces the candles of a slice by those of its ticks. An upload commits its ticks and its candles together. A candle that
 * is unchanged since the snapshot of this statement is therefore replaced by one from the ticks of that snapshot; a candle
 * that an upload changed meanwhile is left and counted as overtaken. All rows are written in one pass in order of time, as
 * uploads write them: minutes without ticks first get zero trades and are then deleted.
 */
export async function rebuildSlice(sql: Sql, slice: RebuildSlice): Promise<SliceReport> {
  const [row] = await sql.unsafe<{ checked: number; differing: number; written: number }[]>(
    `with ${differences(slice)},
    written as (
      insert into market.candles_1m as c
        (instrument_id, ts, open, high, low, close, volume, trades, open_ts, open_seq, close_ts, close_seq)
      select
        $1::int4, ts, open, high, low, close, volume, trades, open_ts, open_seq, close_ts, close_seq
      from paired
      where differs
      order by ts
      on conflict (instrument_id, ts) do update set
        open = excluded.open,
        high = excluded.high,
        low = excluded.low,
        close = excluded.close,
        volume = excluded.volume,
        trades = excluded.trades,
        open_ts = excluded.open_ts,
        open_seq = excluded.open_seq,
        close_ts = excluded.close_ts,
        close_seq = excluded.close_seq
      where c.xmin = (select p.version from paired as p where p.ts = c.ts)
      returning 1
    )
    select
      (select count(*) from paired)::float8 as checked,
      (select count(*) from paired where differs)::float8 as differing,
      (select count(*) from written)::float8 as written`,
    parametersOf(slice),
  );
  const { checked = 0, differing = 0, written = 0 } = row ?? {};
  const removed = await sql.unsafe(
    `delete from market.candles_1m where ${within} and trades = 0 returning 1`,
    parametersOf(slice),
  );
  return {
    checked,
    changed: written - removed.length,
    removed: removed.length,
    overtaken: differing - written,
  };
}

/** Takes the lock of an instrument's rebuild until the transaction ends. Returns false when another one runs. */
export async function claimRebuild(sql: Sql, instrumentId: number): Promise<boolean> {
  const [row] = await sql<{ claimed: boolean }[]>`
    select pg_try_advisory_xact_lock(hashtext('holdfast.rebuild_candles'), ${instrumentId}) as claimed`;
  return row?.claimed ?? false;
}

/** Returns which of these leaves of market.ticks Holdfast has detached before, so that ticks may be missing. */
export async function leavesDetached(sql: Sql, names: readonly string[]): Promise<Set<string>> {
  const { table, partition, action, error } = maintenanceRecords;
  const rows = await recordsIn(sql).selectDistinct({ partition }).from(maintenanceRecords)
    .where(and(
      eq(table, "market.ticks"),
      inArray(action, ["detach", "finalize"]),
      isNull(error),
      isAnyOf(partition, names),
    ));
  return new Set(rows.flatMap(({ partition }) => partition ?? []));
}
