import type { Sql } from "../connection.ts";

/** Returns the names of the server's databases that this role may connect to, templates left out. */
export async function listDatabases(sql: Sql): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select d.datname as name
    from pg_database as d
    where d.datallowconn
      and not d.datistemplate
      and has_database_privilege(d.oid, 'connect')
    order by d.datname`;
  return rows.map(({ name }) => name);
}
