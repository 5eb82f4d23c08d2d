import { sealStatements, vacuumStatement } from "../../../db/partitions/proof/sealed.ts";
import { lowest } from "../axis/span.ts";
import { tableOf } from "../policy.ts";
import type { Reading, ReadLeaf } from "./cover.ts";
import type { LeafFacts, PlanContext, TableFacts } from "./facts.ts";
import { freshFirst, stillUnproven } from "./prospects.ts";
import type { PlannedStatement, Step, TablePlan } from "./step.ts";

const dayUs = 86_400_000_000n;
/** At most so many seals of a table are in one plan: each reads all rows of its leaf, and premaking must not wait. */
const sealsTogether = 20;
const sealSeconds = 120;

/** Returns the write horizon: leaves that end before it get no more late rows. */
function writeHorizon({ axis, present }: Reading, { nowUs, horizonDays }: PlanContext): bigint {
  const horizon = axis.atInstant(nowUs - BigInt(horizonDays) * dayUs);
  if (horizon !== undefined || present === undefined) return horizon ?? lowest;
  // It is not known how late ids arrive: one slot is left in between.
  return axis.grid.slotOf(axis.grid.slotOf(present).from - 1n).from;
}

/** Returns the statements of a seal: the triggers that refuse writes, and a last vacuum. */
export function sealingStatements(leaf: { schema: string; name: string }): PlannedStatement[] {
  const table = { schema: leaf.schema, table: leaf.name };
  return [...sealStatements(table), vacuumStatement(table)];
}

function sealStep(facts: TableFacts, leaf: LeafFacts): Step {
  return {
    action: "seal",
    table: tableOf(facts.policy),
    parent: facts.policy,
    partition: { schema: leaf.schema, name: leaf.name },
    statements: sealingStatements(leaf),
    reason: facts.sealed?.get(leaf.oid)?.ended === false
      ? "finish an interrupted seal"
      : "past the write horizon: it takes no more rows; its content is hashed and stored",
    transaction: false,
    heavy: true,
    estimate: {
      rows: leaf.rows_estimate ?? 0,
      bytes: leaf.bytes,
      // Half a million rows a second are hashed, measured on two cores.
      seconds: 0.1 + (leaf.rows_estimate ?? 0) / 500_000,
    },
    oid: leaf.oid,
    bound: leaf.bound ?? "",
    key: facts.policy.key,
  };
}

/**
 * Plans the seals of leaves past the write horizon, oldest first, and of those whose seal was interrupted, whatever the
 * policy is now.
 */
export function planSeals(
  facts: TableFacts,
  reading: Reading,
  context: PlanContext,
  leaving: ReadonlySet<number>,
): TablePlan {
  const limit = writeHorizon(reading, context);
  const end = ({ read }: ReadLeaf) => read.kind === "range" ? read.span.to : undefined;
  const due = reading.leaves.filter((leaf) => {
    const to = end(leaf);
    if (to === undefined || leaf.pending || leaf.partitioned || leaving.has(leaf.oid)) return false;
    const known = facts.sealed?.get(leaf.oid);
    if (known && !known.ended) return known.sealedAt === null;
    if (known?.heldUntil && BigInt(Date.parse(known.heldUntil)) * 1_000n > context.nowUs) {
      return false;
    }
    return facts.policy.seal && to <= limit;
  }).sort((a, b) => (end(a) ?? 0n) < (end(b) ?? 0n) ? -1 : 1);
  const steps: Step[] = [];
  const odd = due.filter(({ oid }) => facts.odd?.has(oid));
  const refused = odd.map((leaf) => ({
    partition: `${leaf.schema}.${leaf.name}`,
    reason: `${leaf.schema}.${leaf.name} is not sealed: it ${facts.odd?.get(leaf.oid)}`,
  }));
  const inOrder = freshFirst(facts, due.filter((one) => !odd.includes(one)));
  let seconds = 0;
  for (const leaf of inOrder.slice(0, sealsTogether)) {
    if (seconds >= sealSeconds) break;
    const step = sealStep(facts, leaf);
    seconds += step.estimate.seconds;
    steps.push(step);
  }
  const left = inOrder.slice(steps.length);
  return {
    steps,
    refused: [...refused, ...stillUnproven(facts, left)],
    skipped: refused.map(({ reason }) => ({ table: tableOf(facts.policy), reason })),
    warnings: left.length > 0 ? [`${left.length} more leaves are to be sealed after these`] : [],
  };
}
