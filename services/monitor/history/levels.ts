import type { Config } from "../../../config/config.ts";
import type { SampleLeaf, SampleTable } from "../../../db/history/leaves.ts";

/** One resolution of history: its table, how long it is kept, and how much time a leaf covers. */
export interface Level {
  table: SampleTable;
  /** Width of a bucket; 0: as measured. */
  seconds: number;
  keepMs: number;
  leafMs: number;
}

const hour = 3_600_000;
const day = 24 * hour;
/** Greatest number of points without a requested step. */
const pointsWanted = 1_500;
/** Assumed distance of raw points. */
const rawSeconds = 5;

export type HistoryConfig = Pick<
  Config,
  | "HOLDFAST_HISTORY_RAW_HOURS"
  | "HOLDFAST_HISTORY_MINUTE_DAYS"
  | "HOLDFAST_HISTORY_QUARTER_HOUR_DAYS"
  | "HOLDFAST_HISTORY_DAY_DAYS"
>;

/** Returns the resolutions, finest first. */
export function levelsOf(config: HistoryConfig): readonly Level[] {
  const raw = config.HOLDFAST_HISTORY_RAW_HOURS * hour;
  const minute = config.HOLDFAST_HISTORY_MINUTE_DAYS * day;
  const quarter = config.HOLDFAST_HISTORY_QUARTER_HOUR_DAYS * day;
  const daily = config.HOLDFAST_HISTORY_DAY_DAYS * day;
  return [
    { table: "samples", seconds: 0, keepMs: raw, leafMs: hour },
    { table: "samples_1m", seconds: 60, keepMs: minute, leafMs: day },
    { table: "samples_15m", seconds: 900, keepMs: quarter, leafMs: 7 * day },
    { table: "samples_1d", seconds: 86_400, keepMs: daily, leafMs: 90 * day },
  ];
}

/** Returns the resolutions of statements' work, finest first: kept as long as samples of that width. */
export function statementLevelsOf(config: HistoryConfig): readonly Level[] {
  const tables = { 60: "statements_1m", 900: "statements_15m", 86_400: "statements_1d" } as const;
  return levelsOf(config).flatMap((level) => {
    const table = tables[level.seconds as keyof typeof tables];
    return table === undefined ? [] : [{ ...level, table }];
  });
}

/** Returns the leaf of a level that holds `at`. Leaves begin at multiples of their width since 1970. Pure. */
export function leafAt({ table, leafMs }: Level, at: number): SampleLeaf {
  const from = Math.floor(at / leafMs) * leafMs;
  const digits = new Date(from).toISOString().replaceAll(/\D/g, "");
  return {
    table,
    name: `${table}_p${digits.slice(0, leafMs < day ? 10 : 8)}`,
    from,
    to: from + leafMs,
  };
}

/** Returns the levels to read for a range, coarsest first: the finer ones have what is not rolled up yet. Pure. */
export function levelsFor(
  levels: readonly Level[],
  { from, to, now, stepSeconds }: {
    from: number;
    to: number;
    now: number;
    stepSeconds: number | undefined;
  },
): readonly Level[] {
  const reaching = levels.filter(({ keepMs }) => now - keepMs <= from);
  const able = reaching.length > 0 ? reaching : levels.slice(-1);
  const coarsest = stepSeconds === undefined
    ? able.find(({ seconds }) => (to - from) / 1000 / (seconds || rawSeconds) <= pointsWanted) ??
      able.at(-1)
    : able.findLast(({ seconds }) => seconds <= stepSeconds) ?? able[0];
  return levels.slice(0, levels.findIndex((level) => level === coarsest) + 1).reverse();
}

/** A point of a series: `value` is the mean, `ts` in milliseconds since 1970. */
export interface HistoryPoint {
  ts: number;
  value: number;
  min: number;
  max: number;
  last: number;
}

/** A point that knows of how many samples it is the mean; null where that was not counted. */
export type CountedPoint = HistoryPoint & { samples: number | null };

interface Bucket extends HistoryPoint {
  /** The mean of the points, each counted alike; `value` counts samples. */
  plain: number;
  points: number;
  /** Null once a point does not know its own. */
  samples: number | null;
}

/** Adds a point to a bucket. */
function addTo(bucket: Bucket, { value, min, max, last, samples }: CountedPoint): void {
  bucket.points++;
  bucket.plain += (value - bucket.plain) / bucket.points;
  bucket.samples = bucket.samples === null || samples === null ? null : bucket.samples + samples;
  if (bucket.samples !== null) {
    bucket.value += (value - bucket.value) * (samples ?? 0) / bucket.samples;
  }
  bucket.min = Math.min(bucket.min, min);
  bucket.max = Math.max(bucket.max, max);
  bucket.last = last;
}

/**
 * Returns points in buckets of `stepMs`, oldest first: mean, least, greatest and last value. The mean is that of the samples;
 * where a point of the bucket does not know how many it has, that of the points. Needs them in order. Pure.
 */
export function inSteps(points: readonly CountedPoint[], stepMs: number): HistoryPoint[] {
  const buckets: Bucket[] = [];
  for (const point of points) {
    const ts = Math.floor(point.ts / stepMs) * stepMs;
    const bucket = buckets.at(-1);
    if (bucket?.ts === ts) addTo(bucket, point);
    else buckets.push({ ...point, ts, plain: point.value, points: 1 });
  }
  return buckets.map(({ ts, value, plain, min, max, last, samples }) => ({
    ts,
    value: samples === null ? plain : value,
    min,
    max,
    last,
  }));
}

/** Returns points as they are, without the number of samples. Pure. */
export const uncounted = (points: readonly CountedPoint[]): HistoryPoint[] =>
  points.map(({ samples: _, ...point }) => point);
