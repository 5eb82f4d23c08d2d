import { bytesText } from "../../../lib/text/format.ts";
import { parseInterval } from "../axis/interval.ts";
import { highest, lowest, type Span } from "../axis/span.ts";
import type { Reading } from "../planning/cover.ts";
import type { TableFacts } from "../planning/facts.ts";

/** Another interval for a table, with its reasons. */
export interface IntervalAdvice {
  title: string;
  detail: string;
  interval: string;
  /**
   * Measured per partition with the present interval, and estimated with the advised one; partitions at the present
   * retention.
   */
  bytes_per_partition: number;
  expected_bytes_per_partition: number;
  partitions: number;
  expected_partitions: number;
}

const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const daySeconds = 86_400;

/** Common intervals, shortest first, in seconds. */
const ladder: [string, number][] = [
  ["1 hour", 3_600],
  ["6 hours", 6 * 3_600],
  ["1 day", daySeconds],
  ["7 days", 7 * daySeconds],
  ["1 mon", 30.44 * daySeconds],
  ["3 mons", 91.31 * daySeconds],
  ["1 year", 365.25 * daySeconds],
];

/** At most so many past leaves are measured, the newest. */
const measuredLeaves = 30;
/** Fewer leaves do not show a rate. */
const leastLeaves = 3;
/** The newest partition with its indexes should stay in cache; smaller ones than this need no advice. */
const leastCap = 2 * GiB;
/** Planning a query that prunes nothing takes about 45 microseconds for each partition. */
const planningMsEach = 0.045;
const manyPartitions = 1_000;
/** Smaller partitions cost planning time, locks and files without a benefit. */
const tiny = 16 * MiB;
const fewPartitions = 100;

const secondsOf = (text: string) => {
  const { months, days, us } = parseInterval(text);
  return months * 30.44 * daySeconds + days * daySeconds + Number(us) / 1e6;
};

interface Measured {
  /** Median of the bytes of past partitions. */
  each: number;
  /** Units of the key (seconds, or ids) in a partition, and bytes per unit. */
  length: number;
  rate: number;
  /** Units that retention keeps; undefined: all. */
  kept: number | undefined;
}

/** Returns the length of a span in seconds, or in ids. */
function lengthOf({ axis }: Reading, { from, to }: Span): number {
  const [start, end] = [axis.instantOf(from), axis.instantOf(to)];
  return start === undefined || end === undefined ? Number(to - from) : Number(end - start) / 1e6;
}

function measure(facts: TableFacts, reading: Reading): Measured | undefined {
  const { present, axis } = reading;
  if (present === undefined) return undefined;
  const past = reading.leaves.flatMap(({ read, bytes, pending }) =>
    read.kind === "range" && !pending && read.span.to <= present && read.span.from !== lowest &&
      read.span.to !== highest
      ? [{ span: read.span, bytes }]
      : []
  ).sort((a, b) => a.span.to > b.span.to ? -1 : 1).slice(0, measuredLeaves);
  if (past.length < leastLeaves) return undefined;
  const sizes = past.map(({ bytes }) => bytes).sort((a, b) => a - b);
  const length = past.reduce((sum, { span }) => sum + lengthOf(reading, span), 0);
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  const { retention } = facts.policy;
  const number = axis.codec.axis === "number";
  return {
    each: sizes[Math.floor(sizes.length / 2)] ?? 0,
    length: length / past.length,
    rate: bytes / length,
    kept: retention ? number ? Number(retention.keep) : secondsOf(retention.keep) : undefined,
  };
}

/** Returns the largest 1, 2 or 5 times a power of ten that is not over `value`. */
function roundDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(1, value)));
  return [5, 2, 1].map((one) => one * power).find((one) => one <= value) ?? power;
}

/** Returns the longest interval whose partitions stay below `cap`, or the shortest of all. */
function choose(rate: number, cap: number, number: boolean): [string, number] {
  if (number) {
    const ids = roundDown(cap / rate);
    return [String(ids), ids];
  }
  const fitting = ladder.filter(([, seconds]) => seconds * rate <= cap).at(-1);
  return fitting ?? ladder[0] ?? ["1 hour", 3_600];
}

/**
 * Advises another interval where partitions are larger than the cache, so many that planning suffers, or many and tiny.
 * Uses the newest past partitions; returns nothing with fewer than three, or when the present interval is close enough.
 * Pure.
 */
export function adviseInterval(
  facts: TableFacts,
  reading: Reading,
  cacheBytes: number | undefined,
): IntervalAdvice[] {
  const found = measure(facts, reading);
  if (!found || found.rate <= 0) return [];
  const cap = Math.max(leastCap, cacheBytes ?? 0);
  const { length: count } = facts.leaves;
  const large = found.each > 1.5 * cap;
  const many = count > manyPartitions;
  const small = found.each < tiny && count > fewPartitions;
  if (!large && !many && !small) return [];
  const number = reading.axis.codec.axis === "number";
  const [interval, units] = choose(found.rate, cap, number);
  // An interval close to the present one is not worth a change, nor is one in the wrong direction.
  if (large ? units > found.length * 0.67 : units < found.length * 1.5) return [];
  const expected = found.rate * units;
  const kept = found.kept ?? found.length * count;
  const partitions = Math.ceil(kept / units) + facts.policy.premake + 1;
  const { schema, table } = facts.policy;
  const unit = number ? "1,000 ids" : "day";
  const perUnit = found.rate * (number ? 1_000 : daySeconds);
  const why = large
    ? `more than the ${bytesText(cap)} that should stay in cache while it is written`
    : many
    ? `and ${count} of them cost a query that prunes none about ${
      Math.round(count * planningMsEach)
    } ms of planning`
    : `and each of the ${count} costs locks, files and planning all the same`;
  return [{
    title: `Use ${large ? "shorter" : "longer"} partitions for ${schema}.${table}: ${interval}`,
    detail: `A partition has ${bytesText(found.each)} (${facts.policy.interval}; ${
      bytesText(perUnit)
    } a ${unit}), ${why}. With ${interval} it would have ${
      bytesText(expected)
    }, and there would be about ${partitions}; the change holds for partitions made from then on`,
    interval,
    bytes_per_partition: Math.round(found.each),
    expected_bytes_per_partition: Math.round(expected),
    partitions: count,
    expected_partitions: partitions,
  }];
}
