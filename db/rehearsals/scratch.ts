import type { Sql } from "../connection.ts";
import { quoteIdent, quoteLiteral, quoteTable } from "../sql.ts";

/** The role that runs all given SQL on a copy: it may do anything with the data, and nothing outside. */
export const rehearsalRole = "holdfast_rehearsal";

/** Oids below this belong to the system catalogues (FirstNormalObjectId). */
export const firstUserOid = 16_384;

/**
 * Creates the role that owns all user objects of this copy and is no superuser: SQL from a request can then neither read
 * files nor run programs nor reach another server. Ownership is set in the catalogue, which is fast for any number of
 * objects; the copy is discarded later. Stored passwords of other servers are removed. Called again, it does the same for
 * objects that were made since.
 */
export async function confineUsers(sql: Sql): Promise<void> {
  const role = quoteIdent(rehearsalRole);
  const [known] = await sql`select from pg_roles where rolname = ${rehearsalRole}`;
  if (!known) {
    await sql.unsafe(
      `create role ${role} login nosuperuser nocreatedb nocreaterole noreplication bypassrls`,
    );
  }
  await sql.begin(async (own) => {
    await own.unsafe("set local allow_system_table_mods to on");
    const user = `(select oid from pg_roles where rolname = ${quoteLiteral(rehearsalRole)})`;
    const ours = `(oid >= ${firstUserOid})`;
    const inUserSchema = (column: string) =>
      `${ours} and ${column} in (
        select n.oid from pg_namespace as n
        where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      )`;
    // Functions in C keep their owner: closeWaysOut decides who may call them.
    for (
      const statement of [
        `update pg_database set datdba = ${user}, datacl = null where datname = current_database()`,
        `update pg_namespace set nspowner = ${user}, nspacl = null
          where nspname !~ '^pg_' and nspname <> 'information_schema'`,
        `update pg_class set relowner = ${user}, relacl = null
          where relkind <> 'f' and (${inUserSchema("relnamespace")} or relkind = 't' and ${ours})`,
        `update pg_attribute set attacl = null where attacl is not null and attrelid >= ${firstUserOid}`,
        `update pg_type set typowner = ${user}, typacl = null where ${
          inUserSchema("typnamespace")
        }`,
        `update pg_proc set proowner = ${user}, proacl = null
          where ${inUserSchema("pronamespace")}
            and prolang in (select oid from pg_language where lanpltrusted or lanname = 'sql')`,
        "delete from pg_user_mapping",
        "delete from pg_subscription_rel",
        "delete from pg_subscription",
      ]
    ) await own.unsafe(statement);
  });
}

/** Drops replication slots and rolls back prepared transactions that the copy has inherited. */
export async function endLeftoverWork(sql: Sql): Promise<void> {
  for (const { slot_name } of await sql`select slot_name from pg_replication_slots`) {
    await sql`select pg_drop_replication_slot(${slot_name})`;
  }
  const prepared = await sql`
    select gid
    from pg_prepared_xacts
    where database = current_database()`;
  for (const { gid } of prepared) await sql.unsafe(`rollback prepared ${quoteLiteral(gid)}`);
}

/** Returns a search path of all user schemas, quoted: public first, without Holdfast's own. */
export async function searchPathOf(sql: Sql): Promise<string> {
  const rows = await sql<{ name: string }[]>`
    select nspname as name
    from pg_namespace
    where nspname !~ '^pg_' and nspname not in ('information_schema', 'holdfast')
      and nspname not like 'bench\\_%'
    order by nspname <> 'public', nspname
    limit 50`;
  return rows.map(({ name }) => quoteIdent(name)).join(", ");
}

/** Lists tables without statistics (new, rewritten or never analysed), small ones first. Names are quoted. */
export async function listUnanalysed(sql: Sql): Promise<{ name: string; oid: number }[]> {
  const rows = await sql<{ schema: string; name: string; oid: number }[]>`
    select
      n.nspname as schema,
      c.relname as name,
      c.oid::int8::float8 as oid
    from pg_class as c
    join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm')
      and c.oid >= ${firstUserOid}
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and pg_relation_size(c.oid) > 0
      and (
        c.reltuples < 0
        or not exists (select from pg_statistic as s where s.starelid = c.oid)
        or exists (
          select from pg_index as i
          where i.indrelid = c.oid and i.indexprs is not null
            and not exists (select from pg_statistic as s where s.starelid = i.indexrelid)
        )
      )
    order by c.relpages, c.oid`;
  return rows.map(({ schema, name, oid }) => ({ name: quoteTable(schema, name), oid }));
}

/** Gathers the statistics of one table; `name` is quoted. */
export async function analyse(sql: Sql, name: string, { vacuum }: { vacuum: boolean }) {
  await sql.unsafe(vacuum ? `vacuum (analyze) ${name}` : `analyze ${name}`);
}

/**
 * Rewrites every table and index of the database in its smallest form, so that another copy which is loaded anew is no more
 * compact, and gathers statistics and visibility maps.
 */
export async function compact(sql: Sql): Promise<void> {
  await sql.unsafe("vacuum (full)");
  await analyseFully(sql);
}

/** Gathers statistics and visibility maps of the whole database. */
export async function analyseFully(sql: Sql): Promise<void> {
  await sql.unsafe("vacuum (analyze)");
}

/** Returns the file nodes of all user relations by name; they change when a relation is rewritten or recreated. */
export async function readFileNodes(sql: Sql): Promise<Map<string, string>> {
  const rows = await sql<{ name: string; nodes: string }[]>`
    select
      relname as name,
      string_agg(relfilenode::text, ' ' order by relfilenode) as nodes
    from pg_class
    where oid >= ${firstUserOid} and relkind in ('r', 'm', 'i')
    group by relname`;
  return new Map(rows.map(({ name, nodes }) => [name, nodes]));
}

export interface CopySize {
  bytes: number;
  wal_bytes: number;
}

/** Returns the bytes of the database, and of all WAL since the cluster was created. */
export async function readCopySize(sql: Sql): Promise<CopySize> {
  const [row] = await sql<CopySize[]>`
    select
      pg_database_size(current_database())::float8 as bytes,
      pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as wal_bytes`;
  return row ?? { bytes: 0, wal_bytes: 0 };
}

/** Returns whether the server answers. */
export async function answers(sql: Sql): Promise<boolean> {
  return await sql`select 1`.then(() => true, () => false);
}

/** Sets the search path of a session to `path`, a list of quoted schemas; public when it is empty. */
export async function setSearchPath(sql: Sql, path: string): Promise<void> {
  await sql.unsafe(`set search_path to ${path === "" ? "public" : path}`);
}

/**
 * Removes the values that the copy's database, or all roles, have for some settings: they would hide those that the server
 * is started with.
 */
export async function resetDefaults(sql: Sql, names: readonly string[]): Promise<void> {
  const [row] = await sql<{ name: string }[]>`select current_database() as name`;
  const database = quoteIdent(row?.name ?? "");
  for (const name of names.map(quoteIdent)) {
    await sql.unsafe(`alter database ${database} reset ${name}`);
    await sql.unsafe(`alter role all reset ${name}`);
  }
}

/** Writes all changed pages to disk. */
export async function checkpoint(sql: Sql): Promise<void> {
  await sql`checkpoint`;
}
