import { quoteIdent } from "../../sql.ts";
import {
  attachStatements,
  checkName,
  createStatements,
  type LeafTemplate,
  type LockedStatement,
  type NewLeaf,
  propertyStatements,
  quoteColumns,
  quoteName as quoted,
  type TableName,
  unboundedLeaf,
  withLock,
} from "../ddl.ts";
import { suffixedName } from "../names.ts";
import type { Doubt } from "../proof/doubts.ts";
import type { ConversionFacts } from "../catalogue/table_facts.ts";
import { drainCapture, drainNames } from "./names.ts";
import type { RewritePlan } from "./rewrites.ts";
import {
  captureStatements,
  dropCaptureStatements,
  dropTriggerStatements,
  mirroringFunction,
} from "./triggers.ts";

export interface DrainInput {
  parent: TableName;
  defaultLeaf: TableName;
  defaultOid: number;
  /** Of the parent. */
  facts: ConversionFacts;
  /** Rows that break these stay in the default: it is filled without them, and gets them back unvalidated. */
  doubts: readonly Doubt[];
  template: LeafTemplate;
  /** Their parent is the parent; while they are filled it is the shadow. */
  leaves: readonly NewLeaf[];
  identity: readonly string[];
  signature: string;
}

type Names = ReturnType<typeof drainNames>;

const text = ({ schema, table }: TableName) => `${schema}.${table}`;
/** Returns an open end in the catalogue's spelling. */
const upper = (end: string) => end.replace(/\b(min|max)value\b/g, (word) => word.toUpperCase());
const detach = (name: string, of: string) => `alter table ${of} detach partition ${name}`;
const isCheckDrop = ({ sql }: LockedStatement) => sql.endsWith(`drop constraint ${checkName}`);

/** Returns the parent's keys and indexes on the new table, under free names: a leaf that has them is attached at once. */
function indexStatements({ facts, parent }: DrainInput, shadow: TableName): string[] {
  return facts.indexes.map((index, at) => {
    const name = quoteIdent(suffixedName(parent.table, `_holdfast_i${at}`));
    const key = facts.constraints.find((one) => one.name === index.name && "pu".includes(one.type));
    return key
      ? `alter table ${quoted(shadow)} add constraint ${name} ${key.definition}`
      : `create ${index.unique ? "unique " : ""}index ${name} on ${quoted(shadow)} ${index.suffix}`;
  });
}

/** Returns the constraints that the default's rows may break. Foreign keys are left out: the attach brings them. */
function heldConstraints({ facts, doubts }: DrainInput) {
  const doubtful = new Set(doubts.map(({ name }) => name));
  return facts.constraints.filter(({ type, name }) => type !== "f" && doubtful.has(name));
}

const dropConstraints = (input: DrainInput, table: TableName) =>
  heldConstraints(input).map(({ name }) =>
    `alter table ${quoted(table)} drop constraint ${quoteIdent(name)}`
  );

/** Returns what creates the partitioned table that is filled beside the parent, without partitions. */
function createShadow(input: DrainInput, { shadow }: Names): LockedStatement[] {
  const { parent, template } = input;
  const like = [
    "defaults",
    "constraints",
    "generated",
    "storage",
    "compression",
    "statistics",
    "comments",
  ].map((what) => `including ${what}`).join(" ");
  const table = quoted(shadow);
  return [
    {
      sql: `create table ${table} (like ${quoted(parent)} ${like}) partition by range (${
        quoteColumns(template.keyColumns)
      })`,
      lock: `ACCESS SHARE on ${text(parent)}`,
    },
    ...withLock(`none but on the new ${text(shadow)}`, [
      // Only its owner may use it: no grants, and none from default privileges.
      ...propertyStatements(table, {
        ...template,
        replicaIdentity: "d",
        grants: [],
        ownerLacks: [],
        columnSettings: [],
      }),
      ...dropConstraints(input, shadow),
      ...indexStatements(input, shadow),
    ]),
  ];
}

