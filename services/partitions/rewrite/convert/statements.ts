import type { ConversionFacts } from "../../../../db/partitions/table_facts.ts";
import {
  attachStatements,
  createStatements,
  type LeafTemplate,
  type LockedStatement,
  type NewLeaf,
  type TableName,
} from "../../../../db/partitions/ddl.ts";
import type { RewriteSpec } from "../../../../db/partitions/rewrite/rewrites.ts";
import { quoteIdent, quoteLiteral } from "../../../../db/sql.ts";
import {
  type ConversionNames,
  enabling,
  identityStatements,
  indexStatements,
  quoted,
  renameIndexes,
  renameStatistics,
  sequenceStatements,
  statisticsStatements,
  userTriggers,
  viewStatements,
} from "../belongings.ts";
import { identityOf } from "./refusals.ts";
import {
  capturingFunction,
  dropTriggerStatements,
  mirroringFunction,
  triggerStatements,
} from "../triggers.ts";

const list = (columns: readonly string[]) => columns.map(quoteIdent).join(", ");
const text = ({ schema, table }: TableName) => `${schema}.${table}`;

function createShadow(
  facts: ConversionFacts,
  names: ConversionNames,
  template: LeafTemplate,
  keyColumn: string,
): LockedStatement[] {
  const alone = { lock: `none but on the new ${text(names.shadow)}` };
  const like = [
    "defaults",
    "constraints",
    "generated",
    "identity",
    "storage",
    "compression",
    "comments",
  ].map((what) => `including ${what}`).join(" ");
  const asLeaf: NewLeaf = {
    parent: names.plain,
    name: names.shadow.table,
    from: "",
    to: "",
    checkFrom: null,
    checkTo: null,
  };
  return [
    {
      sql: `create table ${quoted(names.shadow)} (like ${
        quoted(names.plain)
      } ${like}) partition by range (${quoteIdent(keyColumn)})`,
      lock: `ACCESS SHARE on ${text(names.plain)}`,
    },
    ...indexStatements(facts, names, keyColumn).map((sql) => ({ sql, ...alone })),
    ...statisticsStatements(facts, names, template.owner).map((sql) => ({ sql, ...alone })),
    ...createStatements(asLeaf, template).slice(1),
    ...identityStatements(facts, names).map((sql) => ({ sql, ...alone })),
    ...(facts.comment === null ? [] : [{
      sql: `comment on table ${quoted(names.shadow)} is ${quoteLiteral(facts.comment)}`,
      ...alone,
    }]),
  ];
}

/** What was written into a column that came after the swap would be lost. */
function sameColumns(one: TableName, other: TableName): string {
  const columns = (table: TableName) =>
    `(select array_agg(attname::text order by attname) from pg_attribute where attrelid = ${
      quoteLiteral(quoted(table))
    }::regclass and attnum > 0 and not attisdropped)`;
  return `do $holdfast$ begin if ${columns(one)} <> ${
    columns(other)
  } then raise exception 'columns were added or dropped since the swap: it cannot be undone'; end if; end $holdfast$`;
}

export interface Conversion {
  begin: LockedStatement[];
  spec: RewriteSpec;
}

/** The whole of a conversion as statements: what begins it, and what its later phases will send. */
export function conversionStatements(
  { facts, names, template, leaves, keyColumn, signature, policy }: {
    facts: ConversionFacts;
    names: ConversionNames;
    template: LeafTemplate;
    leaves: readonly NewLeaf[];
    keyColumn: string;
    signature: string;
    policy: Record<string, unknown>;
  },
): Conversion {
  const { plain, shadow, old, rest, log, forward, back } = names;
  const columns = facts.columns.filter(({ generated }) => !generated).map(({ name }) => name);
  const own = identityOf(facts) ?? [];
  // The partition key belongs to a row's name: without it every partition would have to be asked.
  const identity = own.includes(keyColumn) ? own : [...own, keyColumn];
  const alone = { lock: `none but on the new ${text(shadow)}` };
  const leafTemplate = {
    ...template,
    replicaIdentity: template.replicaIdentity,
    options: facts.options,
  };
  const restLeaf: NewLeaf = {
    parent: shadow,
    name: rest.table,
    from: "",
    to: "",
    checkFrom: null,
    checkTo: null,
  };
  const foreign = facts.constraints.filter(({ type }) => type === "f");
  const heavy = `SHARE ROW EXCLUSIVE on ${text(plain)}`;
  const begin: LockedStatement[] = [
    ...createShadow(facts, names, template, keyColumn),
    ...leaves.flatMap((leaf) => [
      ...createStatements(leaf, leafTemplate),
      ...attachStatements(leaf, leafTemplate, { attachLock: alone.lock, populated: false }),
    ]),
    // A write outside of all ranges must find a place while both tables are written.
    ...createStatements(restLeaf, leafTemplate),
    { sql: `alter table ${quoted(shadow)} attach partition ${quoted(rest)} default`, ...alone },
    {
      sql: `create table ${log} as select 0::bigint as holdfast_n, ${list(identity)} from ${
        quoted(plain)
      } with no data`,
      lock: `ACCESS SHARE on ${text(plain)}`,
    },
    {
      sql:
        `alter table ${log} alter holdfast_n set not null, alter holdfast_n add generated always as identity, add primary key (holdfast_n)`,
      ...alone,
    },
    { sql: capturingFunction(forward, { log, shadow, identity }), lock: "none" },
    ...foreign.flatMap(({ name, definition, references, comment }) => [
      {
        sql: `alter table ${quoted(shadow)} add constraint ${quoteIdent(name)} ${definition}`,
        lock: `SHARE ROW EXCLUSIVE on ${references}`,
      },
      ...(comment === null ? [] : [{
        sql: `comment on constraint ${quoteIdent(name)} on ${quoted(shadow)} is ${
          quoteLiteral(comment)
        }`,
        ...alone,
      }]),
    ]),
    ...triggerStatements(plain, forward).map((sql) => ({ sql, lock: heavy })),
  ];
  const locks = (tables: TableName[]) =>
    `lock table ${
      tables.map((table) => `only ${quoted(table)}`).join(", ")
    } in access exclusive mode`;
  const rename = (from: TableName, to: TableName) =>
    `alter table ${quoted(from)} rename to ${quoteIdent(to.table)}`;
  const dropForward = [`drop function if exists ${forward}()`, `drop table if exists ${log}`];
  const spec: RewriteSpec = {
    source: plain,
    shadow,
    log,
    columns,
    identity,
    signature,
    policy,
    direct: mirroringFunction(forward, { to: shadow, columns, identity }),
    swap: [
      locks([plain, shadow]),
      ...dropTriggerStatements(plain),
      ...dropForward,
      `do $holdfast$ begin if not exists (select 1 from ${quoted(rest)}) then drop table ${
        quoted(rest)
      }; end if; end $holdfast$`,
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
    ],
    undo: [
      locks([plain, old]),
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
    ],
    finish: [
      locks([plain]),
      ...dropTriggerStatements(plain),
      `drop function ${back}()`,
    ],
    cancel: [locks([plain]), ...dropTriggerStatements(plain), ...dropForward],
    clean: {
      undone: [`drop table if exists ${quoted(shadow)}`],
      finished: [`drop table if exists ${quoted(old)}`],
      cancelled: [`drop table if exists ${quoted(shadow)}`],
    },
  };
  return { begin, spec };
}
