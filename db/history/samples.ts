import { and, eq, sql as sqlText } from "drizzle-orm";
import type { Sql } from "../connection.ts";
import { CopyEncoder, copyIn } from "../copy.ts";
import { recordsIn } from "../records/records.ts";
import { rollupRecords, type sampleRecords, seriesRecords } from "../records/schema.ts";
import { quoteTable } from "../sql.ts";
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
  const rows = await sql<{ id: number }[]>`
    select s.id
    from unnest(${names}::text[], ${scopes}::text[]) with ordinality as w (name, scope, place)
    join holdfast.sample_series as s on s.name = w.name and s.scope = w.scope
    order by w.place`;
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
  const limit = sql`${new Date(before + seconds * 1000).toISOString()}::text::timestamptz`;
  const [row] = await sql<{ until: number | null; oldest: number | null }[]>`
    select
      (
        select extract(epoch from case
          when rolled_until <= ${limit} then rolled_until
          else coalesce(
            (
              select max(ts) + make_interval(secs => ${seconds})
              from ${sql.unsafe(quoteTable("holdfast", table))}
              where ts < ${limit}
            ),
            (select min(ts) from ${sql.unsafe(quoteTable("holdfast", source))} where ts < ${limit})
          ) end)::float8 * 1000
        from holdfast.sample_rollups
        where table_name = ${table}
        for update
      ) as until,
      (
        select extract(epoch from min(ts))::float8 * 1000 from ${
    sql.unsafe(quoteTable("holdfast", source))
  }
        where not exists (select from holdfast.sample_rollups where table_name = ${table})
      ) as oldest`;
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
  const raw = source === "samples";
  const iso = (at: number) => new Date(at).toISOString();
  await sql.unsafe(
    `insert into ${quoteTable("holdfast", table)} (ts, series, min, avg, max, last)
    select
      date_bin(make_interval(secs => $1), ts, timestamptz '1970-01-01T00:00:00Z') as bucket,
      series,
      min(${raw ? "value" : "min"}),
      avg(${raw ? "value" : "avg"}),
      max(${raw ? "value" : "max"}),
      (array_agg(${raw ? "value" : "last"} order by ts desc))[1]
    from ${quoteTable("holdfast", source)}
    where ts >= $2::text::timestamptz and ts < $3::text::timestamptz
    group by bucket, series
    order by bucket, series`,
    [seconds, iso(from), iso(to)],
  );
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
  const { table_name, rolled_until } = rollupRecords;
  const found = await recordsIn(sql).select({ id: seriesRecords.id, table_name, rolled_until })
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
    const columns = raw
      ? "value, value as min, value as max, value as last"
      : "avg::float8 as value, min::float8, max::float8, last::float8";
    points.push(
      ...await sql.unsafe<StoredPoint[]>(
        `select extract(epoch from ts)::float8 * 1000 as at, ${columns}
        from ${quoteTable("holdfast", table)}
        where series = $1 and ts >= $2::text::timestamptz and ts <= $3::text::timestamptz
        order by ts`,
        [id, new Date(begin).toISOString(), new Date(end).toISOString()],
      ),
    );
    begin = raw ? begin : Math.max(begin, done.get(table) ?? -Infinity);
  }
  return points;
}