/** Returns what creates the new leaves and a new default, attached to the table beside the parent. */
function createPartitions(input: DrainInput, { shadow, rest }: Names): LockedStatement[] {
  const { parent, template, leaves } = input;
  const attachLock = `none but on the new ${text(shadow)}`;
  const plainTemplate = { ...template, replicaIdentity: "d" as const };
  return [
    ...leaves.flatMap((leaf) => [
      ...createStatements(leaf, template),
      // The CHECK stays until the leaf is attached to the parent.
      ...attachStatements({ ...leaf, parent: shadow }, plainTemplate, {
        attachLock,
        populated: false,
      }).filter((statement) => !isCheckDrop(statement)),
    ]),
    ...createStatements(
      unboundedLeaf({ schema: rest.schema, table: parent.table }, rest.table),
      template,
    ),
    ...withLock(attachLock, [
      ...dropConstraints(input, rest),
      `alter table ${quoted(shadow)} attach partition ${quoted(rest)} default`,
    ]),
  ];
}

function addForeignKeys({ facts, doubts }: DrainInput, { shadow }: Names): LockedStatement[] {
  const doubtful = new Set(doubts.map(({ name }) => name));
  return facts.constraints.filter(({ type, name }) => type === "f" && !doubtful.has(name)).map(
    ({ name, definition, references }) => ({
      sql: `alter table ${quoted(shadow)} add constraint ${quoteIdent(name)} ${definition}`,
      lock: `SHARE ROW EXCLUSIVE on ${references}`,
    }),
  );
}

/** Returns the short transaction in which the old default is detached and the new leaves are attached. */
function swapStatements(input: DrainInput, { shadow, rest, old }: Names): string[] {
  const { parent, defaultLeaf, defaultOid, leaves } = input;
  const [p, s, d] = [parent, shadow, defaultLeaf].map(quoted) as [string, string, string];
  return [
    `lock table only ${p}, only ${d}, only ${s} in access exclusive mode`,
    ...dropTriggerStatements(defaultLeaf),
    ...dropCaptureStatements(drainCapture(defaultOid)),
    detach(d, p),
    detach(quoted(rest), s),
    ...leaves.flatMap(({ name, from, to }) => {
      const leaf = quoted({ schema: parent.schema, table: name });
      return [
        detach(leaf, s),
        `alter table ${p} attach partition ${leaf} for values from (${from}) to (${to})`,
      ];
    }),
    `alter table ${d} rename to ${quoteIdent(old.table)}`,
    `alter table ${quoted(rest)} rename to ${quoteIdent(defaultLeaf.table)}`,
    ...heldConstraints(input).map(({ name, definition }) =>
      `alter table ${d} add constraint ${quoteIdent(name)} ${definition}`
    ),
    `alter table ${p} attach partition ${d} default`,
  ];
}

/** Returns all statements of a drain: those that begin it, and those of its later phases. */
export function drainStatements(input: DrainInput): RewritePlan {
  const { parent, defaultLeaf, defaultOid, facts, leaves, signature } = input;
  const names = drainNames(parent, defaultLeaf);
  const { shadow, old } = names;
  const { log, forward } = drainCapture(defaultOid);
  const identity = [...input.identity];
  const columns = facts.columns.filter(({ generated }) => !generated).map(({ name }) => name);
  const capture = captureStatements({ source: defaultLeaf, log, forward, shadow, identity });
  const dropShadow = `drop table if exists ${quoted(shadow)}`;
  return {
    begin: [
      ...createShadow(input, names),
      ...createPartitions(input, names),
      ...addForeignKeys(input, names),
      ...capture.log,
      ...capture.triggers,
    ],
    spec: {
      source: defaultLeaf,
      shadow,
      log,
      columns,
      identity,
      signature,
      policy: null,
      ranges: leaves.map(({ from, to }) => ({ from: upper(from), to: upper(to) })),
      direct: mirroringFunction(forward, { to: shadow, columns, identity }),
      swap: swapStatements(input, names),
      undo: [],
      finish: leaves.map(({ name }) =>
        `alter table ${
          quoted({ schema: parent.schema, table: name })
        } drop constraint if exists ${checkName}`
      ),
      cancel: [
        `lock table only ${quoted(defaultLeaf)} in access exclusive mode`,
        ...dropTriggerStatements(defaultLeaf),
        ...dropCaptureStatements({ log, forward }),
      ],
      clean: {
        undone: [],
        finished: [dropShadow, `drop table if exists ${quoted(old)}`],
        cancelled: [dropShadow],
      },
    },
  };
}
