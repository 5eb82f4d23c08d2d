import { createHash } from "node:crypto";
import { HoldfastError } from "../../../errors.ts";
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
  /** Leaves whose rows cannot be read and counted here: retention keeps off them. */
  refused: (Refused & { table: string })[];
  digest: string;
}

/** From here on planning an unpruned query costs tens of milliseconds. */
const manyPartitions = 1_000;

/** Why a table cannot be managed as its policy says, or undefined. */
function refusal(facts: TableFacts): string | undefined {
  const { parent, problem } = facts;
  if (problem !== undefined || !parent) return problem ?? "is not there";
  if (!parent.owns) {
    return `the role ${parent.role} must own it or be a member of ${parent.owner}: grant "${parent.owner}" to "${parent.role}"`;
  }
  return undefined;
}

/** What is made while a drain is under way: leaves that it does not make, and that the default holds no rows for. */
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

function planPremake(
  facts: TableFacts,
  reading: Reading,
  parent: ParentFacts,
  context: PlanContext,
  open: boolean,
): TablePlan {
  const plan: TablePlan = { steps: [], skipped: [], warnings: [] };
  const table = tableOf(facts.policy);
  const missing = missingSpans(facts, reading, context);
  const drains = needsDrain(facts, reading, missing);
  // Those of missing ranges are told where these are left out.
  plan.skipped.push(
    ...(facts.drain?.refused ?? [])
      .filter(({ span }) => !missing.some((one) => overlap(one, span)))
      .map(({ reason }) => ({ table, reason })),
  );
  if (missing.length === 0 && !drains) return plan;
  if (!parent.mayCreate) {
    const { schema } = facts.policy;
    plan.skipped.push({
      table,
      reason:
        `the role ${parent.role} may not create tables: grant create on schema "${schema}" to "${parent.role}"`,
    });
    return plan;
  }
  const ungiven = refuseGiving({ ...parent, schema: facts.policy.schema });
  if (ungiven.length > 0) {
    plan.skipped.push(...ungiven.map((reason) => ({ table, reason })));
    return plan;
  }
  if (reading.unknown.length > 0) {
    const locked = reading.unknown.map(({ name }) => name).slice(0, 5).join(", ");
    plan.skipped.push({
      table,
      reason:
        `nothing is made while the bounds of ${locked} are unknown: somebody holds them exclusively`,
    });
    return plan;
  }
  const foreign = reading.leaves.filter(({ read }) => read.kind === "foreign");
  if (foreign.length > 0) {
    const names = foreign.map(({ name }) => name).slice(0, 5).join(", ");
    plan.skipped.push({
      table,
      reason:
        `nothing is made while it is not known where ${names} begin and end: their bounds are not of the key ${facts.policy.key} alone`,
    });
    return plan;
  }
  const present = countLeaves(facts.leaves);
  const room = Math.max(0, context.maxPartitions - present);
  const fits = fitting(facts.policy, missing, room);
  if (missing.length > fits.length) {
    const count = (spans: readonly Span[]) => leavesOfSpans(facts.policy, spans);
    plan.warnings.push(
      `needs ${
        count(missing)
      } more partitions and has ${present} of at most ${context.maxPartitions}: ${
        count(fits)
      } are made; lengthen the interval, or shorten what is kept`,
    );
  }
  if (facts.draining !== undefined) return planBeside(facts, reading, parent, plan, fits);
  const drain = drains ? planDrain(facts, reading, parent, fits) : plan;
  const left = drain.steps.length > 0 ? besidesDrain(facts, reading, fits) : fits;
  const attaches = planAttaches(facts, reading, parent, left, {
    reason: "premake",
    mayReattach: true,
  });
  return {
    steps: [...attaches.steps, ...(open ? drain.steps : [])],
    skipped: [...plan.skipped, ...attaches.skipped, ...(drain === plan ? [] : drain.skipped)],
    warnings: [
      ...plan.warnings,
      ...attaches.warnings,
      ...(drain === plan ? [] : drain.warnings),
      ...(!open && drain.steps.length > 0 ? ["a drain waits for the maintenance window"] : []),
    ],
  };
}

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
      ? [`has ${count} partitions: queries that do not name the key plan slowly`]
      : []),
    ...(spans.some(({ to }) => to === highest)
      ? ["a leaf takes everything up to the end: nothing can be made ahead of it"]
      : []),
    ...(unknown.length > 0
      ? [`${unknown.length} leaves are locked: their bounds are unknown`]
      : []),
    ...(policy.sub_interval === null && leaves.some(({ partitioned }) => partitioned)
      ? ["some leaves are partitioned themselves; new ones are not"]
      : []),
  ];
}

/** Plans one table: what it lacks first, the heavier locks last. A policy that makes no sense is skipped, and says why. */
export function planTable(facts: TableFacts, context: PlanContext): TablePlan {
  try {
    return planSoundTable(facts, context);
  } catch (error) {
    if (!(error instanceof HoldfastError)) throw error;
    const skipped = [{ table: tableOf(facts.policy), reason: error.message }];
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

/** What a digest stands for: the catalogue as far as it matters, the policies, and the statements. */
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

/** Plans all tables: for each what it lacks, then for each what it gives up. Pure: facts and clock in, plan out. */
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
