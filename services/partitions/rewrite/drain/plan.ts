import type { NewLeaf } from "../../../../db/partitions/ddl.ts";
import { describeRewrite } from "../../../../db/partitions/rewrite/description.ts";
import { drainStatements } from "../../../../db/partitions/rewrite/drain.ts";
import { identityOf } from "../../../../db/partitions/catalogue/table_facts.ts";
import {
  chooseName,
  drainMax,
  newLeaf,
  scannedBytesMax,
  templateOf,
  useOfName,
} from "../../planning/attaching.ts";
import type { Reading } from "../../planning/cover.ts";
import type { DrainFacts, LeafFacts, ParentFacts, TableFacts } from "../../planning/facts.ts";
import type { Step, TablePlan } from "../../planning/step.ts";
import { overlap, type Span } from "../../axis/span.ts";
import { tableOf } from "../../policy.ts";
import { refusePublishedDrain, refuseSubscribed } from "../../survey/publications.ts";
import { drainedMax } from "./facts.ts";

/** Says whether a default partition holds more than the attach of missing partitions can move. */
export function needsDrain(
  facts: TableFacts,
  reading: Reading,
  missing: readonly Span[],
): boolean {
  const { drain } = facts;
  if (!drain || drain.spans.length === 0 || !reading.defaultLeaf) return false;
  if (reading.defaultLeaf.bytes > scannedBytesMax) return true;
  return drain.spans.some((span) => {
    const attached = missing.find((one) => overlap(one, span));
    return !attached || (facts.defaultRows.get(attached.from) ?? 0) > drainMax;
  });
}

/**
 * Returns the ranges that a drain makes partitions for: those with rows, and, where the default is too large to be scanned
 * by an attach, missing ones up to the limit of one drain.
 */
function drainedSpans(
  facts: TableFacts,
  reading: Reading,
  missing: readonly Span[],
): Span[] {
  const spans = facts.drain?.spans ?? [];
  if ((reading.defaultLeaf?.bytes ?? 0) <= scannedBytesMax) return spans.slice(0, drainedMax);
  const taken = [...spans, ...(facts.drain?.refused ?? []).map(({ span }) => span)];
  const others = missing.filter((one) => !taken.some((span) => overlap(span, one)));
  return [...spans, ...others].slice(0, drainedMax);
}

/** Returns why the default partition cannot be drained; undefined when it can. */
function refusal(
  { policy, published, drainFailure }: TableFacts,
  drain: DrainFacts,
  parent: ParentFacts,
  { schema }: LeafFacts,
): string | undefined {
  if (policy.sub_interval !== null) return "its partitions would be partitioned themselves";
  if (schema !== policy.schema) return "it is in another schema than its table";
  const [reference] = parent.referencedBy;
  if (reference) {
    return `${reference.schema}.${reference.table} refers to it (foreign key "${reference.name}")`;
  }
  if (parent.forceRowSecurity) return "its row security is forced, also for Holdfast";
  if (parent.replicaIdentity === "i") return "its replica identity is an index";
  // Postgres does not recognise such an index of a table that is attached, and would build another under the lock.
  const apart = drain.facts.constraints.find(({ type, period }) => type === "x" || period);
  if (apart) {
    return `its constraint "${apart.name}" (${apart.definition}) would have to be rebuilt while writers wait; move the rows out by hand`;
  }
  const publication = refusePublishedDrain(published?.publications ?? [], schema);
  if (publication !== undefined) return publication;
  const [subscribed] = refuseSubscribed(drain.subscriptions);
  if (subscribed !== undefined) return subscribed;
  const [taken] = drain.taken;
  if (taken !== undefined) return `the name ${taken} is taken; rename that table`;
  if (!identityOf(drain.facts)) {
    return "it has no primary key and no unique index over columns that are not null: changed rows could not be told apart";
  }
  return drainFailure?.signature === drain.signature
    ? `the attempt of ${drainFailure.at} failed (${drainFailure.reason}). It is tried again once the table has changed, or by POST /api/partitions/plan and apply for this table`
    : undefined;
}

