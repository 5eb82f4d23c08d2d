import { dayName } from "../ingest/timestamp.ts";
import { dayRange, type Range } from "./bounds.ts";

export interface PlannedDay {
  day: number;
  name: string;
  from: string;
  to: string;
}

/** The name of a day's leaf: ticks_pYYYYMMDD. */
export function leafName(table: string, day: number): string {
  return `${table}_p${dayName(day).replaceAll("-", "")}`;
}

/** Which of the `wanted` days need a leaf: those no existing range touches, each once, oldest first. */
export function planDays(
  table: string,
  wanted: Iterable<number>,
  existing: readonly Range[],
): PlannedDay[] {
  const missing = [...new Set(wanted)].sort((a, b) => a - b).filter((day) => {
    const { fromUs, toUs } = dayRange(day);
    return !existing.some((range) => range.fromUs < toUs && range.toUs > fromUs);
  });
  return missing.map((day) => ({
    day,
    name: leafName(table, day),
    from: `${dayName(day)} 00:00:00+00`,
    to: `${dayName(day + 1)} 00:00:00+00`,
  }));
}

/** The days that must be ready at `today`: yesterday (late ticks) to `premake` days ahead. */
export function premadeDays(today: number, premake: number): number[] {
  return Array.from({ length: premake + 2 }, (_, index) => today - 1 + index);
}

/** Of the ranges, those whose every row is older than `keepDays`; none when `keepDays` is 0. */
export function expiredRanges<R extends Range>(
  ranges: readonly R[],
  today: number,
  keepDays: number,
): R[] {
  if (keepDays === 0) return [];
  const limit = dayRange(today - keepDays).fromUs;
  return ranges.filter((range) => range.toUs <= limit);
}
