import {
  attachStatements,
  createStatements,
  type LeafTemplate,
  type LockedStatement,
  type NewLeaf,
} from "../../../db/partitions/ddl.ts";
import { lockParentStatement, moveStatements } from "../../../db/partitions/default_rows.ts";
import { parseBound } from "../axis/bound.ts";
import { leafOfSpan } from "../axis/leaf.ts";
import { leafName, preciseName } from "../axis/names.ts";
import type { Span } from "../axis/span.ts";
import { tableOf } from "../policy.ts";
import { warnPublished } from "../survey/publications.ts";
import type { Reading } from "./cover.ts";
import type { LeafFacts, ParentFacts, TableFacts } from "./facts.ts";
import type { Step, TablePlan } from "./step.ts";
import { subAxis, subdividedStatements } from "./subdividing.ts";

/** At most so many rows are moved out of the default leaf within one attach; more wait for a drain in batches. */
export const drainMax = 10_000;
/** An attach scans the default leaf under its lock; a larger one would make writers wait too long. */
export const scannedBytesMax = 32 * 1024 * 1024;

/** Returns the newest leaf, which shows how leaves are stored: a partitioned parent has no storage options of its own. */
export function siblingOf({ leaves }: Pick<TableFacts, "leaves">): LeafFacts | undefined {
  return leaves.filter(({ partitioned }) => !partitioned)
    .reduce<LeafFacts | undefined>(
      (newest, leaf) => newest && newest.oid > leaf.oid ? newest : leaf,
      undefined,
    );
}

/** Returns how a new leaf of this table is to be stored, and its owner. */
export function templateOf(facts: TableFacts, parent: ParentFacts): LeafTemplate {
  const sibling = siblingOf(facts);
  return {
    ...parent,
    owner: parent.isOwner ? undefined : parent.owner,
    options: [...sibling?.options ?? [], ...facts.toastOptions ?? []],
    unlogged: sibling?.unlogged ?? false,
  };
}

/** Returns the leaf of a span, to be created below this table. */
export function newLeaf(
  { policy: { schema, table } }: TableFacts,
  { axis }: Reading,
  { keyColumns }: ParentFacts,
  span: Span,
  name: string,
): NewLeaf {
  return leafOfSpan({ parent: { schema, table }, name, span, columns: keyColumns.length }, axis);
}

/** Returns the names that a span's leaf may have, the usual one first. */
export function namesFor(facts: TableFacts, { axis }: Reading, { from }: Span): string[] {
  const { table } = facts.policy;
  return [leafName(table, axis, from), preciseName(table, axis, from)];
}

/** Returns the usual name, or a longer one when a leaf of another calendar has it: a name must never keep a range open. */
export function chooseName(
  facts: TableFacts,
  reading: Reading,
  span: Span,
  given: ReadonlySet<string>,
): string {
  const names = namesFor(facts, reading, span);
  const free = names.find((name) => !given.has(name) && !facts.taken.get(name)?.attached);
  return free ?? names[0] ?? "";
}

/** Returns how a name may be used ("new", "again" for a detached leaf, "adopt" for an empty table), or why it may not. */
export function useOfName(
  facts: TableFacts,
  reading: Reading,
  name: string,
  span: Span,
  mayReattach: boolean,
) {
  const taken = facts.taken.get(name);
  if (!taken) return { use: "new" as const };
  const table = tableOf(facts.policy);
  const full = `${facts.policy.schema}.${name}`;
  if (taken.attached) {
    return {
      problem: `${full} is attached already, with another range; this range gets no partition`,
    };
  }
  if (!taken.compatible) return { problem: `${full} is not a table like its parent; rename it` };
  const ours = facts.detached.find(({ oid }) => oid === taken.oid);
  if (ours && mayReattach) {
    const was = parseBound(ours.bound, reading.axis.codec);
    const same = was.kind === "range" && was.span.from === span.from && was.span.to === span.to;
    return same
      ? { use: "again" as const }
      : { problem: `${full} was detached from another range; attach it again, or rename it` };
  }
  const whole = facts.policy.sub_interval === null && !taken.partitioned;
  if (taken.empty && !ours && whole) return { use: "adopt" as const };
  return {
    problem: `${full} exists and is not attached to ${table}; attach it again, or rename it`,
  };
}

/** Returns the locks that an attach takes. */
export function attachLocks(facts: TableFacts, reading: Reading, parent: ParentFacts): string {
  const { defaultLeaf } = reading;
  return [
    `SHARE UPDATE EXCLUSIVE on ${tableOf(facts.policy)}`,
    ...(defaultLeaf
      ? [`ACCESS EXCLUSIVE on its default ${defaultLeaf.schema}.${defaultLeaf.name}`]
      : []),
    ...parent.references.map((key) => `SHARE ROW EXCLUSIVE on ${key.schema}.${key.table}`),
  ].join(", ");
}

const reasons = {
  new: (reason: string) => reason,
  again: () => "attached again: it was detached, and its range is needed",
  adopt: () => "a table of this name exists and is empty",
};

/** What the attaches of one table share. */
interface Attaching {
  facts: TableFacts;
  reading: Reading;
  parent: ParentFacts;
  template: LeafTemplate;
  attachLock: string;
}

