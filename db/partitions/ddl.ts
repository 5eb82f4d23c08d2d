import { quoteIdent, quoteLiteral, quoteTable } from "../sql.ts";

export interface TableName {
  schema: string;
  table: string;
}

/** A statement and the locks it takes, in the words of the manual (explicit-locking). */
export interface LockedStatement {
  sql: string;
  lock: string;
}

/** What a new leaf takes over from its parent and its newest sibling. */
export interface LeafTemplate {
  keyColumns: readonly string[];
  /** Undefined when the session's role is the owner. */
  owner: string | undefined;
  grants: readonly {
    grantee: string;
    privileges: readonly string[];
    grantable: boolean;
    column: string | null;
  }[];
  replicaIdentity: "d" | "f" | "n" | "i";
  tablespace: string | null;
  accessMethod: string | null;
  options: readonly string[];
  unlogged: boolean;
  rowSecurity: boolean;
  forceRowSecurity: boolean;
}

/** A leaf to be: its bound as DDL text, and the ends of its CHECK as literals (null: no end). */
export interface NewLeaf {
  parent: TableName;
  name: string;
  from: string;
  to: string;
  checkFrom: string | null;
  checkTo: string | null;
}

export const checkName = "holdfast_bound";

/** Storage options come as "fillfactor=70"; an option's value is a literal. */
function storageOptions(options: readonly string[]): string {
  if (options.length === 0) return "";
  const written = options.map((option) => {
    const at = option.indexOf("=");
    return `${option.slice(0, at)} = ${quoteLiteral(option.slice(at + 1))}`;
  });
  return ` with (${written.join(", ")})`;
}

/**
 * Makes the table by itself, as its parent and siblings are. Identity is the parent's alone; keys come with ATTACH.
 * `like` is whose columns it has, where that is not its parent.
 */
export function createStatements(
  leaf: NewLeaf,
  template: LeafTemplate,
  { like = leaf.parent, partitioned = false } = {},
): LockedStatement[] {
  const parent = quoteTable(like.schema, like.table);
  const child = quoteTable(leaf.parent.schema, leaf.name);
  const alone = { lock: `none but on the new ${leaf.parent.schema}.${leaf.name}` };
  const alter = (what: string) => ({ sql: `alter table ${child} ${what}`, ...alone });
  return [
    {
      sql: `create ${template.unlogged ? "unlogged " : ""}table ${child} (like ${parent} ` +
        "including defaults including constraints including generated including storage " +
        "including compression including statistics including comments)" +
        (partitioned
          ? ` partition by range (${template.keyColumns.map(quoteIdent).join(", ")})`
          : "") +
        (template.accessMethod ? ` using ${quoteIdent(template.accessMethod)}` : "") +
        storageOptions(template.options) +
        (template.tablespace ? ` tablespace ${quoteIdent(template.tablespace)}` : ""),
      lock: `ACCESS SHARE on ${like.schema}.${like.table}`,
    },
    ...template.grants.map(({ grantee, privileges, grantable, column }) => ({
      sql: `grant ${
        privileges.map((one) => column === null ? one : `${one} (${quoteIdent(column)})`).join(", ")
      } on ${child} to ${grantee === "PUBLIC" ? "public" : quoteIdent(grantee)}${
        grantable ? " with grant option" : ""
      }`,
      ...alone,
    })),
    ...(template.rowSecurity ? [alter("enable row level security")] : []),
    ...(template.forceRowSecurity ? [alter("force row level security")] : []),
    ...(template.replicaIdentity === "f" ? [alter("replica identity full")] : []),
    ...(template.replicaIdentity === "n" ? [alter("replica identity nothing")] : []),
    ...(template.owner === undefined ? [] : [alter(`owner to ${quoteIdent(template.owner)}`)]),
  ];
}

