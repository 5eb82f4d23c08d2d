import { identityOf } from "../convert/refusals.ts";
import { describeMove } from "../convert/plan.ts";
import {
  chooseName,
  drainMax,
  newLeaf,
  scannedBytesMax,
  templateOf,
  useOfName,
} from "../../planning/attaching.ts";
import type { Reading } from "../../planning/cover.ts";
import type { ParentFacts, TableFacts } from "../../planning/facts.ts";
import type { Step, TablePlan } from "../../planning/step.ts";
import type { Span } from "../../axis/span.ts";
import { tableOf } from "../../policy.ts";
import { refusePublishedDrain, refuseSubscribed } from "../../survey/publications.ts";
import { drainedMax } from "./facts.ts";
import { drainStatements } from "./statements.ts";

const overlap = (a: Span, b: Span) => a.from < b.to && b.from < a.to;

/** Whether a default partition holds more than the attach of what is missing can take along. */
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
 * The ranges that a drain makes partitions for: those with rows, and, where the default is too large to be scanned by
 * an attach, what is missing while there is room.
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

function refusal(
  facts: TableFacts,
  parent: ParentFacts,
  { schema }: { schema: string },
): string | undefined {
  if (facts.policy.sub_interval !== null) return "its partitions would be partitioned themselves";
  if (schema !== facts.policy.schema) return "it stands in another schema than its table";
  const [reference] = parent.referencedBy;
  if (reference) {
    return `${reference.schema}.${reference.table} refers to it (foreign key "${reference.name}")`;
  }
  if (parent.forceRowSecurity) return "its row security is forced, on Holdfast too";
  if (parent.replicaIdentity === "i") return "its replica identity is an index";
  // Postgres does not recognise such an index of a table that is attached, and would build another under the lock.
  const apart = facts.drain?.facts.constraints.find(({ type, period }) => type === "x" || period);
  if (apart) {
    return `its constraint "${apart.name}" (${apart.definition}) would have to be built anew while writers wait; move the rows out by hand`;
  }
  const published = refusePublishedDrain(facts.published?.publications ?? [], schema);
  if (published !== undefined) return published;
  const [subscribed] = refuseSubscribed(facts.drain?.subscriptions ?? []);
  if (subscribed !== undefined) return subscribed;
  const [taken] = facts.drain?.taken ?? [];
  if (taken !== undefined) return `the name ${taken} is taken; rename what has it`;
  return facts.drain && identityOf(facts.drain.facts)
    ? undefined
    : "it has no primary key and no unique index over columns that are not null: changed rows could not be told apart";
}

/** Plans the drain of a default partition: its rows go into partitions of their own, and nobody sees it. */
export function planDrain(
  facts: TableFacts,
  reading: Reading,
  parent: ParentFacts,
  missing: readonly Span[],
): TablePlan {
  const plan: TablePlan = { steps: [], skipped: [], warnings: [] };
  const { drain } = facts;
  const { defaultLeaf } = reading;
  if (!drain || !defaultLeaf) return plan;
  const table = tableOf(facts.policy);
  const full = `${defaultLeaf.schema}.${defaultLeaf.name}`;
  const refused = refusal(facts, parent, defaultLeaf);
  if (refused !== undefined) {
    plan.skipped.push({ table, reason: `the default ${full} is not drained: ${refused}` });
    return plan;
  }
  const { drainFailure } = facts;
  if (drainFailure?.signature === drain.signature) {
    plan.skipped.push({
      table,
      reason:
        `the default ${full} is not drained: the attempt of ${drainFailure.at} failed (${drainFailure.reason}). It is tried again once the table has changed, or by POST /api/partitions/plan and apply for this table`,
    });
    return plan;
  }
  const names = new Set<string>();
  const leaves = [];
  for (const span of drainedSpans(facts, reading, missing)) {
    const name = chooseName(facts, reading, span, names);
    const { use, problem } = useOfName(facts, reading, name, span, false);
    if (names.has(name) || use !== "new") {
      plan.skipped.push({
        table,
        reason: `the default ${full} is not drained: ${problem ?? `${name} exists already`}`,
      });
      return plan;
    }
    names.add(name);
    leaves.push(newLeaf(facts, reading, parent, span, name));
  }
  const { begin, spec } = drainStatements({
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
  const swapped = [facts.policy, spec.source];
  if (drain.more) {
    plan.warnings.push(
      `the default ${full} holds rows of more than ${drainedMax} ranges: the others are drained after these`,
    );
  }
  plan.steps.push(
    {
      action: "drain",
      table,
      partition: { schema: defaultLeaf.schema, name: defaultLeaf.name },
      statements: describeMove(begin, spec, swapped).map(({ sql, lock }) => ({ sql, lock })),
      reason:
        `rows of ${leaves.length} ranges lie in the default; they go into partitions of their own, in batches`,
      transaction: true,
      heavy: true,
      estimate: {
        rows: defaultLeaf.rows_estimate ?? 0,
        bytes: defaultLeaf.bytes,
        seconds: 1 + defaultLeaf.bytes / 5e6,
      },
      oid: defaultLeaf.oid,
      drain: { begin: begin.map(({ sql }) => sql), spec },
    } satisfies Step,
  );
  return plan;
}

/** What is left to be attached when a drain takes the rest. */
export function besidesDrain(
  facts: TableFacts,
  reading: Reading,
  missing: readonly Span[],
): Span[] {
  const drained = drainedSpans(facts, reading, missing);
  return missing.filter((one) => !drained.some((span) => overlap(span, one)));
}
