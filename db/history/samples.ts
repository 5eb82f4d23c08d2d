import {
  and,
  avg,
  count,
  eq,
  gte,
  inArray,
  lt,
  lte,
  max,
  min,
  notExists,
  type SQL,
  sql as sqlText,
} from "drizzle-orm";
import type { PgColumn, PgTable } from "drizzle-orm/pg-core";
import type { Sql } from "../connection.ts";
import { CopyEncoder, copyIn } from "../copy.ts";
import { recordsIn } from "../records/records.ts";
import { oneRow } from "../records/rows.ts";
import { historyTables, rollupRecords, sampleRecords, seriesRecords } from "../records/schema.ts";
import type { SampleTable } from "./leaves.ts";

/** The name of a series: a metric, and the table, slot or other object it is about; scope "" is the whole server. */
export type SeriesName = Pick<typeof seriesRecords.$inferSelect, "name" | "scope">;

/** One stored value; `at` in milliseconds since 1970. */
export type StoredSample =
  & Omit<typeof sampleRecords.$inferSelect, "ts">
  & { at: number };

/** Returns the ids of series in the given order; adds those that are new. */
export async function seriesIds(sql: Sql, series: readonly SeriesName[]): Promise<number[]> {
  const names = series.map(({ name }) => name);
  const scopes = series.map(({ scope }) => scope);
  await sql`
    insert into holdfast.sample_series (name, scope)
    select w.name, w.scope
    from unnest(${names}::text[], ${scopes}::text[]) as w (name, scope)
    where not exists (
      select from holdfast.sample_series as s where s.name = w.name and s.scope = w.scope
    )
    on conflict (name, scope) do nothing`;
  const { id, name, scope } = seriesRecords;
  const wanted = sqlText`unnest(${sqlText.param(names)}::text[], ${sqlText.param(scopes)}::text[])
    with ordinality as w (name, scope, place)`;
  const rows = await recordsIn(sql).select({ id }).from(wanted)
    .innerJoin(seriesRecords, sqlText`(${name}, ${scope}) = (w.name, w.scope)`)
    .orderBy(sqlText`w.place`);
  if (rows.length !== series.length) {
    throw new Error("Cannot add series: another session deleted one");
  }
  return rows.map(({ id }) => id);
}

/** Inserts samples with one COPY. */
export async function insertSamples(sql: Sql, samples: readonly StoredSample[]): Promise<void> {
  const encoder = new CopyEncoder(samples.length * 40);
  for (const { at, series, value } of samples) {
    encoder.row(3);
    encoder.timestamp(Math.round(at) * 1000);
    encoder.float8(value);
    encoder.int4(series);
  }
  await copyIn(
    sql,
    "copy holdfast.samples (ts, value, series) from stdin (format binary)",
    encoder.rows(),
  );
}

/**
 * Returns which of the samples are stored. Waits until the transactions that are writing samples have ended, one whose client
 * is gone included, and keeps others from it until this one ends. Needs a transaction.
 */
export async function findStored(
  sql: Sql,
  samples: readonly StoredSample[],
): Promise<(sample: StoredSample) => boolean> {
  await sql`lock table only holdfast.samples in share row exclusive mode`;
  const times = samples.map(({ at }) => Math.round(at));
  const first = times.reduce((one, other) => Math.min(one, other), Infinity);
  const last = times.reduce((one, other) => Math.max(one, other), -Infinity);
  const { ts, series } = sampleRecords;
  const rows = await recordsIn(sql).select({ ts, series }).from(sampleRecords).where(and(
    gte(ts, new Date(first)),
    lte(ts, new Date(last)),
    inArray(series, [...new Set(samples.map((sample) => sample.series))]),
  ));
  const stored = new Set(rows.map((row) => `${row.ts.getTime()} ${row.series}`));
  return (sample) => stored.has(`${Math.round(sample.at)} ${sample.series}`);
}

/** A table of history whose name is known at run time. */
const tableNamed = (name: SampleTable): PgTable & Record<"ts", PgColumn> => historyTables[name];

/**
 * Returns the columns of a table of samples; a raw sample is one value, and has no column that counts samples. Throws for a
 * table that holds something else.
 */
function columnsOf(
  name: SampleTable,
):
  & Record<"ts" | "series" | "avg" | "min" | "max" | "last", PgColumn>
  & Partial<Record<"samples", PgColumn>> {
  const table = historyTables[name];
  if ("avg" in table) return table;
  if (!("value" in table)) throw new RangeError(`Cannot read samples: ${name} holds none`);
  const { ts, series, value } = table;
  return { ts, series, avg: value, min: value, max: value, last: value };
}

/** Returns the mean of a bucket and the number of its samples. Rows that do not all know theirs count alike. */
function meanOf({ avg: value, samples }: Pick<ReturnType<typeof columnsOf>, "avg" | "samples">) {
  if (!samples) return { avg: avg(value).as("avg"), samples: count().as("samples") };
  const isCounted = sqlText`count(${samples}) = count(*)`;
  return {
    avg: sqlText`case when ${isCounted}
      then sum(${value}::float8 * ${samples}) / sum(${samples})
      else avg(${value}) end`.as("avg"),
    samples: sqlText`case when ${isCounted} then sum(${samples}) end`.as("samples"),
  };
}

const float8Of = (value: PgColumn) => sqlText<number>`${value}::float8`;
const msOf = (time: PgColumn | SQL) => sqlText<number>`extract(epoch from ${time})::float8 * 1000`;

/**
 * Waits until no other transaction rolls a table up for the first time, and keeps others from it until this one ends. Later
 * roll-ups lock the row that says how far the table is.
 */
