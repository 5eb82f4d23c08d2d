import { parseTimestamp } from "../ingest/timestamp.ts";

/** A leaf's range in microseconds since 1970; open ends are infinite. `from` is included, `to` is not. */
export interface Range {
  fromUs: number;
  toUs: number;
}

const dayUs = 86_400_000_000;
const rangeBound = /^FOR VALUES FROM \((.+?)\) TO \((.+?)\)$/;

function boundUs(text: string): number {
  if (text === "MINVALUE") return -Infinity;
  if (text === "MAXVALUE") return Infinity;
  const value = text.replace(/^'|'$/g, "");
  if (value === "-infinity") return -Infinity;
  if (value === "infinity") return Infinity;
  // Postgres writes "2026-01-31 00:00:00+00"; sessions here are in UTC.
  return parseTimestamp(value.replace(/([+-]\d\d)$/, "$1:00"));
}

/** Reads a bound as pg_get_expr writes it; undefined for DEFAULT and for keys that are not one timestamp. */
export function parseBound(bound: string | null): Range | undefined {
  const match = rangeBound.exec(bound ?? "");
  if (!match?.[1] || !match[2]) return undefined;
  const range = { fromUs: boundUs(match[1]), toUs: boundUs(match[2]) };
  return Number.isNaN(range.fromUs) || Number.isNaN(range.toUs) ? undefined : range;
}

/** The range of a UTC day. */
export function dayRange(day: number): Range {
  return { fromUs: day * dayUs, toUs: (day + 1) * dayUs };
}

/** The gaps between ranges, from the first start to the last end. */
export function findHoles(ranges: readonly Range[]): Range[] {
  const sorted = [...ranges].sort((a, b) => a.fromUs - b.fromUs);
  const holes: Range[] = [];
  let reached = sorted[0]?.toUs ?? 0;
  for (const range of sorted.slice(1)) {
    if (range.fromUs > reached) holes.push({ fromUs: reached, toUs: range.fromUs });
    reached = Math.max(reached, range.toUs);
  }
  return holes;
}

/** Where inserts of the present begin to fail: the end of the unbroken cover that starts at `nowUs`. */
export function coveredUntil(ranges: readonly Range[], nowUs: number): number {
  const sorted = [...ranges].sort((a, b) => a.fromUs - b.fromUs);
  let reached = nowUs;
  for (const range of sorted) {
    if (range.fromUs <= reached && range.toUs > reached) reached = range.toUs;
  }
  return reached;
}
