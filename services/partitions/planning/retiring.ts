import {
  type DetachMode,
  detachStatement,
  dropStatement,
  moveStatement,
  readStatement,
} from "../../../db/partitions/ddl.ts";
import { parseInterval } from "../axis/interval.ts";
import { subtractInterval } from "../axis/grid.ts";
import { openZone } from "../axis/zone.ts";
import { tableOf } from "../policy.ts";
import { expiredLeaves, type Reading, type ReadLeaf } from "./cover.ts";
import type { DetachedFacts, LeafFacts, PlanContext, TableFacts } from "./facts.ts";
import { freshFirst, stillUnproven } from "./prospects.ts";
import { sealingStatements } from "./sealing.ts";
import type { Step, TablePlan } from "./step.ts";

const emptyPlan = (): Required<TablePlan> => ({
  steps: [],
  skipped: [],
  warnings: [],
  refused: [],
});
/** At most so many archives of a table are in one plan: each takes long, and premaking must not wait. */
const archivesTogether = 4;
const noEstimate = { rows: 0, bytes: 0, seconds: 0.05 };
const full = ({ schema, name }: { schema: string; name: string }) => `${schema}.${name}`;
const asTable = ({ schema, name }: { schema: string; name: string }) => ({ schema, table: name });

function detachStep(facts: TableFacts, reading: Reading, leaf: ReadLeaf): Step {
  const { policy } = facts;
  const keep = policy.retention?.keep ?? "";
  const { defaultLeaf } = reading;
  const distributed = facts.parent?.distributed === true;
  const blocking = distributed || defaultLeaf !== undefined;
  const mode: DetachMode = blocking ? "blocking" : "concurrently";
  const table = tableOf(policy);
  const locked = [table, full(leaf), ...(defaultLeaf ? [full(defaultLeaf)] : [])];
  const held = `ACCESS EXCLUSIVE on ${locked.slice(0, -1).join(", ")} and ${locked.at(-1)}`;
  return {
    action: "detach",
    table,
    parent: policy,
    partition: { schema: leaf.schema, name: leaf.name },
    statements: [{
      sql: detachStatement(policy, asTable(leaf), mode),
      lock: blocking
        ? distributed ? `${held}, and on their shards` : held
        : `SHARE UPDATE EXCLUSIVE on ${table}; once the transactions that use it have ended, ACCESS EXCLUSIVE on ${
          full(leaf)
        }`,
    }],
    reason: `older than ${keep}`,
    transaction: blocking,
    heavy: blocking,
    ...(distributed ? { distributed } : {}),
    estimate: { rows: leaf.rows_estimate ?? 0, bytes: leaf.bytes, seconds: 0.05 },
    bound: leaf.bound ?? "",
    oid: leaf.oid,
    retention: policy.retention?.action ?? "detach",
    policy,
  };
}

function describeBlockers(facts: TableFacts, leaf: LeafFacts): string | undefined {
  const blockers = (facts.blockers.get(leaf.oid) ?? []).filter(({ rows }) => rows !== 0);
  if (blockers.length === 0) return undefined;
  const counts = blockers.map(({ constraint, table, rows, why }) =>
    rows === null
      ? `${table} (${constraint}) could not be counted (${
        why ?? "its columns do not hold the partition key"
      })`
      : `${rows >= 1_000 ? "1000 or more" : rows} rows of ${table} (${constraint})`
  );
  return `${full(leaf)} is kept: ${counts.join(", ")} refer to it`;
}

/** Returns why a restored leaf is not retired yet; undefined when it may be. */
function describeHold(facts: TableFacts, leaf: LeafFacts, nowUs: bigint): string | undefined {
  const known = facts.sealed?.get(leaf.oid);
  const until = known?.ended ? null : known?.heldUntil;
  return until && BigInt(Date.parse(until)) * 1_000n > nowUs
    ? `${full(leaf)} is kept until ${until}: it was restored from its archive`
    : undefined;
}

