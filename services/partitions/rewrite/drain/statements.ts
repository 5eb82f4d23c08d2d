import type { ConversionFacts } from "../../../../db/partitions/table_facts.ts";
import {
  attachStatements,
  belongingStatements,
  checkName,
  createStatements,
  type LeafTemplate,
  type LockedStatement,
  type NewLeaf,
  type TableName,
} from "../../../../db/partitions/ddl.ts";
import type { Doubt } from "../../../../db/partitions/proof/doubts.ts";
import type { RewriteSpec } from "../../../../db/partitions/rewrite/rewrites.ts";
import { quoteIdent, quoteTable } from "../../../../db/sql.ts";
import { nameWith } from "../../axis/names.ts";
import { quoted } from "../belongings.ts";
import {
  capturingFunction,
  dropTriggerStatements,
  mirroringFunction,
  triggerStatements,
} from "../triggers.ts";

/** An open end as the catalogue writes it. */
const upper = (end: string) => end.replace(/\b(min|max)value\b/g, (word) => word.toUpperCase());

export interface Drain {
  begin: LockedStatement[];
  spec: RewriteSpec;
}

const list = (columns: readonly string[]) => columns.map(quoteIdent).join(", ");
const text = ({ schema, table }: TableName) => `${schema}.${table}`;

/** The tables of a drain beside the parent and the default it drains. */
export function drainNames(parent: TableName, defaultLeaf: TableName) {
  return {
    shadow: { schema: parent.schema, table: nameWith(parent.table, "_holdfast_new") },
    rest: { schema: defaultLeaf.schema, table: nameWith(defaultLeaf.table, "_holdfast_new") },
    old: { schema: defaultLeaf.schema, table: nameWith(defaultLeaf.table, "_holdfast_old") },
  };
}

/** The parent's own keys and indexes, under names that are free: a leaf that has them is attached in no time. */
function indexStatements(facts: ConversionFacts, parent: TableName, shadow: TableName) {
  return facts.indexes.map((index, at) => {
    const name = quoteIdent(nameWith(parent.table, `_holdfast_i${at}`));
    const key = facts.constraints.find((one) => one.name === index.name && "pu".includes(one.type));
    return key
      ? `alter table ${quoted(shadow)} add constraint ${name} ${key.definition}`
      : `create ${index.unique ? "unique " : ""}index ${name} on ${quoted(shadow)} ${index.suffix}`;
  });
}

/**
 * The whole of a drain as statements. New leaves and a new default are filled beside the parent; then, in one short
 * transaction, the old default goes out and they come in.
 */
