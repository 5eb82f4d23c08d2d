import { doBlock, quoteIdent, quoteLiteral, quoteTable } from "../sql.ts";

export interface TableName {
  schema: string;
  table: string;
}

/** A statement and the locks it takes, as the manual names them (explicit-locking). */
export interface LockedStatement {
  sql: string;
  lock: string;
}

/** Returns the statements with the lock that each of them takes. */
export function withLock(lock: string, statements: readonly string[]): LockedStatement[] {
  return statements.map((sql) => ({ sql, lock }));
}

/** Returns `schema.table` quoted. */
export const quoteName = ({ schema, table }: TableName): string => quoteTable(schema, table);

/** Returns column names quoted and separated by commas, each after `prefix`. */
export const quoteColumns = (columns: readonly string[], prefix = ""): string =>
  columns.map((column) => prefix + quoteIdent(column)).join(", ");

/** Properties that a new leaf copies from its parent and its newest sibling. */
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
  /** Statistics targets and options of columns, which LIKE leaves out. */
  columnSettings: readonly ColumnSetting[];
  /** Whether default privileges grant others rights on tables of this role that the parent may not grant. */
  defaultGrants: boolean;
  /** It has extended statistics: those that LIKE makes belong to the session's role. */
  extendedStatistics: boolean;
  /** Privileges that the owner revoked from itself. */
  ownerLacks: readonly string[];
}

export interface ColumnSetting {
  column: string;
  statistics: number | null;
  /** Such as n_distinct=100. */
  options: string[];
}

/** A leaf to be created: its bound as DDL text, and the ends of its CHECK as literals (null: no end). */
export interface NewLeaf {
  parent: TableName;
  name: string;
  from: string;
  to: string;
  checkFrom: string | null;
  checkTo: string | null;
}

export const checkName = "holdfast_bound";

/** Returns a table to be created like `parent`, without a range. */
export const unboundedLeaf = (parent: TableName, name: string): NewLeaf => ({
  parent,
  name,
  from: "",
  to: "",
  checkFrom: null,
  checkTo: null,
});

/** Returns a WITH clause for options such as "fillfactor=70", each value as a literal. */
function storageOptions(options: readonly string[]): string {
  if (options.length === 0) return "";
  const written = options.map((option) => {
    const at = option.indexOf("=");
    return `${option.slice(0, at)} = ${quoteLiteral(option.slice(at + 1))}`;
  });
  return ` with (${written.join(", ")})`;
}

/** Returns what revokes the rights that default privileges granted on a new table. */
function revokeDefaults(child: string): string {
  return doBlock([
    "declare given record; begin",
    "  for given in",
    "    select distinct case when e.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(e.grantee)) end as who",
    "    from pg_class as c cross join aclexplode(c.relacl) as e",
    `    where c.oid = ${quoteLiteral(child)}::regclass and e.grantee <> c.relowner`,
    `  loop execute format('revoke all on %s from %s', ${
      quoteLiteral(child)
    }, given.who); end loop; end`,
  ].join("\n"));
}

/** Returns what makes `owner` the owner of a new table's extended statistics. */
function giveStatistics(child: string, owner: string): string {
  return doBlock([
    "declare made record; begin",
    "  for made in",
    "    select n.nspname, e.stxname",
    "    from pg_statistic_ext as e join pg_namespace as n on n.oid = e.stxnamespace",
    `    where e.stxrelid = ${quoteLiteral(child)}::regclass`,
    `  loop execute format('alter statistics %I.%I owner to %I', made.nspname, made.stxname, ${
      quoteLiteral(owner)
    }); end loop; end`,
  ].join("\n"));
}

/**
 * Returns what sets the properties that LIKE does not copy: rights, row security, replica identity, column settings and
 * owner.
 */
