import type { Sql } from "../connection.ts";
import { quoteIdent, quoteLiteral } from "../sql.ts";

/** A database and how it was made. */
export interface DatabaseFacts {
  name: string;
  owner: string;
  encoding: string;
  provider: "b" | "c" | "i";
  collate: string;
  ctype: string;
  /** The locale of the providers `b` (builtin) and `i` (ICU). */
  locale: string | null;
  connectionLimit: number;
}

/** Runs statements one by one; each is complete in itself, so that a run that was cut short is begun again. */
async function runAll(sql: Sql, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await sql.unsafe(statement);
}

const flag = (isSet: boolean, name: string) => isSet ? name : `no${name}`;

/** Makes the roles of the old cluster in the new one, with their attributes and stored passwords. Can be repeated. */
export async function copyRoles(old: Sql, fresh: Sql): Promise<number> {
  const roles = await old`
    select
      rolname as name,
      rolsuper,
      rolinherit,
      rolcreaterole,
      rolcreatedb,
      rolcanlogin,
      rolreplication,
      rolbypassrls,
      rolconnlimit,
      rolpassword,
      rolvaliduntil::text as until
    from pg_authid
    where rolname !~ '^pg_'
    order by oid`;
  const present = new Set(
    (await fresh`select rolname from pg_roles`).map(({ rolname }) => rolname),
  );
  for (const role of roles) {
    const name = quoteIdent(role.name);
    const attributes = [
      flag(role.rolsuper, "superuser"),
      flag(role.rolinherit, "inherit"),
      flag(role.rolcreaterole, "createrole"),
      flag(role.rolcreatedb, "createdb"),
      flag(role.rolcanlogin, "login"),
      flag(role.rolreplication, "replication"),
      flag(role.rolbypassrls, "bypassrls"),
      `connection limit ${role.rolconnlimit}`,
      role.rolpassword === null ? "password null" : `password ${quoteLiteral(role.rolpassword)}`,
      ...(role.until === null ? [] : [`valid until ${quoteLiteral(role.until)}`]),
    ].join(" ");
    await fresh.unsafe(`${present.has(role.name) ? "alter" : "create"} role ${name} ${attributes}`);
  }
  await runAll(fresh, await memberships(old));
  return roles.length;
}

/** Returns the statements that grant roles to roles; since Postgres 16 with their options. */
async function memberships(old: Sql): Promise<string[]> {
  const rows = await old`
    select
      pg_get_userbyid(m.roleid) as granted,
      pg_get_userbyid(m.member) as member,
      m.admin_option as admin,
      (to_jsonb(m) ->> 'inherit_option')::boolean as inherits,
      (to_jsonb(m) ->> 'set_option')::boolean as sets
    from pg_auth_members as m
    order by 1, 2`;
  return rows.map(({ granted, member, admin, inherits, sets }) => {
    // Up to version 15 there is one option, and no value of it.
    if (inherits === null) {
      return `grant ${quoteIdent(granted)} to ${quoteIdent(member)}` +
        (admin ? " with admin option" : "");
    }
    const options = [
      ...(admin ? ["admin true"] : []),
      `inherit ${inherits}`,
      ...(sets === null ? [] : [`set ${sets}`]),
    ].join(", ");
    return `grant ${quoteIdent(granted)} to ${quoteIdent(member)} with ${options}`;
  });
}

/**
 * Applies the settings of roles and databases (`alter role … set`, `alter database … set`), of all databases or of one. Can be
 * repeated.
 */
