import type { Sql } from "../connection.ts";

/** The facts of a server and the rights of this role; null is what the role may not see. */
export interface Examined {
  version: string;
  number: number;
  /** Identifies the cluster. */
  system: string;
  /** The database's encoding. */
  encoding: string;
  role: string;
  database: string;
  superuser: boolean;
  monitors: boolean;
  creates: boolean;
  /** Whether the role may stream a base backup, and how many streams the server allows. */
  replicates: boolean;
  senders: number;
  wal_level: string;
  statements: boolean | null;
  checksums: string;
  fsync: string;
  /** Transaction ids left before the server stops taking writes. */
  ids_left: number;
}

/** Reads the facts of a server, with queries that every role may run. */
export async function examineServer(sql: Sql): Promise<Examined> {
  const [row] = await sql<Examined[]>`
    select
      current_setting('server_version') as version,
      current_setting('server_version_num')::int4 as number,
      (select system_identifier::text from pg_control_system()) as system,
      current_setting('server_encoding') as encoding,
      current_user as role,
      current_database() as database,
      (select rolsuper from pg_roles where rolname = current_user) as superuser,
      pg_has_role(current_user, 'pg_monitor', 'usage') as monitors,
      has_database_privilege(current_database(), 'create') or to_regnamespace('holdfast') is not null as creates,
      (select rolreplication or rolsuper from pg_roles where rolname = current_user) as replicates,
      current_setting('max_wal_senders')::int4 as senders,
      current_setting('wal_level') as wal_level,
      case
        when pg_has_role(current_user, 'pg_read_all_settings', 'usage')
          then current_setting('shared_preload_libraries') like '%pg_stat_statements%'
      end as statements,
      current_setting('data_checksums') as checksums,
      current_setting('fsync') as fsync,
      (select 2147483647 - 3000000 - max(age(datfrozenxid)) from pg_database)::float8 as ids_left`;
  if (!row) throw new Error("Cannot examine the server: it returned no row");
  return row;
}
