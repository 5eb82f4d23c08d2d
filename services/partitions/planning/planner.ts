import { createHash } from "node:crypto";
import { grantCreate, grantMembership } from "../../../db/partitions/remedies.ts";
import { HoldfastError, messageOf } from "../../../errors.ts";
import { parseBound } from "../axis/bound.ts";
import { highest, overlap, type Span } from "../axis/span.ts";
import { tableOf } from "../policy.ts";
import { besidesDrain, needsDrain, planDrain } from "../rewrite/drain/plan.ts";
import { planAttaches } from "./attaching.ts";
import { missingSpans, type Reading, readTable } from "./cover.ts";
import type { ParentFacts, PlanContext, TableFacts } from "./facts.ts";
import { refuseGiving } from "./owner.ts";
import { planDetached, planDetaches, planFinalize } from "./retiring.ts";
import { planSeals } from "./sealing.ts";
import type { Refused, Skipped, Step, TablePlan } from "./step.ts";
import { countLeaves, fitting, leavesOfSpans } from "./subdividing.ts";
import { isWindowOpen } from "./windows.ts";

export interface Plan {
  steps: Step[];
  /** What the plan leaves out, and why. */
  skipped: Skipped[];
  warnings: Skipped[];
  /** Steps that are not done without being confirmed. */
  held?: ReadonlySet<Step>;
  /** Leaves whose rows cannot be read and counted here: retention keeps them. */
  refused: (Refused & { table: string })[];
  digest: string;
}

/** From this number on, planning a query without pruning takes tens of milliseconds. */
const manyPartitions = 1_000;

/** Returns why a table cannot be managed by its policy; undefined when it can. */
function refusal(facts: TableFacts): string | undefined {
  const { parent, problem } = facts;
  if (problem !== undefined || !parent) return problem ?? "is not there";
  if (!parent.owns) {
    return `the role ${parent.role} must own it or be a member of ${parent.owner}: ${
      grantMembership(parent.owner, parent.role)
    }`;
  }
  return undefined;
}

/** Plans what can be made during a drain: leaves that the drain does not make, and that the default holds no rows of. */
function planBeside(
  facts: TableFacts,
  reading: Reading,
  parent: ParentFacts,
  plan: TablePlan,
  missing: readonly Span[],
): TablePlan {
  const ranges = facts.drainRanges?.map(({ from, to }) =>
    parseBound(`FOR VALUES FROM (${from}) TO (${to})`, reading.axis.codec)
  );
  const taken = ranges?.flatMap((read) => read.kind === "range" ? [read.span] : []);
  const free = missing.filter((span) =>
    taken?.length === ranges?.length && !taken?.some((one) => overlap(one, span)) &&
    taken !== undefined && (facts.defaultRows.get(span.from) ?? 0) === 0
  );
  const attaches = planAttaches(facts, reading, parent, free, {
    reason: "premake",
    mayReattach: false,
  });
  const waiting = missing.length - free.length;
  return {
    steps: attaches.steps,
    skipped: [...plan.skipped, ...attaches.skipped],
    warnings: [
      ...plan.warnings,
      `its default partition is being drained (${facts.draining})${
        waiting > 0
          ? `: ${waiting} missing partitions come with it or after it, for it makes them or the default holds rows of them`
          : ""
      }`,
      ...attaches.warnings,
    ],
  };
}

/** Returns why no leaf can be made; empty when nothing is in the way. */
function premakeObstacles({ policy }: TableFacts, reading: Reading, parent: ParentFacts): string[] {
  const { schema, key } = policy;
  if (!parent.mayCreate) {
    return [
      `the role ${parent.role} may not create tables: ${grantCreate(schema, parent.role)}`,
    ];
  }
  const ungiven = refuseGiving({ ...parent, schema });
  if (ungiven.length > 0) return ungiven;
  const list = (leaves: readonly { name: string }[]) =>
    leaves.map(({ name }) => name).slice(0, 5).join(", ");
  if (reading.unknown.length > 0) {
    return [
      `nothing is made while the bounds of ${
        list(reading.unknown)
      } are unknown: another session holds them exclusively`,
    ];
  }
  const foreign = reading.leaves.filter(({ read }) => read.kind === "foreign");
  if (foreign.length > 0) {
    return [
      `nothing is made while the bounds of ${
        list(foreign)
      } are unknown: they are not of the key ${key} alone`,
    ];
  }
  return [];
}