/** Returns why a span's leaf has to wait for rows that the default partition holds; undefined when it need not. */
function waitsForDefault(
  { published, defaultRows, refusedRows }: TableFacts,
  { defaultLeaf }: Reading,
  { from }: Span,
): string | undefined {
  const rows = defaultRows.get(from) ?? 0;
  const refused = refusedRows?.get(from);
  if (refused !== undefined) return refused;
  const name = `the default ${defaultLeaf?.schema}.${defaultLeaf?.name}`;
  if (rows > drainMax) {
    return `${name} holds over ${drainMax} rows of its range; move its rows out first`;
  }
  if (defaultLeaf && defaultLeaf.bytes > scannedBytesMax) {
    return `${name} holds too much to scan under a lock; move its rows out first`;
  }
  return published && published.rowTriggers > 0 && rows > 0
    ? `${name} holds ${rows} rows of its range, the table is published, and triggers would fire for each of them when they are moved so that subscribers follow; move them by hand`
    : undefined;
}

/** Returns the statements that create a leaf where it is new, move rows out of the default, and attach the leaf. */
function leafStatements(
  { facts, reading, parent, template, attachLock }: Attaching,
  span: Span,
  name: string,
  fresh: boolean,
): { create: LockedStatement[]; all: LockedStatement[] } {
  const { policy, published } = facts;
  const { defaultLeaf } = reading;
  const leaf = newLeaf(facts, reading, parent, span, name);
  const axis = subAxis(policy);
  const divided = axis && fresh
    ? subdividedStatements({
      policy,
      axis,
      span,
      leaf,
      template,
      name: (piece, its) => newLeaf(facts, reading, parent, piece, its),
    })
    : undefined;
  const moving = defaultLeaf && (facts.defaultRows.get(span.from) ?? 0) > 0
    ? moveStatements(leaf, template, {
      from: { schema: defaultLeaf.schema, table: defaultLeaf.name },
      columns: parent.columns,
      published: published !== undefined,
    })
    : undefined;
  const create = divided?.create ?? (fresh ? createStatements(leaf, template) : []);
  const attach = divided?.attach(attachLock) ??
    attachStatements(leaf, template, { attachLock, populated: !fresh });
  return {
    create,
    all: [
      ...create,
      // A reader that has listed the leaves and then waits for the default would miss the new leaf and the rows in it.
      ...(moving ? [...moving.out, lockParentStatement(policy)] : []),
      ...attach,
      ...(moving?.back ?? []),
    ],
  };
}

/** Returns the step that makes a leaf and attaches it. */
function attachStep(
  attaching: Attaching,
  span: Span,
  name: string,
  { use, reason }: { use: keyof typeof reasons; reason: string },
): Step {
  const { facts, reading: { defaultLeaf }, parent } = attaching;
  const rows = facts.defaultRows.get(span.from) ?? 0;
  const { create, all } = leafStatements(attaching, span, name, use === "new");
  return {
    action: "attach",
    table: tableOf(facts.policy),
    parent: facts.policy,
    partition: { schema: facts.policy.schema, name },
    span,
    statements: all,
    reason: rows > 0
      ? `${reason}; ${rows} rows of it move out of the default`
      : reasons[use](reason),
    transaction: true,
    heavy: defaultLeaf !== undefined || parent.references.length > 0,
    ...(parent.distributed ? { distributed: true } : {}),
    estimate: {
      rows,
      bytes: defaultLeaf?.bytes ?? 0,
      seconds: 0.01 + 0.003 * create.length + (defaultLeaf?.bytes ?? 0) / 1e9,
    },
  };
}

/**
 * Plans the steps that make and attach what is missing. Each name is checked, and each problem is reported. What retention
 * has detached is attached again only with `mayReattach`, never for a late row.
 */
export function planAttaches(
  facts: TableFacts,
  reading: Reading,
  parent: ParentFacts,
  spans: readonly Span[],
  { reason, mayReattach }: { reason: string; mayReattach: boolean },
): TablePlan {
  const plan: TablePlan = { steps: [], skipped: [], warnings: [] };
  const attaching: Attaching = {
    facts,
    reading,
    parent,
    template: templateOf(facts, parent),
    attachLock: attachLocks(facts, reading, parent),
  };
  const skip = (why: string) => plan.skipped.push({ table: tableOf(facts.policy), reason: why });
  const names = new Set<string>();
  for (const span of spans) {
    const name = chooseName(facts, reading, span, names);
    const found = names.has(name)
      ? { problem: `${name} would be the name of two leaves; the second is left out` }
      : useOfName(facts, reading, name, span, mayReattach);
    if (found.problem !== undefined) {
      skip(found.problem);
      continue;
    }
    names.add(name);
    const waits = waitsForDefault(facts, reading, span);
    if (waits === undefined) {
      plan.steps.push(attachStep(attaching, span, name, { ...found, reason }));
    } else skip(`${name} waits: ${waits}`);
  }
  if (facts.published && plan.steps.length > 0) {
    plan.warnings.push(...warnPublished(facts.published.publications));
  }
  return plan;
}
