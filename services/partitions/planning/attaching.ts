import {
  attachStatements,
  createStatements,
  type LeafTemplate,
  moveStatements,
  type NewLeaf,
} from "../../../db/partitions/ddl.ts";
import { quoteLiteral, quoteTable } from "../../../db/sql.ts";
import { formatEnd, parseBound } from "../axis/bound.ts";
import { leafName, preciseName } from "../axis/names.ts";
import { highest, lowest, type Span } from "../axis/span.ts";
import { tableOf } from "../policy.ts";
import { warnPublished } from "../survey/publications.ts";
import type { Reading } from "./cover.ts";
import type { LeafFacts, ParentFacts, TableFacts } from "./facts.ts";
import type { Step, TablePlan } from "./step.ts";
import { subAxis, subdividedStatements } from "./subdividing.ts";

/** Rows moved out of the default leaf inside one attach; more wait for a drain in batches. */
export const drainMax = 10_000;
/** An attach scans the default leaf under its lock: longer than this writers should not wait for it. */
export const scannedBytesMax = 32 * 1024 * 1024;

/** The newest leaf shows how leaves are stored: a partitioned parent has no storage options of its own. */
export function siblingOf({ leaves }: Pick<TableFacts, "leaves">): LeafFacts | undefined {
  return leaves.filter(({ partitioned }) => !partitioned)
    .reduce<LeafFacts | undefined>(
      (newest, leaf) => newest && newest.oid > leaf.oid ? newest : leaf,
      undefined,
    );
}

/** How a new leaf of this table is to be stored, and whose it is. */
export function templateOf(facts: TableFacts, parent: ParentFacts): LeafTemplate {
  const sibling = siblingOf(facts);
  return {
    ...parent,
    owner: parent.isOwner ? undefined : parent.owner,
    options: [...sibling?.options ?? [], ...facts.toastOptions ?? []],
    unlogged: sibling?.unlogged ?? false,
  };
}

/** A leaf to be, in the words of DDL. */
export function newLeaf(
  facts: TableFacts,
  reading: Reading,
  parent: ParentFacts,
  span: Span,
  name: string,
) {
  const { codec } = reading.axis;
  const end = (at: bigint) => formatEnd(at, codec, parent.keyColumns.length, quoteLiteral);
  const check = (at: bigint) =>
    at === lowest || at === highest ? null : quoteLiteral(codec.format(at));
  const { schema, table } = facts.policy;
  const leaf: NewLeaf = {
    parent: { schema, table },
    name,
    from: end(span.from),
    to: end(span.to),
    checkFrom: check(span.from),
    checkTo: check(span.to),
  };
  return leaf;
}

/** The names a span's leaf may bear, the usual one first. */
export function namesFor(facts: TableFacts, { axis }: Reading, { from }: Span): string[] {
  const { table } = facts.policy;
  return [leafName(table, axis, from), preciseName(table, axis, from)];
}

/** The usual name, unless a leaf of another calendar has it: a name must never keep a range open. */
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

/** What stands in the way of a taken name, or how it may be used: "again" (ours, detached) or "adopt" (empty). */
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
    return { problem: `${full} is attached already, with another range; the range stays open` };
  }
  if (!taken.compatible) return { problem: `${full} is something else; rename it` };
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
  again: () => "wanted again: it was detached, and its range is needed",
  adopt: () => "a table of this name stands ready, empty",
};

/**
 * The steps that make and attach what is missing; each name is checked, each problem is told. What retention has
 * detached is attached again only where the plan asks for it, never because a late row came.
 */
export function planAttaches(
  facts: TableFacts,
  reading: Reading,
  parent: ParentFacts,
  spans: readonly Span[],
  { reason, mayReattach }: { reason: string; mayReattach: boolean },
): TablePlan {
  const plan: TablePlan = { steps: [], skipped: [], warnings: [] };
  const table = tableOf(facts.policy);
  const template = templateOf(facts, parent);
  const { defaultLeaf } = reading;
  const attachLock = attachLocks(facts, reading, parent);
  const names = new Set<string>();
  const axis = subAxis(facts.policy);
  const { published } = facts;
  for (const span of spans) {
    const name = chooseName(facts, reading, span, names);
    const found = names.has(name)
      ? { problem: `${name} would be the name of two leaves; the second is left out` }
      : useOfName(facts, reading, name, span, mayReattach);
    if (found.problem !== undefined) {
      plan.skipped.push({ table, reason: found.problem });
      continue;
    }
    names.add(name);
    const inDefault = facts.defaultRows.get(span.from) ?? 0;
    const refused = facts.refusedRows?.get(span.from);
    if (refused !== undefined) {
      plan.skipped.push({ table, reason: `${name} waits: ${refused}` });
      continue;
    }
    if (inDefault > drainMax || defaultLeaf && defaultLeaf.bytes > scannedBytesMax) {
      plan.skipped.push({
        table,
        reason: `${name} waits: the default ${defaultLeaf?.schema}.${defaultLeaf?.name} holds ${
          inDefault > drainMax
            ? `over ${drainMax} rows of its range`
            : "too much to scan under a lock"
        }; move its rows out first`,
      });
      continue;
    }
    if (published && published.rowTriggers > 0 && inDefault > 0) {
      plan.skipped.push({
        table,
        reason:
          `${name} waits: the default ${defaultLeaf?.schema}.${defaultLeaf?.name} holds ${inDefault} rows of its range, the table is published, and triggers would fire for each of them when they are moved so that subscribers follow; move them by hand`,
      });
      continue;
    }
    const leaf = newLeaf(facts, reading, parent, span, name);
    const fresh = found.use === "new";
    const divided = axis && fresh
      ? subdividedStatements({
        policy: facts.policy,
        axis,
        span,
        leaf,
        template,
        name: (piece, its) => newLeaf(facts, reading, parent, piece, its),
      })
      : undefined;
    const moving = defaultLeaf && inDefault > 0
      ? moveStatements(leaf, template, {
        from: { schema: defaultLeaf.schema, table: defaultLeaf.name },
        columns: parent.columns,
        published: published !== undefined,
      })
      : undefined;
    const create = divided?.create ?? (fresh ? createStatements(leaf, template) : []);
    plan.steps.push(
      {
        action: "attach",
        table,
        partition: { schema: facts.policy.schema, name },
        span,
        statements: [
          ...create,
          ...(defaultLeaf && inDefault > 0
            ? [...moving?.out ?? [], {
              // Who has listed the leaves and then waits for the default would miss the new one and what moved there.
              sql: `lock table only ${
                quoteTable(facts.policy.schema, facts.policy.table)
              } in access exclusive mode`,
              lock: `ACCESS EXCLUSIVE on ${table}`,
            }]
            : []),
          ...(divided?.attach(attachLock) ??
            attachStatements(leaf, template, { attachLock, populated: !fresh })),
          ...moving?.back ?? [],
        ],
        reason: inDefault > 0
          ? `${reason}; ${inDefault} rows of it move out of the default`
          : reasons[found.use](reason),
        transaction: true,
        heavy: defaultLeaf !== undefined || parent.references.length > 0,
        estimate: {
          rows: inDefault,
          bytes: defaultLeaf?.bytes ?? 0,
          seconds: 0.01 + 0.003 * create.length + (defaultLeaf?.bytes ?? 0) / 1e9,
        },
      } satisfies Step,
    );
  }
  if (published && plan.steps.length > 0) {
    plan.warnings.push(...warnPublished(published.publications));
  }
  return plan;
}
