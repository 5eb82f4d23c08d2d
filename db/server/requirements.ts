import type { Sql } from "../connection.ts";

/** The properties of a database and role that Holdfast depends on. */
export interface DatabaseTraits {
  /** The names are null where the encoding is not supported: it may be impossible to convert them. */
  database: string | null;
  role: string | null;
  encoding: string;
  /** The value in this session, after Holdfast has set what the role may set. */
  replicationRole: string;
}

/** SQL_ASCII accepts any bytes; what others wrote in another encoding is shown with U+FFFD. */
const encodings = ["UTF8", "SQL_ASCII"];

/** Reads the properties of the database of a session. */
export async function readTraits(sql: Sql): Promise<DatabaseTraits> {
  const [row] = await sql<DatabaseTraits[]>`
    select
      case when fits then current_database() end as database,
      case when fits then current_user end as role,
      encoding,
      current_setting('session_replication_role') as "replicationRole"
    from (select current_setting('server_encoding') as encoding) as server,
      lateral (select encoding = any(${encodings}::text[]) as fits) as judged`;
  if (!row) throw new Error("Cannot read the database's properties: the server returned no row");
  return row;
}

/** Returns in one line why Holdfast cannot use a database and what to do; undefined when it can. Pure. */
export function whyUnfit(
  { database, role, encoding, replicationRole }: DatabaseTraits,
): string | undefined {
  if (!encodings.includes(encoding)) {
    return `The database has the encoding ${encoding}, which cannot hold every symbol and message; ` +
      "Holdfast needs UTF8 (create database … encoding 'UTF8' template template0) or SQL_ASCII";
  }
  if (replicationRole !== "origin") {
    return `session_replication_role is ${replicationRole} for role ${role}, so foreign keys and triggers do not hold, ` +
      `and only a superuser can change it: alter role ${role} reset session_replication_role ` +
      `(or alter database ${database} reset session_replication_role)`;
  }
  return undefined;
}
