import { formatTimestamp } from "../../ingest/timestamp.ts";
import type { Axis } from "../axis/axis.ts";
import { parseBound } from "../axis/bound.ts";
import { findOverlaps, highest, lowest, type Span } from "../axis/span.ts";
import type { Reading, ReadLeaf } from "../planning/cover.ts";
import type { SealedFacts, TableFacts } from "../planning/facts.ts";

export interface ChildReport {
  partition: string;
  from: string | null;
  to: string | null;
  state: "planned" | "hot" | "sealing" | "sealed" | "detached" | "archived";
  rows_estimate: number | null;
  bytes: number;
  sealed_at: string | null;
  /** default: the default partition, which has no range and holds the rows of no other partition. */
  is_default: boolean;
  /** What the last verification found wrong with a sealed partition. */
  problem: string | null;
}

/** Returns a position as text: RFC 3339 for times, the number otherwise; null at open ends. */
export function positionText(axis: Axis, position: bigint): string | null {
  if (position === lowest || position === highest) return null;
  const us = axis.instantOf(position);
  if (us === undefined) return axis.codec.format(position);
  // A Date cannot hold it: it is written as Postgres does.
  return us > -62_000_000_000_000_000n && us < 253_000_000_000_000_000n
    ? formatTimestamp(Number(us))
    : axis.codec.format(position);
}

function stateOf(
  leaf: ReadLeaf,
  span: Span | undefined,
  present: bigint | undefined,
  sealed: SealedFacts | undefined,
): ChildReport["state"] {
  if (leaf.pending) return "detached";
  if (sealed && !sealed.ended) return sealed.sealedAt === null ? "sealing" : "sealed";
  return span && present !== undefined && span.from > present ? "planned" : "hot";
}

/** Returns every leaf, also detached and archived ones, in the order of the key. */
export function childReports(
  facts: TableFacts,
  detachedSizes: ReadonlyMap<number, { rows_estimate: number | null; bytes: number }>,
  reading: Reading,
): ChildReport[] {
  const { axis, present } = reading;
  const spanOf = (bound: string) => {
    const read = parseBound(bound, axis.codec);
    return read.kind === "range" ? read.span : undefined;
  };
  const attached = reading.leaves.map((leaf) => {
    const span = leaf.read.kind === "range" ? leaf.read.span : undefined;
    const sealed = facts.sealed?.get(leaf.oid);
    return {
      leaf: { ...leaf, is_default: leaf.read.kind === "default" },
      span,
      state: stateOf(leaf, span, present, sealed),
      sealed: sealed?.ended ? undefined : sealed,
    };
  });
  const detached = facts.detached.flatMap((leaf) => {
    if (!leaf.present || leaf.present.attached || leaf.present.oid !== leaf.oid) return [];
    const size = detachedSizes.get(leaf.oid) ?? { rows_estimate: null, bytes: 0 };
    return [{
      leaf: { ...leaf, ...size, is_default: false },
      span: spanOf(leaf.bound),
      state: "detached" as const,
      sealed: facts.sealed?.get(leaf.oid),
    }];
  });
  const archived = (facts.archived ?? []).map(({ rows, bytes, sealedAt, ...leaf }) => ({
    leaf: { ...leaf, rows_estimate: rows, bytes, is_default: false },
    span: spanOf(leaf.bound),
    state: "archived" as const,
    sealed: { sealedAt, heldUntil: null, problem: null },
  }));
  const start = (span: Span | undefined) => span?.from ?? lowest;
  return [...attached, ...detached, ...archived]
    .sort((a, b) => start(a.span) < start(b.span) ? -1 : start(a.span) > start(b.span) ? 1 : 0)
    .map(({ leaf, span, state, sealed }) => ({
      partition: `${leaf.schema}.${leaf.name}`,
      from: span ? positionText(axis, span.from) : null,
      to: span ? positionText(axis, span.to) : null,
      state,
      rows_estimate: leaf.rows_estimate,
      bytes: leaf.bytes,
      sealed_at: sealed?.sealedAt ?? null,
      is_default: leaf.is_default,
      problem: sealed?.problem ?? null,
    }));
}

/** Returns the problems of sealed leaves and of ranges, as text. */
export function sealProblems(facts: TableFacts, reading: Reading): string[] {
  const ranges = reading.leaves.flatMap(({ name, read, pending }) =>
    read.kind === "range" && !pending ? [{ ...read.span, name }] : []
  );
  return [
    ...reading.leaves.flatMap(({ oid, name }) => {
      const sealed = facts.sealed?.get(oid);
      return sealed?.problem && !sealed.ended
        ? [`sealed partition ${name} is not what was sealed: ${sealed.problem}`]
        : [];
    }),
    ...findOverlaps(ranges).map(([a, b]) => `${a.name} and ${b.name} overlap`),
  ];
}

/** Returns the number of sealed leaves, whose manifest is complete and which were not unsealed. */
export function countSealed(facts: TableFacts): number {
  return facts.leaves.filter(({ oid }) => {
    const sealed = facts.sealed?.get(oid);
    return sealed !== undefined && sealed.sealedAt !== null && !sealed.ended;
  }).length;
}

/** Returns how many leaves, attached or detached, differ from what was sealed. */
export function countChanged(facts: TableFacts): number {
  const changed = (oid: number) => {
    const sealed = facts.sealed?.get(oid);
    return sealed !== undefined && sealed.problem !== null && !sealed.ended;
  };
  const detached = facts.detached.filter(({ oid, present }) =>
    present && !present.attached && present.oid === oid
  );
  return [...facts.leaves, ...detached].filter(({ oid }) => changed(oid)).length;
}
