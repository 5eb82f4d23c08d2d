import { coveredUntil, findHoles, highest, type Span } from "../axis/span.ts";
import { type Reading, wantedStretch } from "../planning/cover.ts";

/** The highest key of a table whose key is a number, at a time. */
export interface Position {
  atMs: number;
  position: bigint;
}

/** Stands for a cover without end. */
const endlessSeconds = 100 * 365.25 * 86_400;

/** Returns ids per second: the fastest growth from any earlier reading to the last; undefined before two readings. */
function fillRate(positions: readonly Position[]): number | undefined {
  const last = positions.at(-1);
  if (!last) return undefined;
  const rates = positions
    .filter(({ atMs }) => last.atMs - atMs >= 10_000)
    .map(({ atMs, position }) => Number(last.position - position) / ((last.atMs - atMs) / 1000));
  return rates.length === 0 ? undefined : Math.max(0, ...rates);
}

/** Returns the seconds until present rows have no leaf but a default; null when it is not known. */
export function coverOf(
  reading: Reading,
  live: readonly Span[],
  nowUs: number,
  positions: readonly Position[],
): number | null {
  const { axis, present, unknown } = reading;
  if (present === undefined || unknown.length > 0) return null;
  const end = coveredUntil(live, present);
  if (end === highest) return endlessSeconds;
  const instant = axis.instantOf(end);
  if (instant !== undefined) return Math.max(0, (Number(instant) - nowUs) / 1_000_000);
  if (end <= present) return 0;
  const rate = fillRate(positions);
  if (rate === undefined) return null;
  return Math.min(endlessSeconds, Number(end - present) / Math.max(rate, 1e-9));
}

/** Returns the seconds until present inserts fail; endless with a default partition. */
export function runwayOf({ defaultLeaf, unknown }: Reading, cover: number | null): number | null {
  return defaultLeaf && unknown.length === 0 ? endlessSeconds : cover;
}

/** Returns the gaps between leaves that rows may still arrive for, from the horizon on; older gaps are left out. */
export function holesThatMatter(
  reading: Reading,
  live: readonly Span[],
  { nowUs, horizonDays, premake }: { nowUs: number; horizonDays: number; premake: number },
): Span[] {
  const { axis, present, unknown } = reading;
  if (present === undefined || unknown.length > 0) return [];
  const since = axis.atInstant(BigInt(Math.round(nowUs - horizonDays * 86_400_000_000))) ?? present;
  // A leaf far in the future makes no hole before it: nothing is missing beyond what is made ahead.
  const { to: until } = wantedStretch(reading, premake);
  return findHoles(live).filter((hole) =>
    hole.from < until && (hole.to > present || hole.from >= since)
  );
}
