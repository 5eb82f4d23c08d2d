import { doBlock, quoteIdent, quoteLiteral } from "../../sql.ts";
import {
  attachStatements,
  createStatements,
  type LeafTemplate,
  type LockedStatement,
  type NewLeaf,
  quoteName as quoted,
  type TableName,
  unboundedLeaf,
  withLock,
} from "../ddl.ts";
import { type ConversionFacts, identityOf } from "../catalogue/table_facts.ts";
import {
  enabling,
  identityStatements,
  indexStatements,
  renameIndexes,
  renameStatistics,
  sequenceStatements,
  statisticsStatements,
  userTriggers,
  viewStatements,
} from "./carried_objects.ts";
import type { ConversionNames } from "./names.ts";
import type { RewritePlan } from "./rewrites.ts";
import type { RewriteSpec } from "./spec.ts";
import {
  captureStatements,
  dropCaptureStatements,
  dropTriggerStatements,
  mirroringFunction,
  triggerStatements,
} from "./triggers.ts";

export interface ConversionInput {
  facts: ConversionFacts;
  names: ConversionNames;
  template: LeafTemplate;
  /** Partitions of the new table. */
  leaves: readonly NewLeaf[];
  keyColumn: string;
  signature: string;
  policy: Record<string, unknown>;
}

const text = ({ schema, table }: TableName) => `${schema}.${table}`;
/** The lock of statements that touch the new table only. */
const newTableLock = ({ shadow }: ConversionNames) => `none but on the new ${text(shadow)}`;
const lockTables = (tables: readonly TableName[]) =>
  `lock table ${
    tables.map((table) => `only ${quoted(table)}`).join(", ")
  } in access exclusive mode`;
const rename = (from: TableName, to: TableName) =>
  `alter table ${quoted(from)} rename to ${quoteIdent(to.table)}`;

/** Returns what creates the partitioned table, without partitions. */
function createShadow({ facts, names, template, keyColumn }: ConversionInput): LockedStatement[] {
  const like = [
    "defaults",
    "constraints",
    "generated",
    "identity",
    "storage",
    "compression",
    "comments",
  ].map((what) => `including ${what}`).join(" ");
  const shadow = quoted(names.shadow);
  return [
    {
      sql: `create table ${shadow} (like ${quoted(names.plain)} ${like}) partition by range (${
        quoteIdent(keyColumn)
      })`,
      lock: `ACCESS SHARE on ${text(names.plain)}`,
    },
    ...withLock(newTableLock(names), [
      ...indexStatements(facts, names, keyColumn),
      ...statisticsStatements(facts, names, template.owner),
    ]),
    ...createStatements(unboundedLeaf(names.plain, names.shadow.table), template).slice(1),
    ...withLock(newTableLock(names), [
      ...identityStatements(facts, names),
      ...(facts.comment === null
        ? []
        : [`comment on table ${shadow} is ${quoteLiteral(facts.comment)}`]),
    ]),
  ];
}

/** Returns what creates and attaches the partitions and a default one, for a write may be outside of all ranges. */
function createPartitions({ facts, names, template, leaves }: ConversionInput): LockedStatement[] {
  const { shadow, rest } = names;
  const leafTemplate = { ...template, options: facts.options };
  const attachLock = newTableLock(names);
  return [
    ...leaves.flatMap((leaf) => [
      ...createStatements(leaf, leafTemplate),
      ...attachStatements(leaf, leafTemplate, { attachLock, populated: false }),
    ]),
    ...createStatements(unboundedLeaf(shadow, rest.table), leafTemplate),
    {
      sql: `alter table ${quoted(shadow)} attach partition ${quoted(rest)} default`,
      lock: attachLock,
    },
  ];
}

function addForeignKeys({ facts, names }: ConversionInput): LockedStatement[] {
  const shadow = quoted(names.shadow);
  return facts.constraints.filter(({ type }) => type === "f").flatMap(
    ({ name, definition, references, comment }) => [
      {
        sql: `alter table ${shadow} add constraint ${quoteIdent(name)} ${definition}`,
        lock: `SHARE ROW EXCLUSIVE on ${references}`,
      },
      ...(comment === null ? [] : [{
        sql: `comment on constraint ${quoteIdent(name)} on ${shadow} is ${quoteLiteral(comment)}`,
        lock: newTableLock(names),
      }]),
    ],
  );
}

