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

/** Returns the axis of a policy's sub-partitions; undefined where partitions are not partitioned. */
export function subAxis(policy: Policy): Axis | undefined {
  return policy.sub_interval === null
    ? undefined
    : createAxis({ ...policy, interval: policy.sub_interval });
}

/** Returns the sub-partitions of a span, oldest first. */
function subSpans(axis: Axis, span: Span): Span[] {
  return cutGaps(axis, [span], subPartitionsMax + 1);
}

/** Returns how many tables with rows a span's partition has. */
export function leavesOfSpan(policy: Policy, span: Span): number {
  const axis = subAxis(policy);
  return axis ? subSpans(axis, span).length : 1;
}

/** Returns the same for several spans. */
export const leavesOfSpans = (policy: Policy, spans: readonly Span[]): number =>
  spans.reduce((sum, span) => sum + leavesOfSpan(policy, span), 0);

/** Returns the number of tables with rows, including those of partitioned leaves. */
export function countLeaves(leaves: readonly LeafFacts[]): number {
  return leaves.reduce((sum, { subs }) => sum + Math.max(1, subs), 0);
}

/** Returns the first spans whose tables fit within a limit. */
export function fitting(policy: Policy, spans: readonly Span[], limit: number): Span[] {
  let used = 0;
  const end = spans.findIndex((span) => (used += leavesOfSpan(policy, span)) > limit);
  return spans.slice(0, end < 0 ? spans.length : end);
}

/**
 * Returns the statements of a leaf that is partitioned itself. Its parts are attached before the leaf is: the cost of an
 * attach grows with the partitions of its parent, and here each parent has few.
 */
export function subdividedStatements(
  { policy, axis, span, leaf, template, name: nameEnds }: {
    policy: Policy;
    axis: Axis;
    span: Span;
    leaf: NewLeaf;
    template: LeafTemplate;
    /** Returns the leaf to be created for a span and a name. */
    name: (span: Span, name: string) => NewLeaf;
  },
): { create: LockedStatement[]; attach: (attachLock: string) => LockedStatement[] } {
  // The copy of a replica identity index exists once the leaf is attached.
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
        // A partitioned table has no storage.
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
