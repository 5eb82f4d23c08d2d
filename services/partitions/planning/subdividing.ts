import {
  attachStatement,
  createStatements,
  type LeafTemplate,
  type LockedStatement,
  type NewLeaf,
  replicaIndexStatement,
} from "../../../db/partitions/ddl.ts";
import { type Axis, createAxis } from "../axis/axis.ts";
import { preciseName, subName } from "../axis/names.ts";
import type { Span } from "../axis/span.ts";
import type { Policy } from "../policy.ts";
import { cutGaps } from "./cover.ts";
import type { LeafFacts } from "./facts.ts";

/** Sub-partitions of one partition. They are made in one transaction, which holds a few locks for each. */
export const subPartitionsMax = 1_000;

/** The axis of a policy's sub-partitions; undefined where partitions hold their rows themselves. */
export function subAxis(policy: Policy): Axis | undefined {
  return policy.sub_interval === null
    ? undefined
    : createAxis({ ...policy, interval: policy.sub_interval });
}

/** The sub-partitions a span is cut into, oldest first. */
function subSpans(axis: Axis, span: Span): Span[] {
  return cutGaps(axis, [span], subPartitionsMax + 1);
}

/** Tables that hold rows once the span has its partition. */
export function leavesOfSpan(policy: Policy, span: Span): number {
  const axis = subAxis(policy);
  return axis ? subSpans(axis, span).length : 1;
}

/** The same for several spans together. */
export const leavesOfSpans = (policy: Policy, spans: readonly Span[]): number =>
  spans.reduce((sum, span) => sum + leavesOfSpan(policy, span), 0);

/** Tables that hold rows, those of partitioned leaves counted one by one. */
export function countLeaves(leaves: readonly LeafFacts[]): number {
  return leaves.reduce((sum, { subs }) => sum + Math.max(1, subs), 0);
}

/** The first spans, as many as there is room for. */
export function fitting(policy: Policy, spans: readonly Span[], room: number): Span[] {
  let used = 0;
  const end = spans.findIndex((span) => (used += leavesOfSpan(policy, span)) > room);
  return spans.slice(0, end < 0 ? spans.length : end);
}

/**
 * A leaf that is partitioned itself, made whole before anybody sees it: what Postgres does at each attach grows with
 * the partitions the parent has, and here each parent has few.
 */
export function subdividedStatements(
  { policy, axis, span, leaf, template, name: nameEnds }: {
    policy: Policy;
    axis: Axis;
    span: Span;
    leaf: NewLeaf;
    template: LeafTemplate;
    /** A leaf to be by its span and name. */
    name: (span: Span, name: string) => NewLeaf;
  },
): { create: LockedStatement[]; attach: (attachLock: string) => LockedStatement[] } {
  // Its copy of a replica identity index is there once it is attached.
  const plain = {
    ...template,
    replicaIdentity: template.replicaIdentity === "i" ? "d" as const : template.replicaIdentity,
  };
  const { schema, table } = leaf.parent;
  const self = { schema, table: leaf.name };
  const names = new Set([leaf.name]);
  const subs = subSpans(axis, span).map((piece) => {
    const usual = subName(policy.table, axis, piece.from);
    const name = names.has(usual) ? preciseName(policy.table, axis, piece.from) : usual;
    names.add(name);
    return { ...nameEnds(piece, name), parent: self };
  });
  const alone = { lock: `none but on the new ${schema}.${leaf.name}` };
  const replica = (one: NewLeaf) => ({ sql: replicaIndexStatement(one), ...alone });
  return {
    create: [
      ...createStatements(
        leaf,
        // A partitioned table has no storage of its own.
        { ...plain, options: [], unlogged: false, accessMethod: null },
        { like: { schema, table }, partitioned: true },
      ),
      ...subs.flatMap((one) => [
        ...createStatements(one, plain, { like: { schema, table } }),
        { sql: attachStatement(one), ...alone },
      ]),
    ],
    attach: (attachLock) => [
      { sql: attachStatement(leaf), lock: attachLock },
      ...(template.replicaIdentity === "i" ? [leaf, ...subs].map(replica) : []),
    ],
  };
}
