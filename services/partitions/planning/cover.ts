import { type Axis, createAxis } from "../axis/axis.ts";
import { type Bound, parseBound } from "../axis/bound.ts";
import { limitsOf } from "../axis/key.ts";
import { findHoles, highest, lowest, type Span, uncovered } from "../axis/span.ts";
import type { LeafFacts, PlanContext, TableFacts } from "./facts.ts";

/** A leaf with its parsed bound. */
export interface ReadLeaf extends LeafFacts {
  read: Bound;
}

/** A table's leaves on its axis. */
export interface Reading {
  axis: Axis;
  leaves: ReadLeaf[];
  /** Ranges of attached leaves, including those whose detach is pending: their ranges are taken until they are gone. */
  spans: Span[];
  defaultLeaf: ReadLeaf | undefined;
  unknown: ReadLeaf[];
  /** The position of now, or the highest id; undefined for a table of ids without rows. */
  present: bigint | undefined;
}

const dayUs = 86_400_000_000n;

/** Reads the bounds of a table's leaves. Throws a HoldfastError when the policy does not fit together. */
export function readTable(facts: TableFacts, nowUs: bigint): Reading {
  const axis = createAxis(facts.policy);
  const leaves = facts.leaves.map((leaf) => ({
    ...leaf,
    read: parseBound(leaf.bound, axis.codec),
  }));
  const spans = leaves.flatMap(({ read }) => read.kind === "range" ? [read.span] : []);
  const starts = spans.map(({ from }) => from).filter((from) => from !== lowest);
  // A table of ids without rows begins where its first leaf does.
  const first = starts.reduce<bigint | undefined>(
    (least, from) => least === undefined || from < least ? from : least,
    undefined,
  );
  return {
    axis,
    leaves,
    spans,
    defaultLeaf: leaves.find(({ read }) => read.kind === "default"),
    unknown: leaves.filter(({ read }) => read.kind === "unknown"),
    present: axis.atInstant(nowUs) ?? facts.highestId ?? first,
  };
}

/** Returns the limit of retention: leaves that end at or before it are retired; the lowest position when all is kept. */
export function retentionLimit(facts: TableFacts, { axis, present }: Reading): bigint {
  const { retention } = facts.policy;
  return retention && present !== undefined ? axis.before(present, retention.keep) : lowest;
}

/** Cuts gaps along the grid: each piece is one leaf to be created. */
export function cutGaps(axis: Axis, gaps: readonly Span[], most: number): Span[] {
  const pieces: Span[] = [];
  for (const gap of gaps) {
    for (let at = gap.from; at < gap.to && pieces.length < most;) {
      const slot = axis.grid.slotOf(at);
      const to = slot.to < gap.to ? slot.to : gap.to;
      pieces.push({ from: at, to });
      at = to;
    }
  }
  return pieces;
}

/**
 * Returns the range that must be covered: the slot before the present one (for late rows), the present one, and those
 * ahead.
 */
export function wantedStretch({ axis, present }: Reading, premake: number): Span {
  const here = axis.grid.slotOf(present ?? 0n);
  const from = axis.codec.axis === "number" ? here.from : axis.grid.slotOf(here.from - 1n).from;
  let to = here.to;
  for (let ahead = 0; ahead < premake; ahead++) to = axis.grid.slotOf(to).to;
  return { from, to };
}

/**
 * Returns recent holes before the range that must be covered, and between it and the last leaf: rows may still arrive
 * there.
 */
function recentHoles(
  reading: Reading,
  { nowUs, horizonDays }: PlanContext,
  stretch: Span,
): Span[] {
  const since = reading.axis.atInstant(nowUs - BigInt(horizonDays) * dayUs) ?? reading.present;
  if (since === undefined || reading.spans.length === 0) return [];
  return findHoles([...reading.spans, stretch])
    .filter(({ from }) => from >= since && from < stretch.from)
    .map(({ from, to }) => ({ from, to: to < stretch.from ? to : stretch.from }));
}

/**
 * Returns a span as a column of this type can hold it: MAXVALUE ends one whose end lies beyond the type's values. Undefined
 * for one that begins beyond them.
 */
export function withinType({ from, to }: Span, type: string): Span | undefined {
  const { least, most } = limitsOf(type);
  if (from < least || from > most) return undefined;
  return { from, to: to > most ? highest : to };
}

/**
 * Returns the ranges that lack a leaf, oldest first: those of the present that nothing covers, and recent holes. Ranges
 * that retention would retire at once are left out, as is what the key's type cannot hold.
 */
export function missingSpans(facts: TableFacts, reading: Reading, context: PlanContext): Span[] {
  const stretch = wantedStretch(reading, facts.policy.premake);
  const gaps = [
    ...recentHoles(reading, context, stretch),
    ...uncovered(stretch, reading.spans),
  ];
  const limit = retentionLimit(facts, reading);
  const { keyType = "" } = facts.parent ?? {};
  return cutGaps(reading.axis, gaps, context.maxPartitions + 1)
    .flatMap((span) => withinType(span, keyType) ?? [])
    // A leaf without an end cannot be cut into sub-partitions.
    .filter(({ to }) => to > limit && (to !== highest || facts.policy.sub_interval === null));
}

/** Returns the leaves whose every row is older than the retention, oldest first. */
export function expiredLeaves(facts: TableFacts, reading: Reading): ReadLeaf[] {
  const limit = retentionLimit(facts, reading);
  if (limit === lowest) return [];
  return reading.leaves
    .flatMap((leaf) =>
      leaf.read.kind === "range" && !leaf.pending ? [{ leaf, ...leaf.read.span }] : []
    )
    .filter(({ to }) => to <= limit)
    .sort((a, b) => a.to < b.to ? -1 : 1)
    .map(({ leaf }) => leaf);
}
