/** A range of a key's axis: `from` is included, `to` is not. Positions are those of the key's codec. */
export interface Span {
  from: bigint;
  to: bigint;
}

/** MINVALUE and MAXVALUE: beyond the values of any key (a uuid has 128 bits). */
export const lowest = -(1n << 160n);
export const highest = 1n << 160n;

const byStart = (a: Span, b: Span) => a.from < b.from ? -1 : a.from > b.from ? 1 : 0;

const max = (a: bigint, b: bigint) => a > b ? a : b;
const min = (a: bigint, b: bigint) => a < b ? a : b;

/** Says whether two spans have a position in common. */
export const overlap = (a: Span, b: Span): boolean => a.from < b.to && b.from < a.to;

/** Returns the parts of `whole` that no span covers, in order. */
export function uncovered(whole: Span, spans: readonly Span[]): Span[] {
  const gaps: Span[] = [];
  let reached = whole.from;
  for (const span of [...spans].sort(byStart)) {
    if (span.from >= whole.to) break;
    if (span.from > reached) gaps.push({ from: reached, to: span.from });
    reached = max(reached, span.to);
  }
  if (reached < whole.to) gaps.push({ from: reached, to: whole.to });
  return gaps;
}

/** Returns the gaps between spans, from the first start to the last end. */
export function findHoles(spans: readonly Span[]): Span[] {
  const first = spans.reduce((least, { from }) => min(least, from), highest);
  const last = spans.reduce((most, { to }) => max(most, to), lowest);
  return first < last ? uncovered({ from: first, to: last }, spans) : [];
}

/** Returns the end of the contiguous spans that cover `at`; `at` itself when none does. */
export function coveredUntil(spans: readonly Span[], at: bigint): bigint {
  let reached = at;
  for (const span of [...spans].sort(byStart)) {
    if (span.from <= reached && span.to > reached) reached = span.to;
  }
  return reached;
}

/** Returns the pairs of neighbours that overlap. Postgres allows none: such spans were read at different times. */
export function findOverlaps<S extends Span>(spans: readonly S[]): [S, S][] {
  const sorted = [...spans].sort(byStart);
  return sorted.slice(1).flatMap((span, at): [S, S][] => {
    const before = sorted[at];
    return before && before.to > span.from ? [[before, span]] : [];
  });
}