export function drainStatements(
  { parent, defaultLeaf, defaultOid, facts, doubts, template, leaves, identity, signature }: {
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
  },
): Drain {
  const { shadow, rest, old } = drainNames(parent, defaultLeaf);
  const log = quoteTable("holdfast", `move_log_${defaultOid}`);
  const forward = quoteTable("holdfast", `move_${defaultOid}`);
  const columns = facts.columns.filter(({ generated }) => !generated).map(({ name }) => name);
  const alone = { lock: `none but on the new ${text(shadow)}` };
  const heavy = `SHARE ROW EXCLUSIVE on ${text(defaultLeaf)}`;
  const plainTemplate = { ...template, replicaIdentity: "d" as const };
  const restLeaf: NewLeaf = {
    parent: { ...shadow, schema: rest.schema },
    name: rest.table,
    from: "",
    to: "",
    checkFrom: null,
    checkTo: null,
  };
  const child = ({ name }: NewLeaf) => quoteTable(parent.schema, name);
  const p = quoted(parent);
  const s = quoted(shadow);
  const like = [
    "defaults",
    "constraints",
    "generated",
    "storage",
    "compression",
    "statistics",
    "comments",
  ]
    .map((what) => `including ${what}`).join(" ");
  const keepsCheck = (statement: LockedStatement) =>
    !statement.sql.endsWith(`drop constraint ${checkName}`);
  const doubtful = new Set(doubts.map(({ name }) => name));
  const foreign = facts.constraints.filter(({ type, name }) => type === "f" && !doubtful.has(name));
  // Foreign keys come with the attach alone.
  const held = facts.constraints.filter(({ type, name }) => type !== "f" && doubtful.has(name));
  const without = (table: string) =>
    held.map(({ name }) => ({
      sql: `alter table ${table} drop constraint ${quoteIdent(name)}`,
      ...alone,
    }));
  const begin: LockedStatement[] = [
    {
      sql: `create table ${s} (like ${p} ${like}) partition by range (${
        list(template.keyColumns)
      })`,
      lock: `ACCESS SHARE on ${text(parent)}`,
    },
    // Nobody but its owner sees it: no grants, and none that default privileges gave.
    ...belongingStatements(s, { ...plainTemplate, grants: [], ownerLacks: [], columnSettings: [] })
      .map((sql) => ({ sql, ...alone })),
    ...without(s),
    ...indexStatements(facts, parent, shadow).map((sql) => ({ sql, ...alone })),
    ...leaves.flatMap((leaf) => {
      const beside = { ...leaf, parent: shadow };
      return [
        ...createStatements(leaf, template),
        ...attachStatements(beside, plainTemplate, { attachLock: alone.lock, populated: false })
          .filter(keepsCheck),
      ];
    }),
    ...createStatements(
      { ...restLeaf, parent: { schema: rest.schema, table: parent.table } },
      template,
    ),
    ...without(quoted(rest)),
    { sql: `alter table ${s} attach partition ${quoted(rest)} default`, ...alone },
    ...foreign.map(({ name, definition, references }) => ({
      sql: `alter table ${s} add constraint ${quoteIdent(name)} ${definition}`,
      lock: `SHARE ROW EXCLUSIVE on ${references}`,
    })),
    {
      sql: `create table ${log} as select 0::bigint as holdfast_n, ${list(identity)} from ${
        quoted(defaultLeaf)
      } with no data`,
      lock: `ACCESS SHARE on ${text(defaultLeaf)}`,
    },
    {
      sql:
        `alter table ${log} alter holdfast_n set not null, alter holdfast_n add generated always as identity, add primary key (holdfast_n)`,
      ...alone,
    },
    { sql: capturingFunction(forward, { log, shadow, identity }), lock: "none" },
    ...triggerStatements(defaultLeaf, forward).map((sql) => ({ sql, lock: heavy })),
  ];
  const dropForward = [`drop function if exists ${forward}()`, `drop table if exists ${log}`];
  const detach = (name: string, of: string) => `alter table ${of} detach partition ${name}`;
  const spec: RewriteSpec = {
    source: defaultLeaf,
    shadow,
    log,
    columns,
    identity: [...identity],
    signature,
    policy: null,
    ranges: leaves.map(({ from, to }) => ({ from: upper(from), to: upper(to) })),
    direct: mirroringFunction(forward, { to: shadow, columns, identity }),
    swap: [
      `lock table only ${p}, only ${quoted(defaultLeaf)}, only ${s} in access exclusive mode`,
      ...dropTriggerStatements(defaultLeaf),
      ...dropForward,
      detach(quoted(defaultLeaf), p),
      detach(quoted(rest), s),
      ...leaves.flatMap((leaf) => [
        detach(child(leaf), s),
        `alter table ${p} attach partition ${
          child(leaf)
        } for values from (${leaf.from}) to (${leaf.to})`,
      ]),
      `alter table ${quoted(defaultLeaf)} rename to ${quoteIdent(old.table)}`,
      `alter table ${quoted(rest)} rename to ${quoteIdent(defaultLeaf.table)}`,
      ...held.map(({ name, definition }) =>
        `alter table ${quoted(defaultLeaf)} add constraint ${quoteIdent(name)} ${definition}`
      ),
      `alter table ${p} attach partition ${quoted(defaultLeaf)} default`,
    ],
    undo: [],
    finish: leaves.map((leaf) =>
      `alter table ${child(leaf)} drop constraint if exists ${checkName}`
    ),
    cancel: [
      `lock table only ${quoted(defaultLeaf)} in access exclusive mode`,
      ...dropTriggerStatements(defaultLeaf),
      ...dropForward,
    ],
    clean: {
      undone: [],
      finished: [`drop table if exists ${s}`, `drop table if exists ${quoted(old)}`],
      cancelled: [`drop table if exists ${s}`],
    },
  };
  return { begin, spec };
}