export async function copyRoleSettings(old: Sql, fresh: Sql, database?: string): Promise<void> {
  const rows = await old`
    select
      d.datname as database,
      r.rolname as role,
      split_part(c, '=', 1) as name,
      substr(c, strpos(c, '=') + 1) as value
    from pg_db_role_setting as s
    cross join unnest(s.setconfig) as c
    left join pg_database as d on d.oid = s.setdatabase
    left join pg_roles as r on r.oid = s.setrole
    where ${database ?? null}::text is null or d.datname is null or d.datname = ${
    database ?? null
  }`;
  await runAll(
    fresh,
    rows.map(({ database, role, name, value }) => {
      // A list such as a search_path is stored as it was written, quotes included.
      const given = /^(search_path|.*_preload_libraries|temp_tablespaces|unix_socket_directories)$/
          .test(name)
        ? value || "''"
        : quoteLiteral(value);
      const set = `set ${String(name).split(".").map(quoteIdent).join(".")} to ${given}`;
      if (role === null && database === null) return `alter role all ${set}`;
      if (role === null) return `alter database ${quoteIdent(database)} ${set}`;
      const where = database === null ? "" : ` in database ${quoteIdent(database)}`;
      return `alter role ${quoteIdent(role)}${where} ${set}`;
    }),
  );
}

/** Lists the databases that hold something of users'; templates are made anew by initdb. */
export async function listDatabases(sql: Sql): Promise<DatabaseFacts[]> {
  return await sql<DatabaseFacts[]>`
    select
      d.datname as name,
      pg_get_userbyid(d.datdba) as owner,
      pg_encoding_to_char(d.encoding) as encoding,
      coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') as provider,
      d.datcollate as collate,
      d.datctype as ctype,
      coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') as locale,
      d.datconnlimit as "connectionLimit"
    from pg_database as d
    where not d.datistemplate and d.datallowconn
    order by d.datname = 'postgres', d.datname`;
}

/** Lists the databases that let nobody connect, and so cannot be read; without templates. */
export async function listClosedDatabases(sql: Sql): Promise<string[]> {
  const rows = await sql`
    select datname as name
    from pg_database
    where not datallowconn
      and not datistemplate
    order by datname`;
  return rows.map(({ name }) => name);
}

export async function listTablespaces(sql: Sql): Promise<string[]> {
  const rows = await sql`select spcname as name from pg_tablespace where spcname !~ '^pg_'`;
  return rows.map(({ name }) => name);
}

const providers = { b: "builtin", c: "libc", i: "icu" };

/** Makes a database as the old one was made; an empty one of that name, such as `postgres`, gives way with `replace`. */
export async function createDatabase(
  fresh: Sql,
  facts: DatabaseFacts,
  { replace = false } = {},
): Promise<void> {
  if (replace) await fresh.unsafe(`drop database if exists ${quoteIdent(facts.name)}`);
  const locale = facts.locale === null
    ? ""
    : ` ${facts.provider === "i" ? "icu_locale" : "builtin_locale"} ${quoteLiteral(facts.locale)}`;
  await fresh.unsafe(
    `create database ${quoteIdent(facts.name)} template template0 owner ${
      quoteIdent(facts.owner)
    } encoding ${quoteLiteral(facts.encoding)} locale_provider ${providers[facts.provider]}
      lc_collate ${quoteLiteral(facts.collate)} lc_ctype ${
      quoteLiteral(facts.ctype)
    }${locale} connection limit ${facts.connectionLimit}`,
  );
}

/** Gives the databases their privileges. Can be repeated. */
export async function copyDatabaseGrants(old: Sql, fresh: Sql): Promise<void> {
  const rows = await old`
    select
      d.datname as database,
      case when a.grantee = 0 then null else pg_get_userbyid(a.grantee) end as role,
      a.privilege_type as privilege,
      a.is_grantable as grantable
    from pg_database as d, aclexplode(d.datacl) as a
    where not d.datistemplate and d.datallowconn`;
  const databases = new Set(rows.map(({ database }) => database as string));
  await runAll(fresh, [
    ...[...databases].map((name) => `revoke all on database ${quoteIdent(name)} from public`),
    ...rows.map(({ database, role, privilege, grantable }) =>
      `grant ${privilege} on database ${quoteIdent(database)} to ${
        role === null ? "public" : quoteIdent(role)
      }${grantable ? " with grant option" : ""}`
    ),
  ]);
}