export function propertyStatements(
  child: string,
  template: Omit<LeafTemplate, "options" | "unlogged" | "tablespace" | "accessMethod">,
): string[] {
  const alter = (what: string) => `alter table ${child} ${what}`;
  return [
    ...(template.defaultGrants ? [revokeDefaults(child)] : []),
    ...template.grants.map(({ grantee, privileges, grantable, column }) =>
      `grant ${
        privileges.map((one) => column === null ? one : `${one} (${quoteIdent(column)})`).join(", ")
      } on ${child} to ${grantee === "PUBLIC" ? "public" : quoteIdent(grantee)}${
        grantable ? " with grant option" : ""
      }`
    ),
    ...template.columnSettings.flatMap(({ column, statistics, options }) => [
      ...(statistics === null
        ? []
        : [alter(`alter column ${quoteIdent(column)} set statistics ${statistics}`)]),
      ...(options.length === 0
        ? []
        : [alter(`alter column ${quoteIdent(column)} set (${options.join(", ")})`)]),
    ]),
    ...(template.rowSecurity ? [alter("enable row level security")] : []),
    ...(template.forceRowSecurity ? [alter("force row level security")] : []),
    ...(template.replicaIdentity === "f" ? [alter("replica identity full")] : []),
    ...(template.replicaIdentity === "n" ? [alter("replica identity nothing")] : []),
    ...(template.owner === undefined ? [] : [
      alter(`owner to ${quoteIdent(template.owner)}`),
      ...(template.extendedStatistics ? [giveStatistics(child, template.owner)] : []),
    ]),
    ...(template.ownerLacks.length === 0 ? [] : [
      `revoke ${template.ownerLacks.join(", ")} on ${child} from ${
        template.owner === undefined ? "current_user" : quoteIdent(template.owner)
      }`,
    ]),
  ];
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
    ...propertyStatements(child, template).map((sql) => ({ sql, ...alone })),
  ];
}

/**
 * Returns what makes a leaf's copy of the parent's replica identity index its own. Only the catalogue knows the copy's
 * name.
 */
export function replicaIndexStatement({ parent, name }: NewLeaf): string {
  const child = quoteTable(parent.schema, name);
  return doBlock([
    "begin execute (select format('alter table %s replica identity using index %I',",
    `  ${quoteLiteral(child)}, c.relname)`,
    "  from pg_index as p",
    "  join pg_inherits as i on i.inhparent = p.indexrelid",
    "  join pg_index as x on x.indexrelid = i.inhrelid",
    "  join pg_class as c on c.oid = x.indexrelid",
    `  where p.indrelid = ${quoteLiteral(quoteTable(parent.schema, parent.table))}::regclass`,
    `    and p.indisreplident and x.indrelid = ${quoteLiteral(child)}::regclass); end`,
  ].join("\n"));
}

/** Returns what attaches a new, empty table. Without a CHECK an attach reads all rows. */
export function attachStatement({ parent, name, from, to }: NewLeaf): string {
  return `alter table ${quoteTable(parent.schema, parent.table)} attach partition ${
    quoteTable(parent.schema, name)
  } for values from (${from}) to (${to})`;
}

/** Returns what attaches a table with a CHECK equal to its bound, so that the attach need not scan it. */
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
    // Once the leaf is attached, the CHECK would only slow inserts down.
    { sql: `alter table ${child} drop constraint ${checkName}`, ...alone },
    ...(template.replicaIdentity === "i" ? [{ sql: replicaIndexStatement(leaf), ...alone }] : []),
  ];
}

export type DetachMode = "concurrently" | "finalize" | "blocking";

/** Returns what detaches a leaf; `concurrently` and `finalize` cannot run inside a transaction. */
export function detachStatement(parent: TableName, leaf: TableName, mode: DetachMode): string {
  return `alter table ${quoteTable(parent.schema, parent.table)} detach partition ${
    quoteTable(leaf.schema, leaf.table)
  }${mode === "blocking" ? "" : ` ${mode}`}`;
}

/** Returns what reads all rows of a leaf. */
export function readStatement(leaf: TableName): string {
  return `select * from only ${quoteName(leaf)}`;
}

/** Returns what drops a leaf, unless something depends on it. */
export function dropStatement(leaf: TableName): string {
  return `drop table ${quoteTable(leaf.schema, leaf.table)} restrict`;
}

/** Returns what moves a leaf into another schema. */
export function moveStatement(leaf: TableName, schema: string): string {
  return `alter table ${quoteTable(leaf.schema, leaf.table)} set schema ${quoteIdent(schema)}`;
}