/** Returns the leaves for these ranges, or why one of them cannot be made. */
function planLeaves(
  facts: TableFacts,
  reading: Reading,
  parent: ParentFacts,
  spans: readonly Span[],
): { leaves: NewLeaf[]; problem?: string } {
  const names = new Set<string>();
  const leaves: NewLeaf[] = [];
  for (const span of spans) {
    const name = chooseName(facts, reading, span, names);
    const { use, problem } = useOfName(facts, reading, name, span, false);
    if (names.has(name) || use !== "new") {
      return { leaves: [], problem: problem ?? `${name} exists already` };
    }
    names.add(name);
    leaves.push(newLeaf(facts, reading, parent, span, name));
  }
  return { leaves };
}

function drainStep(
  facts: TableFacts,
  drain: DrainFacts,
  parent: ParentFacts,
  defaultLeaf: LeafFacts,
  leaves: readonly NewLeaf[],
): Step {
  const rewrite = drainStatements({
    parent: facts.policy,
    defaultLeaf: { schema: defaultLeaf.schema, table: defaultLeaf.name },
    defaultOid: defaultLeaf.oid,
    facts: drain.facts,
    doubts: drain.doubts,
    template: templateOf(facts, parent),
    leaves,
    identity: identityOf(drain.facts) ?? [],
    signature: drain.signature,
  });
  const swapped = [facts.policy, rewrite.spec.source];
  return {
    action: "drain",
    table: tableOf(facts.policy),
    parent: facts.policy,
    partition: { schema: defaultLeaf.schema, name: defaultLeaf.name },
    statements: describeRewrite(rewrite, swapped).map(({ sql, lock }) => ({ sql, lock })),
    reason:
      `rows of ${leaves.length} ranges are in the default; they go into partitions of their own, in batches`,
    transaction: true,
    heavy: true,
    estimate: {
      rows: defaultLeaf.rows_estimate ?? 0,
      bytes: defaultLeaf.bytes,
      seconds: 1 + defaultLeaf.bytes / 5e6,
    },
    oid: defaultLeaf.oid,
    drain: { begin: rewrite.begin.map(({ sql }) => sql), spec: rewrite.spec },
  };
}

/** Plans the drain of a default partition: its rows go into partitions of their own while readers and writers work on. */
export function planDrain(
  facts: TableFacts,
  reading: Reading,
  parent: ParentFacts,
  missing: readonly Span[],
): TablePlan {
  const { drain } = facts;
  const { defaultLeaf } = reading;
  if (!drain || !defaultLeaf) return { steps: [], skipped: [], warnings: [] };
  const table = tableOf(facts.policy);
  const full = `${defaultLeaf.schema}.${defaultLeaf.name}`;
  const skip = (why: string): TablePlan => ({
    steps: [],
    skipped: [{ table, reason: `the default ${full} is not drained: ${why}` }],
    warnings: [],
  });
  const refused = refusal(facts, drain, parent, defaultLeaf);
  if (refused !== undefined) return skip(refused);
  const spans = drainedSpans(facts, reading, missing);
  const { leaves, problem } = planLeaves(facts, reading, parent, spans);
  if (problem !== undefined) return skip(problem);
  return {
    steps: [drainStep(facts, drain, parent, defaultLeaf, leaves)],
    skipped: [],
    warnings: drain.more
      ? [
        `the default ${full} holds rows of more than ${drainedMax} ranges: the others are drained after these`,
      ]
      : [],
  };
}

/** Returns the missing ranges that a drain does not make partitions for. */
export function besidesDrain(
  facts: TableFacts,
  reading: Reading,
  missing: readonly Span[],
): Span[] {
  const drained = drainedSpans(facts, reading, missing);
  return missing.filter((one) => !drained.some((span) => overlap(span, one)));
}