export async function lockFirstRollup(sql: Sql, table: SampleTable): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`holdfast.first_rollup.${table}`}, 0))`;
}

/** Returns until when a table is rolled up, and the oldest sample of the finer table; milliseconds since 1970. */
export async function rollupState(
  sql: Sql,
  { table, source, seconds, before }: {
    table: SampleTable;
    source: SampleTable;
    seconds: number;
    /** Milliseconds since 1970. Rollups more than a bucket after it were made by a clock that was ahead, and are ignored. */
    before: number;
  },
): Promise<{ until: number | null; oldest: number | null }> {
  const db = recordsIn(sql);
  const [coarse, fine] = [tableNamed(table), tableNamed(source)];
  const { table_name, rolled_until } = rollupRecords;
  const isTable = eq(table_name, table);
  const limit = new Date(before + seconds * 1000);
  const lastEnd = db.select({ at: sqlText`max(${coarse.ts}) + make_interval(secs => ${seconds})` })
    .from(coarse).where(lt(coarse.ts, limit));
  const first = db.select({ at: min(fine.ts) }).from(fine).where(lt(fine.ts, limit));
  const until = db
    .select({
      at: msOf(sqlText`case
        when ${lte(rolled_until, limit)} then ${rolled_until}
        else coalesce(${lastEnd}, ${first}) end`),
    })
    .from(rollupRecords).where(isTable).for("update");
  const oldest = db.select({ at: msOf(min(fine.ts)) }).from(fine)
    .where(notExists(db.select({ table_name }).from(rollupRecords).where(isTable)));
  const [row] = await db
    .select({
      until: sqlText<number | null>`${until}`,
      oldest: sqlText<number | null>`${oldest}`,
    })
    .from(oneRow);
  return row ?? { until: null, oldest: null };
}

/** What to roll up: [from, to) of `source`, milliseconds since 1970, into buckets of `seconds` of `table`. */
export interface RollupRange {
  table: SampleTable;
  source: SampleTable;
  seconds: number;
  from: number;
  to: number;
}

/** Rolls [from, to) of `source` up into buckets of `seconds`, and records that. Needs a transaction. */
export async function rollUp(
  sql: Sql,
  { table, source, seconds, from, to }: RollupRange,
): Promise<void> {
  const db = recordsIn(sql);
  const { ts, series, ...values } = columnsOf(source);
  const bucket =
    sqlText`date_bin(make_interval(secs => ${seconds}), ${ts}, timestamptz '1970-01-01T00:00:00Z')`
      .as("bucket");
  const mean = meanOf(values);
  const buckets = db
    .select({
      ts: bucket,
      series,
      min: min(values.min).as("min"),
      avg: mean.avg,
      max: max(values.max).as("max"),
      last: sqlText`(array_agg(${values.last} order by ${ts} desc))[1]`.as("last"),
      samples: mean.samples,
    })
    .from(tableNamed(source))
    .where(and(gte(ts, new Date(from)), lt(ts, new Date(to))))
    .groupBy(bucket, series)
    .orderBy(bucket, series);
  await db.insert(tableNamed(table)).select(buckets);
  await noteRolledUp(sql, table, to);
}

/** Records that a table is rolled up to `to`, in milliseconds since 1970. */
export async function noteRolledUp(sql: Sql, table: SampleTable, to: number): Promise<void> {
  const rolled_until = new Date(to);
  await recordsIn(sql).insert(rollupRecords).values({ table_name: table, rolled_until })
    .onConflictDoUpdate({ target: rollupRecords.table_name, set: { rolled_until } });
}

/** A stored point of a series; `value` is the mean, `at` in milliseconds since 1970. */
export interface StoredPoint {
  at: number;
  value: number;
  min: number;
  max: number;
  last: number;
  /** Of how many samples it is the mean; null where that was not counted. */
  samples: number | null;
}

/**
 * Returns the points of a series in [from, to] (milliseconds since 1970). Reads `tables`, coarsest first: each as far as it
 * is rolled up, the rest from the next finer one. Undefined when there is no such series.
 */
export async function readSamples(
  sql: Sql,
  { name, scope }: SeriesName,
  { tables, from, to }: { tables: readonly SampleTable[]; from: number; to: number },
): Promise<StoredPoint[] | undefined> {
  const db = recordsIn(sql);
  const { table_name, rolled_until } = rollupRecords;
  const found = await db.select({ id: seriesRecords.id, table_name, rolled_until })
    .from(seriesRecords)
    .leftJoin(rollupRecords, sqlText`true`)
    .where(and(eq(seriesRecords.name, name), eq(seriesRecords.scope, scope)));
  const id = found[0]?.id;
  if (id === undefined) return undefined;
  const done = new Map(found.map((row) => [row.table_name, row.rolled_until?.getTime()]));
  const points: StoredPoint[] = [];
  let begin = from;
  for (const table of tables) {
    const raw = table === "samples";
    const end = raw ? to : Math.min(to, (done.get(table) ?? -Infinity) - 1);
    if (end < begin) continue;
    const { ts, series, avg, min, max, last, samples } = columnsOf(table);
    points.push(
      ...await db
        .select({
          at: msOf(ts),
          value: float8Of(avg),
          min: float8Of(min),
          max: float8Of(max),
          last: float8Of(last),
          samples: sqlText<number | null>`${samples ?? 1}::int4`,
        })
        .from(tableNamed(table))
        .where(and(eq(series, id), gte(ts, new Date(begin)), lte(ts, new Date(end))))
        .orderBy(ts),
    );
    begin = raw ? begin : Math.max(begin, done.get(table) ?? -Infinity);
  }
  return points;
}