/** Returns the first missing spans, as many as the limit of partitions allows, with a warning when it leaves some out. */
function withinLimit(
  { policy, leaves }: TableFacts,
  missing: readonly Span[],
  { maxPartitions }: PlanContext,
): { spans: Span[]; warnings: string[] } {
  const present = countLeaves(leaves);
  const spans = fitting(policy, missing, Math.max(0, maxPartitions - present));
  if (missing.length === spans.length) return { spans, warnings: [] };
  const needed = leavesOfSpans(policy, missing);
  const made = leavesOfSpans(policy, spans);
  const warning =
    `needs ${needed} more partitions and has ${present} of at most ${maxPartitions}: ${made} are made; lengthen the interval, or shorten what is kept`;
  return { spans, warnings: [warning] };
}

/** Plans what a table lacks: attaches, and the drain of its default partition when a window is `open`. */
function planPremake(
  facts: TableFacts,
  reading: Reading,
  parent: ParentFacts,
  context: PlanContext,
  open: boolean,
): TablePlan {
  const table = tableOf(facts.policy);
  const missing = missingSpans(facts, reading, context);
  const drains = needsDrain(facts, reading, missing);
  // Refused rows of missing ranges are reported by planAttaches.
  const refused = (facts.drain?.refused ?? [])
    .filter(({ span }) => !missing.some((one) => overlap(one, span)))
    .map(({ reason }) => reason);
  const skipped = [...refused, ...facts.drain?.unplaced ?? []]
    .map((reason) => ({ table, reason }));
  if (missing.length === 0 && !drains) return { steps: [], skipped, warnings: [] };
  const obstacles = premakeObstacles(facts, reading, parent);
  if (obstacles.length > 0) {
    skipped.push(...obstacles.map((reason) => ({ table, reason })));
    return { steps: [], skipped, warnings: [] };
  }
  const { spans, warnings } = withinLimit(facts, missing, context);
  const plan = { steps: [], skipped, warnings };
  if (facts.draining !== undefined) return planBeside(facts, reading, parent, plan, spans);
  const drain = drains
    ? planDrain(facts, reading, parent, spans)
    : { steps: [], skipped: [], warnings: [] };
  const left = drain.steps.length > 0 ? besidesDrain(facts, reading, spans) : spans;
  const attaches = planAttaches(facts, reading, parent, left, {
    reason: "premake",
    mayReattach: true,
  });
  return {
    steps: [...attaches.steps, ...(open ? drain.steps : [])],
    skipped: [...skipped, ...attaches.skipped, ...drain.skipped],
    warnings: [
      ...warnings,
      ...attaches.warnings,
      ...drain.warnings,
      ...(!open && drain.steps.length > 0 ? ["a drain waits for the maintenance window"] : []),
    ],
  };
}

/** Returns what is unusual about a table's partitions. */
function tableWarnings({ policy }: TableFacts, reading: Reading): string[] {
  const { leaves, defaultLeaf, spans, unknown } = reading;
  const count = countLeaves(leaves);
  return [
    ...(defaultLeaf
      ? [
        `${defaultLeaf.schema}.${defaultLeaf.name} is a default partition: each attach locks and scans it, and detaching concurrently is impossible`,
      ]
      : []),
    ...(count > manyPartitions
      ? [`has ${count} partitions: queries without a condition on the key plan slowly`]
      : []),
    ...(spans.some(({ to }) => to === highest)
      ? ["a leaf has no upper end: nothing can be made ahead of it"]
      : []),
    ...(unknown.length > 0
      ? [`${unknown.length} leaves are locked: their bounds are unknown`]
      : []),
    ...(policy.sub_interval === null && leaves.some(({ partitioned }) => partitioned)
      ? ["some leaves are partitioned themselves; new ones are not"]
      : []),
  ];
}