/**
 * Returns why retention keeps a leaf whose rows it can neither read nor count: detached, they would be missing from the
 * table and could not be archived. A detach alone loses nothing.
 */
function describeOdd(
  { odd, policy }: TableFacts,
  leaf: { oid: number; schema: string; name: string; partitioned?: boolean },
) {
  const action = policy.retention?.action;
  // Sealing and archiving read the rows of one table.
  const oddity = odd?.get(leaf.oid) ??
    (leaf.partitioned && action === "archive-then-drop" ? "is partitioned itself" : undefined);
  if (oddity === undefined || action !== "drop" && action !== "archive-then-drop") return undefined;
  return `${full(leaf)} is kept, and not ${
    action === "drop" ? "dropped" : "archived"
  }: it ${oddity}`;
}

/** Plans to finish interrupted detaches: until then rows are hidden and no other detach may begin. */
export function planFinalize(facts: TableFacts, reading: Reading): TablePlan {
  const plan = emptyPlan();
  const table = tableOf(facts.policy);
  for (const leaf of reading.leaves.filter(({ pending }) => pending)) {
    plan.steps.push({
      action: "finalize",
      table,
      parent: facts.policy,
      partition: { schema: leaf.schema, name: leaf.name },
      statements: [{
        sql: detachStatement(facts.policy, asTable(leaf), "finalize"),
        lock: `SHARE UPDATE EXCLUSIVE on ${table}, ACCESS EXCLUSIVE on ${full(leaf)}`,
      }],
      reason: "finish an interrupted detach",
      transaction: false,
      heavy: false,
      estimate: noEstimate,
      oid: leaf.oid,
      bound: leaf.bound ?? "",
    });
  }
  return plan;
}

/** Plans to detach leaves older than the retention. A leaf that others refer to stays, with the reason. */
export function planDetaches(
  facts: TableFacts,
  reading: Reading,
  { nowUs }: PlanContext,
): TablePlan {
  const plan = emptyPlan();
  for (const leaf of expiredLeaves(facts, reading)) {
    const odd = describeOdd(facts, leaf);
    if (odd !== undefined) plan.refused.push({ partition: full(leaf), reason: odd });
    const blocked = odd ?? describeHold(facts, leaf, nowUs) ?? describeBlockers(facts, leaf);
    if (blocked === undefined) plan.steps.push(detachStep(facts, reading, leaf));
    else plan.skipped.push({ table: tableOf(facts.policy), reason: blocked });
  }
  if (facts.parent?.distributed && plan.steps.length > 0) {
    plan.warnings.push(
      "Citus detaches no partition concurrently: each detach takes " +
        `ACCESS EXCLUSIVE on ${
          tableOf(facts.policy)
        } and its shards for a moment, and gives up after 100 ms`,
    );
  } else if (reading.defaultLeaf && plan.steps.length > 0) {
    plan.warnings.push(
      `the default ${
        full(reading.defaultLeaf)
      } forbids detaching concurrently: each detach takes ` +
        `ACCESS EXCLUSIVE on ${tableOf(facts.policy)} for a moment, and gives up after 100 ms`,
    );
  }
  return plan;
}

function dropStep(facts: TableFacts, leaf: DetachedFacts): Step {
  const others = leaf.references.map((name) => `, and on ${name} for its foreign key`).join("");
  return {
    action: "drop",
    table: tableOf(facts.policy),
    parent: facts.policy,
    partition: { schema: leaf.schema, name: leaf.name },
    statements: [{
      sql: dropStatement(asTable(leaf)),
      lock: `ACCESS EXCLUSIVE on ${full(leaf)}, which is detached${others}`,
    }],
    reason: `detached longer than ${facts.policy.cooldown} ago`,
    transaction: true,
    heavy: leaf.references.length > 0,
    estimate: noEstimate,
    oid: leaf.oid,
    detached: leaf,
    policy: facts.policy,
  };
}