/** The leaf's copy of the parent's replica identity index bears a name that only the catalogue knows. */
export function replicaIndexStatement({ parent, name }: NewLeaf): string {
  const child = quoteTable(parent.schema, name);
  const text = [
    "do $$ begin execute (select format('alter table %s replica identity using index %I',",
    `  ${quoteLiteral(child)}, c.relname)`,
    "  from pg_index as p",
    "  join pg_inherits as i on i.inhparent = p.indexrelid",
    "  join pg_index as x on x.indexrelid = i.inhrelid",
    "  join pg_class as c on c.oid = x.indexrelid",
    `  where p.indrelid = ${quoteLiteral(quoteTable(parent.schema, parent.table))}::regclass`,
    `    and p.indisreplident and x.indrelid = ${quoteLiteral(child)}::regclass); end $$`,
  ].join("\n");
  return text;
}

/** Without a CHECK an attach reads all rows there are: for a table that is new. */
export function attachStatement({ parent, name, from, to }: NewLeaf): string {
  return `alter table ${quoteTable(parent.schema, parent.table)} attach partition ${
    quoteTable(parent.schema, name)
  } for values from (${from}) to (${to})`;
}

/** Attaches a table under a CHECK that says what its bound says, so that the attach need not scan it. */
export function attachStatements(
  leaf: NewLeaf,
  template: LeafTemplate,
  { attachLock, populated }: { attachLock: string; populated: boolean },
): LockedStatement[] {
  const { parent, name } = leaf;
  const child = quoteTable(parent.schema, name);
  const [key = ""] = template.keyColumns;
  const conditions = [
    ...template.keyColumns.map((column) => `${quoteIdent(column)} is not null`),
    ...(leaf.checkFrom === null ? [] : [`${quoteIdent(key)} >= ${leaf.checkFrom}`]),
    ...(leaf.checkTo === null ? [] : [`${quoteIdent(key)} < ${leaf.checkTo}`]),
  ];
  const alone = { lock: `ACCESS EXCLUSIVE on ${parent.schema}.${name} alone` };
  return [
    ...(populated
      ? [{ sql: `alter table ${child} drop constraint if exists ${checkName}`, ...alone }]
      : []),
    {
      sql: `alter table ${child} add constraint ${checkName} check (${conditions.join(" and ")})`,
      ...alone,
    },
    { sql: attachStatement(leaf), lock: attachLock },
    // Once attached, it would only cost every insert a test.
    { sql: `alter table ${child} drop constraint ${checkName}`, ...alone },
    ...(template.replicaIdentity === "i" ? [{ sql: replicaIndexStatement(leaf), ...alone }] : []),
  ];
}

export type DetachMode = "concurrently" | "finalize" | "blocking";

/** Detaches a leaf; concurrently and finalize cannot run inside a transaction. */
export function detachStatement(parent: TableName, leaf: TableName, mode: DetachMode): string {
  return `alter table ${quoteTable(parent.schema, parent.table)} detach partition ${
    quoteTable(leaf.schema, leaf.table)
  }${mode === "blocking" ? "" : ` ${mode}`}`;
}

export function dropStatement(leaf: TableName): string {
  return `drop table ${quoteTable(leaf.schema, leaf.table)} restrict`;
}

export function moveStatement(leaf: TableName, schema: string): string {
  return `alter table ${quoteTable(leaf.schema, leaf.table)} set schema ${quoteIdent(schema)}`;
}

/** Moves the rows of a new leaf's range out of the default leaf. */
export function drainStatement(
  leaf: NewLeaf,
  defaultLeaf: TableName,
  template: LeafTemplate,
  columns: readonly string[],
): string {
  const [key = ""] = template.keyColumns;
  const names = columns.map(quoteIdent).join(", ");
  const ends = [
    ...(leaf.checkFrom === null ? [] : [`${quoteIdent(key)} >= ${leaf.checkFrom}`]),
    ...(leaf.checkTo === null ? [] : [`${quoteIdent(key)} < ${leaf.checkTo}`]),
  ];
  return `with moved as (delete from ${quoteTable(defaultLeaf.schema, defaultLeaf.table)} where ${
    ends.join(" and ")
  } returning ${names}) insert into ${
    quoteTable(leaf.parent.schema, leaf.name)
  } (${names}) select ${names} from moved`;
}