/** Returns why a table cannot be planned or reported on: a policy that was written by hand may have any shape. */
export const unusable = (error: unknown): string =>
  error instanceof HoldfastError
    ? error.message
    : `its policy cannot be used (${messageOf(error)})`;

/** Plans one table: what it lacks first, the heavier locks last. An invalid policy is skipped with the reason. */
export function planTable(facts: TableFacts, context: PlanContext): TablePlan {
  try {
    return planSoundTable(facts, context);
  } catch (error) {
    const skipped = [{ table: tableOf(facts.policy), reason: unusable(error) }];
    return { steps: [], skipped, warnings: [] };
  }
}

function planSoundTable(facts: TableFacts, context: PlanContext): TablePlan {
  const table = tableOf(facts.policy);
  const refused = refusal(facts);
  if (refused !== undefined || !facts.parent) {
    return { steps: [], skipped: [{ table, reason: refused ?? "is not there" }], warnings: [] };
  }
  const reading = readTable(facts, context.nowUs);
  const open = isWindowOpen(facts.policy.windows, facts.policy.time_zone, context.nowUs);
  const detaches = planDetaches(facts, reading, context);
  const leaving = new Set(detaches.steps.flatMap(({ oid }) => oid ?? []));
  const retiring = [
    detaches,
    planSeals(facts, reading, context, leaving),
    planDetached(facts, context),
  ];
  const waiting = retiring.reduce((count, { steps }) => count + steps.length, 0);
  const parts = [
    planFinalize(facts, reading),
    planPremake(facts, reading, facts.parent, context, open),
    ...(open ? retiring : retiring.map((part) => ({ ...part, steps: [] }))),
  ];
  return {
    steps: parts.flatMap(({ steps }) => steps),
    skipped: parts.flatMap(({ skipped }) => skipped),
    refused: parts.flatMap(({ refused = [] }) => refused),
    warnings: [
      ...tableWarnings(facts, reading),
      ...parts.flatMap(({ warnings }) => warnings),
      ...(!open && waiting > 0 ? [`${waiting} steps wait for the maintenance window`] : []),
    ],
  };
}

/** Returns a digest of the policies, the parts of the catalogue that the plan depends on, and the statements. */
function digestOf(tables: readonly TableFacts[], steps: readonly Step[]): string {
  const hash = createHash("sha256");
  for (const { policy, parent, leaves } of tables) {
    hash.update(JSON.stringify([policy, parent?.oid ?? null]));
    for (const { oid, bound, pending } of leaves) hash.update(`${oid} ${bound} ${pending}\n`);
  }
  for (const step of steps) {
    hash.update(JSON.stringify([step.action, step.oid ?? null]));
    for (const { sql } of step.statements) hash.update(`${sql}\n`);
  }
  return hash.digest("hex");
}

const order = ["finalize", "attach", "drain", "detach", "seal", "archive", "move", "drop"];

/** Plans all tables: for each what it lacks, then for each what it retires. Pure: facts and clock in, plan out. */
export function planAll(tables: readonly TableFacts[], context: PlanContext): Plan {
  const enabled = tables.filter(({ policy }) => policy.enabled);
  const plans = enabled.map((facts) => ({
    table: tableOf(facts.policy),
    ...planTable(facts, context),
  }));
  const rank = (step: Step) => Math.max(1, order.indexOf(step.action));
  const steps = plans.flatMap((plan) => plan.steps)
    .map((step, at) => ({ step, at }))
    .sort((a, b) => rank(a.step) - rank(b.step) || a.at - b.at)
    .map(({ step }) => step);
  return {
    steps,
    skipped: plans.flatMap(({ skipped }) => skipped),
    warnings: plans.flatMap(({ table, warnings }) => warnings.map((reason) => ({ table, reason }))),
    refused: plans.flatMap(({ table, refused = [] }) => refused.map((one) => ({ table, ...one }))),
    digest: digestOf(enabled, steps),
  };
}
