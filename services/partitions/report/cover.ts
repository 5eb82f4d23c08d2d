import { coveredUntil, findHoles, highest, type Span } from "../axis/span.ts";
import { type Reading, wantedStretch } from "../planning/cover.ts";

/** How far a table whose key is a number was filled, and when. */
export interface Position {
  atMs: number;
  position: bigint;
}

/** A cover without end: as long as anybody will look. */
const endlessSeconds = 100 * 365.25 * 86_400;

/** Ids per second: the fastest of the growths from any earlier look to now; undefined before two looks. */
export function fillRate(positions: readonly Position[]): number | undefined {
  const last = positions.at(-1);
  if (!last) return undefined;
  const rates = positions
    .filter(({ atMs }) => last.atMs - atMs >= 10_000)
    .map(({ atMs, position }) => Number(last.position - position) / ((last.atMs - atMs) / 1000));
  return rates.length === 0 ? undefined : Math.max(0, ...rates);
}

/** Seconds until rows of the present find no leaf but a default; null when it cannot be known. */
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

/** Seconds until inserts of the present fail: never, while a default partition takes in what no other does. */
export function runwayOf({ defaultLeaf, unknown }: Reading, cover: number | null): number | null {
  return defaultLeaf && unknown.length === 0 ? endlessSeconds : cover;
}

/** Gaps between leaves matter where rows may still come: from the horizon on. History may have gaps. */
export function holesThatMatter(
  reading: Reading,
  live: readonly Span[],
  { nowUs, horizonDays, premake }: { nowUs: number; horizonDays: number; premake: number },
): Span[] {
  const { axis, present, unknown } = reading;
  if (present === undefined || unknown.length > 0) return [];
  const since = axis.atInstant(BigInt(Math.round(nowUs - horizonDays * 86_400_000_000))) ?? present;
  // Beyond what is made ahead nothing is missing yet: a leaf of the far future makes no hole before it.
  const { to: until } = wantedStretch(reading, premake);
  return findHoles(live).filter((hole) =>
    hole.from < until && (hole.to > present || hole.from >= since)
  );
}