/** Returns a check that both tables have the same columns: data of a column added after the swap would be lost. */
function sameColumns(one: TableName, other: TableName): string {
  const columns = (table: TableName) =>
    `(select array_agg(attname::text order by attname) from pg_attribute where attrelid = ${
      quoteLiteral(quoted(table))
    }::regclass and attnum > 0 and not attisdropped)`;
  return doBlock(
    `begin if ${columns(one)} <> ${
      columns(other)
    } then raise exception 'columns were added or dropped since the swap: it cannot be undone'; end if; end`,
  );
}

type Rows = Pick<RewriteSpec, "columns" | "identity">;

function swapStatements({ facts, names }: ConversionInput, { columns, identity }: Rows): string[] {
  const { plain, shadow, old, rest, back } = names;
  return [
    lockTables([plain, shadow]),
    ...dropTriggerStatements(plain),
    ...dropCaptureStatements(names),
    doBlock(
      `begin if not exists (select 1 from ${quoted(rest)}) then drop table ${
        quoted(rest)
      }; end if; end`,
    ),
    rename(plain, old),
    rename(shadow, plain),
    ...renameIndexes(facts, names, false),
    ...renameStatistics(facts, names, false),
    ...sequenceStatements(facts, old, plain),
    ...viewStatements(facts),
    ...userTriggers(facts, plain),
    `alter table ${quoted(old)} disable trigger user`,
    mirroringFunction(back, { to: old, columns, identity }),
    ...triggerStatements(plain, back),
  ];
}

function undoStatements({ facts, names }: ConversionInput): string[] {
  const { plain, shadow, old, back } = names;
  return [
    lockTables([plain, old]),
    sameColumns(plain, old),
    ...dropTriggerStatements(plain),
    `drop function ${back}()`,
    ...renameIndexes(facts, names, true),
    ...renameStatistics(facts, names, true),
    rename(plain, shadow),
    rename(old, plain),
    ...sequenceStatements(facts, shadow, plain),
    ...viewStatements(facts),
    `alter table ${quoted(plain)} enable trigger user`,
    ...facts.triggers.flatMap(({ name, enabled }) => {
      const how = enabling[enabled];
      return how ? [`alter table ${quoted(plain)} ${how} trigger ${quoteIdent(name)}`] : [];
    }),
  ];
}

/** Returns all statements of a conversion: those that begin it, and those of its later phases. */
export function conversionStatements(input: ConversionInput): RewritePlan {
  const { facts, names, keyColumn, signature, policy } = input;
  const { plain, shadow, old, log, forward, back } = names;
  const columns = facts.columns.filter(({ generated }) => !generated).map(({ name }) => name);
  const own = identityOf(facts) ?? [];
  // With the partition key in it, a lookup of a row reads one partition only.
  const identity = own.includes(keyColumn) ? own : [...own, keyColumn];
  const capture = captureStatements({ source: plain, log, forward, shadow, identity });
  const dropShadow = [`drop table if exists ${quoted(shadow)}`];
  return {
    begin: [
      ...createShadow(input),
      ...createPartitions(input),
      ...capture.log,
      ...addForeignKeys(input),
      ...capture.triggers,
    ],
    spec: {
      source: plain,
      shadow,
      log,
      columns,
      identity,
      signature,
      policy,
      direct: mirroringFunction(forward, { to: shadow, columns, identity }),
      swap: swapStatements(input, { columns, identity }),
      undo: undoStatements(input),
      finish: [lockTables([plain]), ...dropTriggerStatements(plain), `drop function ${back}()`],
      cancel: [
        lockTables([plain]),
        ...dropTriggerStatements(plain),
        ...dropCaptureStatements(names),
      ],
      clean: {
        undone: dropShadow,
        finished: [`drop table if exists ${quoted(old)}`],
        cancelled: dropShadow,
      },
    },
  };
}
