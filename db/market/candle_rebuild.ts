import type { Sql } from "../connection.ts";
import type { TableName } from "../partitions/ddl.ts";
import { quoteTable } from "../sql.ts";

/** Whole minutes of one instrument inside one leaf of market.ticks; microseconds, `fromUs` included. */
export interface RebuildSlice {
  instrumentId: number;
  leaf: TableName;
  fromUs: number;
  toUs: number;
}

/** What a look at a slice found: minutes with ticks or a candle, and those whose candle is not that of its ticks. */
export interface SliceReport {
  checked: number;
  changed: number;
  removed: number;
  /** Differing minutes that an upload changed meanwhile: to be looked at again. */
  overtaken: number;
}

/**
 * The statements name their leaf, so each is another text: sent unprepared, or a rebuild of years would leave
 * thousands of them prepared. Their parameters are always the instrument, `fromUs` and `toUs`.
 */
const parametersOf = ({ instrumentId, fromUs, toUs }: RebuildSlice) => [instrumentId, fromUs, toUs];
const instant = (parameter: string) =>
  `((timestamp '1970-01-01' + ${parameter}::float8 * interval '1 microsecond') at time zone 'UTC')`;
const within = `instrument_id = $1::int4 and ts >= ${instant("$2")} and ts < ${instant("$3")}`;
const leafOf = ({ leaf }: RebuildSlice) => quoteTable(leaf.schema, leaf.table);

/** The start of the first minute of the slice that has ticks or a candle, in microseconds; none when it is empty. */
export async function firstMinute(sql: Sql, slice: RebuildSlice): Promise<number | undefined> {
  const [row] = await sql.unsafe<{ us: number | null }[]>(
    `select extract(epoch from date_trunc('minute', least(
      (select min(ts) from ${leafOf(slice)} where ${within}),
      (select min(ts) from market.candles_1m where ${within})
    )))::float8 * 1e6 as us`,
    parametersOf(slice),
  );
  return row?.us ?? undefined;
}

/**
 * Holds the leaf and the instrument until the transaction ends; false when the leaf is no (longer) attached, or the
 * instrument is gone. The leaf is then read by its own name: a detach that begins now hides it from its parent.
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
 * The candles of the slice as its ticks make them, those that stand, and where they differ. Sums of fractions depend
 * on their order in the last digits, and candles are merged in order of arrival: there a billionth is no difference.
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
      from ${leafOf(slice)}
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
 * Makes the candles of a slice those of its ticks. An upload commits its ticks and its candles together, so a candle
 * that still is what this statement's snapshot saw may be replaced by one from the ticks of that snapshot; one that
 * an upload changed meanwhile is left alone and counted. All rows are written in one pass in order of time, as uploads
 * write them: minutes without ticks get no trades first and go after it.
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

/** One rebuild of an instrument at a time, until the transaction ends; false when another one runs. */
export async function claimRebuild(sql: Sql, instrumentId: number): Promise<boolean> {
  const [row] = await sql<{ claimed: boolean }[]>`
    select pg_try_advisory_xact_lock(hashtext('holdfast.rebuild_candles'), ${instrumentId}) as claimed`;
  return row?.claimed ?? false;
}

/** Which of these leaves of market.ticks Holdfast has detached at some time: what is there now is not all there was. */
export async function leavesGivenUp(sql: Sql, names: readonly string[]): Promise<Set<string>> {
  const rows = await sql<{ name: string }[]>`
    select distinct partition_name as name
    from holdfast.maintenance_log
    where table_name = 'market.ticks'
      and action in ('detach', 'finalize')
      and error is null
      and partition_name = any(${names as string[]}::text[])`;
  return new Set(rows.map(({ name }) => name));
}
