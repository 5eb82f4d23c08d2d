import type { Sql } from "../connection.ts";
import { quoteIdent, quoteLiteral } from "../sql.ts";
import { isVerifierOf, ownRole, scramVerifier, type Secrets, superuser } from "./secrets.ts";

/** Statements of one transaction: each locks an object, and a server has room for a few thousand locks. */
const perTransaction = 100;

async function verifierOf(sql: Sql, role: string): Promise<string | null | undefined> {
  const [row] = await sql<{ verifier: string | null }[]>`
    select rolpassword as verifier from pg_authid where rolname = ${role}`;
  return row?.verifier;
}

/** Gives a role its password, unless it has it. */
async function setPassword(sql: Sql, role: string, password: string): Promise<void> {
  if (isVerifierOf(await verifierOf(sql, role) ?? null, password)) return;
  await sql.unsafe(
    `alter role ${quoteIdent(role)} password ${quoteLiteral(scramVerifier(password))}`,
  );
}

/** Sets the passwords of both roles to those of the data directory. */
export async function setPasswords(sql: Sql, secrets: Secrets): Promise<void> {
  await setPassword(sql, superuser, secrets.superuser);
  if (await verifierOf(sql, ownRole) !== undefined) await setPassword(sql, ownRole, secrets.own);
}

/** Makes Holdfast's own role with the rights that docs/deployment.md lists, or sees to its password. */
export async function ensureRole(sql: Sql, secrets: Secrets): Promise<void> {
  const role = quoteIdent(ownRole);
  if (await verifierOf(sql, ownRole) === undefined) {
    await sql.unsafe(
      `create role ${role} login replication in role pg_monitor
        password ${quoteLiteral(scramVerifier(secrets.own))}`,
    );
  } else {
    await setPassword(sql, ownRole, secrets.own);
  }
  const [member] = await sql`select from pg_auth_members where
    member = ${ownRole}::regrole and roleid = 'pg_signal_backend'::regrole`;
  // So that whoever is on call can end a session that blocks others.
  if (!member) await sql.unsafe(`grant pg_signal_backend to ${role}`);
}

/** What the bootstrap superuser owns in this database beside the system's and extensions' objects, parents first. */
const ownedByBootstrap = `
  with owned (place, classid, objid) as (
    select 1, 'pg_namespace'::regclass, oid from pg_namespace where nspowner = 10
    union all
    select 2, 'pg_class'::regclass, c.oid
    from pg_class as c
    where c.relowner = 10
      and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
      -- A column's sequence goes with its table.
      and not exists (
        select from pg_depend as d
        where c.relkind = 'S' and d.classid = 'pg_class'::regclass and d.objid = c.oid
          and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
      )
    union all
    select 3, 'pg_type'::regclass, t.oid
    from pg_type as t
    where t.typowner = 10
      and t.typtype in ('b', 'd', 'e', 'r')
      and t.typrelid = 0
      and not exists (select from pg_type as e where e.typarray = t.oid)
    union all select 4, 'pg_proc'::regclass, oid from pg_proc where proowner = 10
    union all select 5, 'pg_operator'::regclass, oid from pg_operator where oprowner = 10
    union all select 5, 'pg_opfamily'::regclass, oid from pg_opfamily where opfowner = 10
    union all select 6, 'pg_opclass'::regclass, oid from pg_opclass where opcowner = 10
    union all select 7, 'pg_collation'::regclass, oid from pg_collation where collowner = 10
    union all select 7, 'pg_conversion'::regclass, oid from pg_conversion where conowner = 10
    union all select 7, 'pg_statistic_ext'::regclass, oid from pg_statistic_ext where stxowner = 10
    union all select 7, 'pg_ts_config'::regclass, oid from pg_ts_config where cfgowner = 10
    union all select 7, 'pg_ts_dict'::regclass, oid from pg_ts_dict where dictowner = 10
  )
  select
    case i.type
      when 'statistics object' then 'statistics'
      when 'composite type' then 'type'
      else i.type
    end as kind,
    i.identity as name
  from owned as o, pg_identify_object(o.classid, o.objid, 0) as i
  where o.objid >= 16384
    and coalesce(i.schema, i.name) !~ '^pg_'
    and not exists (
      select from pg_depend as d
      where d.classid = o.classid and d.objid = o.objid and d.objsubid = 0 and d.deptype = 'e'
    )
  order by o.place, o.objid`;

/**
 * Gives Holdfast's role what the superuser owns in this database: a cluster of an earlier version was worked on as
 * superuser. What only a superuser may own (event triggers, publications, foreign servers) stays. Can be repeated.
 */
export async function handOver(sql: Sql): Promise<number> {
  const owned = await sql.unsafe<{ kind: string; name: string }[]>(ownedByBootstrap);
  for (let at = 0; at < owned.length; at += perTransaction) {
    // The names are the server's own, quoted; several statements in one message are one transaction.
    await sql.unsafe(
      owned.slice(at, at + perTransaction)
        .map(({ kind, name }) => `alter ${kind} ${name} owner to ${quoteIdent(ownRole)};`)
        .join("\n"),
    );
  }
  return owned.length;
}

/** Says whether Holdfast's role may make its schemas in this database. */
export async function hasRights(sql: Sql): Promise<boolean> {
  const [row] = await sql<{ granted: boolean }[]>`
    select has_database_privilege(${ownRole}, current_database(), 'create') as granted`;
  return row?.granted === true;
}

/** Grants Holdfast's role what it needs in this database. */
export async function grantRights(sql: Sql, database: string): Promise<void> {
  const role = quoteIdent(ownRole);
  await sql.unsafe(
    `grant connect, create, temporary on database ${quoteIdent(database)} to ${role};
    grant usage, create on schema public to ${role};`,
  );
}