function moveStep(facts: TableFacts, leaf: DetachedFacts, schema: string): Step {
  return {
    action: "move",
    table: tableOf(facts.policy),
    parent: facts.policy,
    partition: { schema: leaf.schema, name: leaf.name },
    statements: [{
      sql: moveStatement(asTable(leaf), schema),
      lock: `ACCESS EXCLUSIVE on ${full(leaf)}, which is detached`,
    }],
    reason: `retention moves it to ${schema}`,
    transaction: true,
    heavy: false,
    estimate: noEstimate,
    oid: leaf.oid,
    detached: leaf,
    policy: facts.policy,
  };
}

function isSealed({ sealed }: TableFacts, oid: number): boolean {
  const known = sealed?.get(oid);
  return known !== undefined && known.sealedAt !== null && !known.ended;
}

const readStep = (leaf: DetachedFacts) => ({
  sql: readStatement(asTable(leaf)),
  lock: `ACCESS SHARE on ${full(leaf)}, which is detached`,
});

function archiveStep(facts: TableFacts, leaf: DetachedFacts): Step {
  return {
    action: "archive",
    table: tableOf(facts.policy),
    parent: facts.policy,
    partition: { schema: leaf.schema, name: leaf.name },
    statements: isSealed(facts, leaf.oid) ? [readStep(leaf)] : [
      ...sealingStatements(leaf),
      readStep(leaf),
    ],
    reason:
      "retention archives it before the drop: it is sealed, written to a Parquet file, and the file is read back and compared",
    transaction: false,
    heavy: true,
    estimate: noEstimate,
    oid: leaf.oid,
    bound: leaf.bound,
    key: facts.policy.key,
    detached: leaf,
  };
}

/** Says whether the cool-down of a detached leaf is over; that of a detach just found starts now. */
function isCool(facts: TableFacts, leaf: DetachedFacts, { nowUs }: PlanContext): boolean {
  if (leaf.detachedAt === null) return false;
  const zone = openZone(facts.policy.time_zone);
  const limit = subtractInterval(nowUs, parseInterval(facts.policy.cooldown), zone);
  return BigInt(Date.parse(leaf.detachedAt)) * 1_000n <= limit;
}

/** Plans what follows for detached leaves: moved at once, archived, dropped after the cool-down, or kept. */
export function planDetached(facts: TableFacts, context: PlanContext): TablePlan {
  const plan = emptyPlan();
  const table = tableOf(facts.policy);
  const unarchived: DetachedFacts[] = [];
  for (const leaf of facts.detached) {
    if (!leaf.present || leaf.present.attached || leaf.action === "detach") continue;
    // If the policy has changed since, nothing more happens to the leaf.
    if (facts.policy.retention?.action !== leaf.action) continue;
    if (leaf.present.oid !== leaf.oid) {
      plan.warnings.push(
        `${full(leaf)} is not the table that was detached under this name; it is not changed`,
      );
      continue;
    }
    if (leaf.action === "move") {
      const { schema } = facts.policy.retention;
      if (schema !== undefined) plan.steps.push(moveStep(facts, leaf, schema));
      continue;
    }
    const odd = describeOdd(facts, leaf);
    if (odd !== undefined) {
      plan.refused.push({ partition: full(leaf), reason: odd });
      plan.skipped.push({ table, reason: odd });
    } else if (leaf.action === "archive-then-drop" && leaf.archivedAt === null) {
      unarchived.push(leaf);
    } else if (leaf.referencedBy.length > 0) {
      plan.skipped.push({
        table,
        reason: `${full(leaf)} is kept: ${leaf.referencedBy.join(", ")} refer to it`,
      });
    } else if (isCool(facts, leaf, context)) {
      plan.steps.push(dropStep(facts, leaf));
    }
  }
  const inOrder = freshFirst(facts, unarchived);
  const left = inOrder.splice(archivesTogether);
  plan.steps.push(...inOrder.map((leaf) => archiveStep(facts, leaf)));
  plan.refused.push(...stillUnproven(facts, left));
  if (left.length > 0) {
    plan.warnings.push(`${left.length} more leaves are to be archived after these`);
  }
  return plan;
}
